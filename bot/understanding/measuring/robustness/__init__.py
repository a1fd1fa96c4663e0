"""How well the intent model holds when the same wish is written otherwise: seeded changes to test rows, measured."""

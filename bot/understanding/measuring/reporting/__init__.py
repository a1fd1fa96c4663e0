"""An evaluation as a page for people: drawn from its records, nothing is measured here."""

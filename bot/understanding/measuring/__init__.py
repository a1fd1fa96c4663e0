"""How good an intent model is: figures, curves, robustness, and the report to read."""

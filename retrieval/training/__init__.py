"""Training of what `retrieval` serves. Imports torch; imported by nothing that serves."""

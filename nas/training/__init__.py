"""Data, recipe and the one training loop."""

"""The recipe and the loop of a training."""

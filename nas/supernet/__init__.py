"""One store of weights that holds every candidate of a space, and its training."""

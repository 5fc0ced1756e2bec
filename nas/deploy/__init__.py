"""Trained networks for other runtimes: quantised, and measured as those run them."""

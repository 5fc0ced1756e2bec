"""What may be said of noisy measurements."""

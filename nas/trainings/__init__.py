"""What to train next, on record, done once."""

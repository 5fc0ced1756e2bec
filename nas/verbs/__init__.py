"""What the verbs do, on plain settings: the command line's or those of a function."""

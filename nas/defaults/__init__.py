"""The defaults of settings, which conf/ alone gives."""

"""Data sources, their splits, and images made ready for a resolution."""

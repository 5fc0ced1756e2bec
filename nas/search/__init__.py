"""The search: what to try, what it is worth, what stands."""

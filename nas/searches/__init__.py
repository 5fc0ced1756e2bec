"""The search: what to try next, what it is worth, and what was found."""

"""What a network costs, how good it is, and the search for the one that is worth it."""

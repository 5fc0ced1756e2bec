"""How a baseline grows: the search for its constants, and the family that it leads to."""

"""What a network is, and which ones may be tried. Imports no framework."""

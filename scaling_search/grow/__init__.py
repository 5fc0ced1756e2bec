"""Grown networks, and ways to choose some: grids, families, ablations."""

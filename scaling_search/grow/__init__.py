"""Grown networks: grids, families, ablations."""

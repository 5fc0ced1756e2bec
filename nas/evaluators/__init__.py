"""Arch → accuracy: the seam and what ships behind it."""

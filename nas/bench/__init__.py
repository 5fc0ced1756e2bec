"""Searches compared with each other where every accuracy is known."""

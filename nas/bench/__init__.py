"""Searches held against each other where every accuracy is known."""

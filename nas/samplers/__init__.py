"""Optuna samplers of our own."""

"""Trainings: what to train next, done once on any executor, on record before it counts."""

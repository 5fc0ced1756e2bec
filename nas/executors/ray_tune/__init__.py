"""Trainings under Ray Tune."""

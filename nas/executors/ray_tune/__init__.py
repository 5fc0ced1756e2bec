"""Evaluations under Ray Tune."""

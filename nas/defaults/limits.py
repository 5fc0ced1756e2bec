"""Limits of settings beyond which the machine would fail, and not say why."""

MOST_THREADS = 1024
"""Threads that torch computes with, and processes that load images for it: for as many as no
machine starts, its thread pool ends the process without a word."""

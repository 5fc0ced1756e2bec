"""Models of accuracy, learnt from what was measured."""

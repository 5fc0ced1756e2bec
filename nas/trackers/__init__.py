"""Experiment trackers: what a run's records say, told to TensorBoard, MLflow, W&B or one's own."""

"""Normalising flows for TensorFlow Probability."""

"""Autoencoders with flows as posteriors, on pictures in black and white."""

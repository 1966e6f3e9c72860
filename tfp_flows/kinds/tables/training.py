"""What all fits to tables share."""

GRADIENT_NORM = 5.0
MIN_DELTA = 1e-4
"""An improvement below this, in nats, is noise."""

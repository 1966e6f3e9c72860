"""What fits to tables share, in Python and from the command line."""

GRADIENT_NORM = 5.0
VALIDATION_BATCH = 2_000
MIN_DELTA = 1e-4
"""An improvement below this, in nats, is noise."""

"""A figure and its error."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A figure in nats with its standard error."""

    value: float
    standard_error: float

    def __str__(self):
        return f"{self.value:.3f} ± {2 * self.standard_error:.3f} nats (2 s.e.)"

"""What a backend hands back."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Trained(NamedTuple):
    """A model after training.

    Attributes:
        log_density: Function of rows ``[n, ...]`` that returns their log-densities ``[n]``, in
            nats.
        parameters: Number of trainable parameters.
        details: Anything else that the report should hold, as JSON values.
    """

    log_density: Callable[[np.ndarray], np.ndarray]
    parameters: int
    details: dict

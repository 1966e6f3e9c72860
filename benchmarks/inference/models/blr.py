"""A linear regression without an intercept, its priors normal."""

import numpy as np

from benchmarks.inference.models.pieces import half_normal, normal, regression


def model(data):
    """Of ``X``, ``[N, D]``, and ``y``."""
    coefficients = normal("beta", 0, 10, data["D"])
    return regression(
        data["y"], list(np.array(data["X"]).T), coefficients, half_normal("sigma", 10)
    )

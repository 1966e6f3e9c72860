"""Log-weight of mesquite bushes by the logarithm of their volume."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``weight``, ``diam1``, ``diam2`` and ``canopy_height``."""
    sides = [np.log(data[name]) for name in ("diam1", "diam2", "canopy_height")]
    return regression(np.log(data["weight"]), [1, sum(sides)])

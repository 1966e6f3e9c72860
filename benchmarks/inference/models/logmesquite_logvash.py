"""Log-weight of mesquite bushes by the logarithms of volume, area, shape and height."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``weight``, ``diam1``, ``diam2``, ``canopy_height``, ``total_height`` and ``group``."""
    wide, deep, high = (np.log(data[name]) for name in ("diam1", "diam2", "canopy_height"))
    logs = [wide + deep + high, wide + deep, wide - deep, np.log(data["total_height"])]
    return regression(np.log(data["weight"]), [1, *logs, data["group"]])

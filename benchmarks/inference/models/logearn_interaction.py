"""Log-earnings by height, sex and both."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``earn``, ``height`` and ``male``."""
    height, male = np.array(data["height"]), np.array(data["male"])
    return regression(np.log(data["earn"]), [1, height, male, height * male])

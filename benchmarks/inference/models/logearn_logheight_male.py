"""Log-earnings by log-height and sex."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``earn``, ``height`` and ``male``."""
    return regression(np.log(data["earn"]), [1, np.log(data["height"]), data["male"]])

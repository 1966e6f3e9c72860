"""Log-weight of mesquite bushes by the logarithms of their measures."""

import numpy as np

from benchmarks.inference.models.mesquite import COLUMNS
from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``weight`` and the columns; ``group`` is a mark and has no logarithm."""
    logs = [np.log(data[name]) for name in COLUMNS if name != "group"]
    return regression(np.log(data["weight"]), [1, *logs, data["group"]])

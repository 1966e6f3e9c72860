"""A child's score by the mother's work, of four kinds."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``kid_score`` and ``mom_work``."""
    work = np.array(data["mom_work"])
    return regression(data["kid_score"], [1, work == 2, work == 3, work == 4])

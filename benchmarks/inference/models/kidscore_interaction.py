"""A child's score by the mother's school, her IQ and both."""

import numpy as np

from benchmarks.inference.models.pieces import half_cauchy, regression


def model(data):
    """Of ``kid_score``, ``mom_hs`` and ``mom_iq``."""
    school, iq = np.array(data["mom_hs"]), np.array(data["mom_iq"])
    columns = [1, school, iq, school * iq]
    return regression(data["kid_score"], columns, scale=half_cauchy("sigma", 2.5))

"""A child's score by the mother's school and IQ, standardised by two deviations, and both."""

import numpy as np

from benchmarks.inference.models.pieces import regression


def _standardised(values):
    return (values - np.mean(values)) / (2 * np.std(values, ddof=1))


def model(data):
    """Of ``kid_score``, ``mom_hs`` and ``mom_iq``."""
    school, iq = _standardised(data["mom_hs"]), _standardised(data["mom_iq"])
    return regression(data["kid_score"], [1, school, iq, school * iq])

"""A child's score by the mother's school and IQ."""

from benchmarks.inference.models.pieces import half_cauchy, regression


def model(data):
    """Of ``kid_score``, ``mom_hs`` and ``mom_iq``."""
    columns = [1, data["mom_hs"], data["mom_iq"]]
    return regression(data["kid_score"], columns, scale=half_cauchy("sigma", 2.5))

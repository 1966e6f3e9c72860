"""A child's score by the mother's school."""

from benchmarks.inference.models.pieces import half_cauchy, regression


def model(data):
    """Of ``kid_score`` and ``mom_hs``."""
    return regression(data["kid_score"], [1, data["mom_hs"]], scale=half_cauchy("sigma", 2.5))

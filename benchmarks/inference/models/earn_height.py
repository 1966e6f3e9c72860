"""Earnings by height."""

from benchmarks.inference.models.pieces import regression


def model(data):
    """Of ``earn`` and ``height``."""
    return regression(data["earn"], [1, data["height"]])

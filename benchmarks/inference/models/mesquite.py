"""Weight of mesquite bushes by their measures."""

from benchmarks.inference.models.pieces import regression

COLUMNS = ("diam1", "diam2", "canopy_height", "total_height", "density", "group")


def model(data):
    """Of ``weight`` and the columns."""
    return regression(data["weight"], [1, *(data[name] for name in COLUMNS)])

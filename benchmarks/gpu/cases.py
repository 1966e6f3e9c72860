"""What is measured: flows of a size that a GPU is bought for."""

from typing import Any, NamedTuple

PRECISIONS = ("float32", "bfloat16")
WAYS = {True: "XLA", False: "graph"}


class Case(NamedTuple):
    """A flow, and how it is trained.

    Attributes:
        recipe: Name of the recipe.
        options: Its arguments.
        batch: Rows of a step, of a call of ``log_prob`` and of one of ``sample``.
    """

    recipe: str
    options: dict[str, Any]
    batch: int


_WIDE = {"event_shape": 64, "num_layers": 5, "hidden_units": [512, 512]}
CASES = {
    "maf": Case("maf", _WIDE, 4096),
    "realnvp": Case("realnvp", _WIDE, 4096),
    "nsf": Case("nsf", _WIDE, 4096),
    "glow": Case(
        "glow",
        {"event_shape": (32, 32, 3), "num_levels": 3, "depth": 4, "hidden_units": [128]},
        64,
    ),
}
_NARROW = {"event_shape": 3, "num_layers": 1, "hidden_units": [4]}
SMALL = {
    **dict.fromkeys(("maf", "realnvp", "nsf"), _NARROW),
    "glow": {"event_shape": (2, 2, 1), "num_levels": 1, "depth": 1, "hidden_units": [4]},
}

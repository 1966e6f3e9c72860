"""Columns of whole numbers."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from tfp_flows.tables.columns import OPEN
from tfp_flows.tables.numbers import Real


@dataclasses.dataclass(kw_only=True)
class Integer(Real):
    """Whole numbers, each with a probability, which follows a density over the line.

    Attributes:
        low: The lowest that is possible.
        high: The highest that is possible.
    """

    type: ClassVar[str] = "integer"
    shown: ClassVar[tuple[str, ...]] = ("low", "high")
    step: float | None = 1.0

    def spec(self):
        """What a schema file says of it."""
        return {n: v for n, v in super().spec().items() if math.isfinite(v)}

    def describe(self):
        """The type and its arguments."""
        ends = [
            f"{n}={v:g}" for n, v in (("low", self.low), ("high", self.high)) if math.isfinite(v)
        ]
        return f"integer({', '.join(ends)})" if ends else "integer"

    def _edge_latents(self, edges):
        z = self.marginal.forward(np.asarray(edges, np.float64))[0]
        z = np.where(edges < self.low, -OPEN, np.where(edges > self.high, OPEN, z))
        return np.clip(z, -OPEN, OPEN)

    def decode(self, cells):
        """Values of cells."""
        return super().decode(cells).astype(np.int64)

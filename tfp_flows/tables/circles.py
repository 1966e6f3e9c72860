"""Columns of numbers on a circle."""

import dataclasses
import math
from typing import ClassVar

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.columns import Coded, Column
from tfp_flows.tables.grids import on_grid

# A float32 of the end of a circle may be beyond it.
_ROUND = 1e-6


@dataclasses.dataclass(kw_only=True)
class Angle(Column):
    """A number on a circle: its end is its beginning.

    Attributes:
        period: Length of the circle.
        low: Where it begins.
        step: Distance of a grid to which samples are rounded.
    """

    type: ClassVar[str] = "angle"
    shown: ClassVar[tuple[str, ...]] = ("period", "low", "step")
    number: ClassVar[str] = "circle"

    period: float = 360.0
    low: float = 0.0
    step: float | None = None

    def __post_init__(self):
        if not 0 < self.period < math.inf:
            raise InputError(
                f"Column {self.name!r} of the schema has the period {self.period!r}; give a "
                "positive number."
            )

    def impossible(self, values):
        """Which values are no numbers: others than those of the circle go round it."""
        return ~np.isfinite(self.numeric(values))

    def contradicting(self, values):
        """Which values are not of one round, or not of the grid."""
        x = self.numeric(values)
        turns = (x - self.low) / self.period
        inside = (turns >= -_ROUND) & (turns <= 1 + _ROUND)
        return ~inside | (self.step is not None and ~on_grid(x, self.step, self.low))

    @property
    def remedy(self):
        """What to do where values contradict it."""
        return "change its period, low, step or type"

    def upper(self, x: np.ndarray) -> np.ndarray:
        """Angles ``[n]`` from -pi of numbers ``x`` ``[n]`` on the circle as it begins and ends."""
        return np.clip((x - self.low) / self.period, 0, 1) * 2 * math.pi - math.pi

    def encode(self, values):
        """Cells of values."""
        x = np.asarray(values, np.float64)
        turn = np.mod((x - self.low) / self.period, 1.0) * 2 * math.pi - math.pi
        cells = np.stack([np.zeros(len(x)), turn, turn, np.ones(len(x))], axis=-1)
        log_det = np.full(len(x), math.log(2 * math.pi / self.period))
        return Coded(cells, log_det, ~np.isfinite(x))

    def decode(self, cells):
        """Values of cells."""
        share = np.mod((cells[:, 1].astype(np.float64) + math.pi) / (2 * math.pi), 1.0)
        x = self.low + share * self.period
        if self.step is not None:
            x = self.low + np.mod(np.round((x - self.low) / self.step) * self.step, self.period)
        return x

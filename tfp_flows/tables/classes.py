"""Columns of values that each have a probability: categories, and scales of few numbers."""

import dataclasses
import difflib
from typing import ClassVar

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.columns import Coded, Column, codes_of, short


@dataclasses.dataclass(kw_only=True)
class Categorical(Column):
    """Values without an order, each with a probability.

    Attributes:
        values: All of them: texts, numbers or truth values.
    """

    type: ClassVar[str] = "categorical"
    shown: ClassVar[tuple[str, ...]] = ("values",)

    values: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        if len(self.values) < 2 or len(set(self.values)) < len(self.values):
            raise InputError(
                f"Column {self.name!r} of the schema is {self.type} with the values "
                f"{short(self.values)}; give two different ones or more."
            )

    @property
    def classes(self) -> int:
        """How many classes it has."""
        return len(self.values)

    def encode(self, values):
        """Cells of values."""
        codes = codes_of(self.values, values)
        cells = np.zeros([len(codes), 4])
        cells[:, 0], cells[:, 3] = np.maximum(codes, 0), 1
        return Coded(cells, np.zeros(len(codes)), codes < 0)

    def impossible(self, values):
        """Which values are none of those listed."""
        return codes_of(self.values, values) < 0

    @property
    def remedy(self):
        """What to do where values contradict it."""
        return "add such values to its list, or change its type"

    def decode(self, cells):
        """Values of cells."""
        kinds = {type(v) for v in self.values}
        dtype = None if len(kinds) == 1 and str not in kinds else object
        return np.array(self.values, dtype)[np.round(cells[:, 0]).astype(int)]

    def numeric(self, values):
        """Numbers that stand for values."""
        return self.encode(values).cells[:, 0]

    def suggestion(self, values):
        """The nearest category, or those there are."""
        known = [str(v) for v in self.values]
        near = difflib.get_close_matches(str(values[0]), known, n=1)
        return f"; nearest: {near[0]!r}" if near else f"; it has {short(self.values)}"


@dataclasses.dataclass(kw_only=True)
class Ordinal(Categorical):
    """Few values with an order, each with a probability."""

    type: ClassVar[str] = "ordinal"

"""The law of one column of a row given any of the others: shares, jumps, and what is below."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.cells import KNOWN
from tfp_flows.errors import InputError
from tfp_flows.tables.classes import Categorical
from tfp_flows.tables.columns import Column
from tfp_flows.tables.conditions import checked_given, ranks
from tfp_flows.tables.model import TableModel

if TYPE_CHECKING:
    import pandas as pd

_FAR = 1e300
# A grid's quantile is the number at whose upper edge the level is reached, not the next one.
_BACK = 1e-6


def asked(model: TableModel, name: str, given: Mapping[str, Any] | None = None) -> Column:
    """The column of a question.

    Raises:
        InputError: If there is none of the name, it has no density, or it is given itself.
    """
    column = model.schema.column(name)
    if not column.modelled:
        raise InputError(f"Column {name!r} has no law: {column.reason or column.type}.")
    if name in model.given:
        raise InputError(
            f"The model is of rows given {name!r}, which has no law; ask for one of "
            f"{', '.join(map(repr, model.own))}."
        )
    if given is not None and name in given:
        raise InputError(f"Column {name!r} is asked for and given; give other columns alone.")
    return column


def rows_of(model: TableModel, given: Mapping[str, Any] | None, count: int = 1) -> "pd.DataFrame":
    """``count`` rows of what is given.

    Raises:
        InputError: If a name is unknown, cannot be given, or a value cannot be one of its column.
    """
    import pandas as pd

    known = checked_given(model.schema, given)
    frame = pd.DataFrame({name: [value] * count for name, value in known.items()}, range(count))
    model.refuse_impossible(frame)
    return frame


class Law:
    """The law of one column given some of the others: exact within the model.

    Args:
        model: The model.
        name: Of the column.
        given: Values of any other columns; none by default.

    Attributes:
        column: The column.
        shares: ``[classes]``, probabilities of its values; for numbers those of its atoms, and of
            all other numbers together.

    Raises:
        InputError: If a name is unknown, a value impossible, or the column has no law.
    """

    def __init__(self, model: TableModel, name: str, given: Mapping[str, Any] | None = None):
        self.column = asked(model, name, given)
        rows = rows_of(model, given)
        cells, context = tf.constant(model.arrays(rows)["x"]), model.context(rows)
        place = model.own.index(name)
        self._cell = model.layer.distribution(place, cells, cells[..., KNOWN], context)
        self.shares = self._cell.shares.numpy()[0]
        atoms = list(getattr(self.column, "atoms", []))
        self._atoms = np.array(atoms, np.float64)
        self._of_atoms = self.shares[: len(atoms)]

    @property
    def has_classes(self) -> bool:
        """Whether it is of categories, with an order or without."""
        return isinstance(self.column, Categorical)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``[n]`` of at most ``x`` ``[n]``; see `conditions.order_of`."""
        if self.has_classes:
            return (ranks(self.column)[None] <= x[:, None]) @ self.shares
        x = self.column.exact(x)
        jumps = (self._atoms[None] <= x[:, None]) @ self._of_atoms
        return jumps + self.shares[-1] * self._below(x)

    def mass(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``[n]`` of just ``x`` ``[n]``: 0 where there is a density."""
        if self.has_classes:
            return (ranks(self.column)[None] == x[:, None]) @ self.shares
        x = self.column.exact(x)
        mass = (self._atoms[None] == x[:, None]) @ self._of_atoms
        if self.column.number != "grid":
            return mass
        of_step = self._below(x) - self._below(x - self.column.step)
        return mass + self.shares[-1] * np.where(self.column.on_grid(x), of_step, 0.0)

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """The least values ``[n]`` up to which there are probabilities ``[n]``."""
        cells = np.zeros([len(levels), 4])
        cells[:, KNOWN] = 1
        if self.has_classes:
            order = np.argsort(ranks(self.column), kind="stable")
            ends = np.cumsum(self.shares[order])
            place = np.searchsorted(ends - 1e-12, levels)
            cells[:, 0] = order[np.minimum(place, len(order) - 1)]
            return self.column.decode(cells)
        # An atom is a jump, at whose top the distribution function counts it.
        cells[:, 0], rest = len(self._atoms), levels.astype(np.float64)
        for code, top in enumerate(self.cdf(self._atoms)):
            share = self._of_atoms[code]
            cells[(levels > top - share) & (levels <= top), 0] = code
            rest = rest - share * (levels > top)
        shares = np.clip(rest / max(self.shares[-1], 1e-12), 0, 1)
        z = self._cell.at(tf.constant(shares[None])).numpy()[0]
        cells[:, 1] = cells[:, 2] = z - _BACK if self.column.number == "grid" else z
        return self.column.decode(cells)

    def _below(self, x):
        z = self.column.upper(np.clip(x, -_FAR, _FAR))
        return self._cell.below(tf.constant(np.asarray(z, np.float64)[None])).numpy()[0]

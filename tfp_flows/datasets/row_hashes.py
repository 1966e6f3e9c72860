"""Rows by a hash of what they hold: parts of a table that do not depend on its order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_MOST = 2.0**64
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = tuple(np.uint64(n) for n in (30, 27, 31))


def row_hashes(columns: Sequence[np.ndarray], seed: int) -> np.ndarray:
    """Hashes of the rows of a block, ``[rows]``, uint64; alike for alike rows of other files.

    Rows that are alike within the block get hashes of their own, so that a table of few different
    rows is cut as evenly as any other.

    Args:
        columns: Arrays ``[rows]``: numbers by their value whatever their type, and text.
        seed: Another one gives other hashes.
    """
    import pandas as pd

    count = len(columns[0])
    found = np.full(count, _mixed(np.array([seed], np.uint64))[0])
    with np.errstate(over="ignore"):
        for column in columns:
            if column.dtype.kind in "biuf":
                values = column.astype(np.float64) + 0.0
                values[np.isnan(values)] = np.nan
                bits = values.view(np.uint64)
            elif column.dtype.kind in "mM":
                bits = column.astype("datetime64[ns]").view(np.uint64)
            else:
                bits = pd.util.hash_array(column.astype(object))
            found = _mixed(found * _STEP + _mixed(bits))
        again = pd.Series(found).groupby(found, sort=False).cumcount().to_numpy()
        if again.any():
            found = np.where(again > 0, _mixed(found + again.astype(np.uint64) * _STEP), found)
    return found


def _mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> _SHIFTS[0])) * _FACTORS[0]
        x = (x ^ (x >> _SHIFTS[1])) * _FACTORS[1]
        return x ^ (x >> _SHIFTS[2])


class Bounds(NamedTuple):
    """Which hashes are of test rows, of validation rows, and of the sample of training rows.

    The smallest are of the test, those above of the validation, and so on.
    """

    test: float
    validation: float
    sample: float

    @classmethod
    def of(cls, rows: int, held: int, sample: int) -> "Bounds":
        """A tenth of the rows, ``held`` at most, for either; and ``sample`` others."""
        share = min(0.1, held / rows)
        return cls(share * _MOST, 2 * share * _MOST, min(1.0, 2 * share + sample / rows) * _MOST)

    def train(self, hashes: np.ndarray) -> np.ndarray:
        """Which rows are for training."""
        return hashes.astype(np.float64) >= self.validation

    def parts(self, hashes: np.ndarray) -> list[np.ndarray]:
        """The places of sample, validation and test rows."""
        x = hashes.astype(np.float64)
        sample = (x >= self.validation) & (x < self.sample)
        validation = (x >= self.test) & (x < self.validation)
        return [np.flatnonzero(part) for part in (sample, validation, x < self.test)]


class Smallest:
    """The rows of the smallest hashes among those that come block by block.

    Args:
        most: How many.
    """

    def __init__(self, most: int):
        self._most, self._bound, self._count = most, None, 0
        self._kept: list[tuple[np.ndarray, Any]] = []

    def add(self, hashes: np.ndarray, rows: Any) -> None:
        """Looks at a block: hashes ``[rows]``, and an array or a frame of as many rows."""
        if self._bound is not None:
            places = np.flatnonzero(hashes < self._bound)
            hashes, rows = hashes[places], _taken(rows, places)
        self._kept.append((hashes, rows))
        self._count += len(hashes)
        if self._count > 2 * self._most:
            self._cut()

    def rows(self) -> tuple[np.ndarray, Any]:
        """Hashes in their order, and the rows."""
        self._cut()
        return self._kept[0]

    def _cut(self) -> None:
        hashes = np.concatenate([h for h, _ in self._kept])
        order = np.argsort(hashes, kind="stable")[: self._most]
        pieces = [rows for _, rows in self._kept]
        if isinstance(pieces[0], np.ndarray):
            whole = np.concatenate(pieces)
        else:
            import pandas as pd

            whole = pd.concat(pieces, ignore_index=True)
        self._kept = [(hashes[order], _taken(whole, order))]
        self._count = len(order)
        if self._count == self._most:
            self._bound = hashes[order[-1]]


def _taken(rows: Any, places: np.ndarray) -> Any:
    return rows[places] if isinstance(rows, np.ndarray) else rows.iloc[places]

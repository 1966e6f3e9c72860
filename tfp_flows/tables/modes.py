"""The most probable row of a table."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.bijectors.cells import HIGH, KNOWN, LOW
from tfp_flows.errors import InputError
from tfp_flows.tables.asking import log_density
from tfp_flows.tables.classes import Categorical
from tfp_flows.tables.conditions import checked_given
from tfp_flows.tables.model import TableModel

if TYPE_CHECKING:
    import pandas as pd

_STARTS, _CANDIDATES, _ROUNDS = 4, 17, 10
# Of latents: beyond, cells are all decoded to the same number.
_REACH = 6.0


class Mode(NamedTuple):
    """A row of high density.

    Attributes:
        row: A frame of one row, with what is given.
        log_density: Of its columns given what is given, in nats.
    """

    row: "pd.DataFrame"
    log_density: float


def mode(
    model: TableModel, given: Mapping[str, Any] | None = None, *, n: int = 2_000, seed: int = 0
) -> Mode:
    """Searches for the most probable row given any columns.

    The likeliest of ``n`` samples are improved column by column: categories by each other value,
    numbers by steps that halve, within the range of the samples. It is the best that
    was found: where categories combine in more ways than there are samples, another may be better.

    The density is that of the table, of numbers per unit: in other units, or beside atoms, which
    have probabilities, another row can be the most probable one.

    Args:
        model: The model.
        given: Values of any columns, by name.
        n: Number of samples.
        seed: Of the samples.

    Raises:
        InputError: If a name is unknown, a given value cannot be one of its column, or all are
        given.
    """
    if n < 1:
        raise InputError(f"A mode is asked for from {n} samples; give 1 or more.")
    known = checked_given(model.schema, given)
    names = [name for name in model.own if name not in known]
    if not names:
        raise InputError("All columns are given, and none is left to have a mode.")
    frame = model.sample(n, known or None, seed=seed)
    scores = log_density(model, frame[names], known)
    best = np.argsort(-scores, kind="stable")[:_STARTS]
    rows, scores = frame.iloc[best].reset_index(drop=True), scores[best]
    width = 1.0
    for _ in range(_ROUNDS):
        for name in names:
            rows, scores = _improved(model, frame, rows, scores, names, name, width, known)
        width /= 2
    first = int(np.argmax(scores))
    return Mode(rows.iloc[[first]].reset_index(drop=True), float(scores[first]))


def _improved(model, frame, rows, scores, names, name, width, known):
    """Rows with the best of several values in one column each."""
    tried = rows.loc[np.repeat(np.arange(len(rows)), _CANDIDATES)].reset_index(drop=True)
    tried[name] = _candidates(model.schema.column(name), frame[name], rows[name], width)
    found = log_density(model, tried[names], known).reshape(len(rows), _CANDIDATES)
    best = found.argmax(axis=1)
    better = found.max(axis=1) > scores
    chosen = tried.iloc[np.arange(len(rows)) * _CANDIDATES + best].reset_index(drop=True)
    rows = rows.copy()
    rows.loc[better, name] = chosen.loc[better, name]
    return rows, np.where(better, found.max(axis=1), scores)


def _candidates(column, drawn, values, width) -> np.ndarray:
    """Values to try in place of each of ``values``, all in one row."""
    if isinstance(column, Categorical):
        frequent = drawn.value_counts().index[:_CANDIDATES]
        return np.tile(np.resize(frequent.to_numpy(), _CANDIDATES), len(values))
    z = _latents(column, values)[:, None] + width * np.linspace(-1, 1, _CANDIDATES)
    if column.number != "circle":
        # Not beyond samples: densities of positive numbers may rise without end towards 0.
        known = _latents(column, drawn)
        z = np.clip(z, known.min(), known.max())
    atoms = list(getattr(column, "atoms", []))
    codes = np.full(z.shape, len(atoms))
    # The ends give way to atoms.
    codes[:, : len(atoms)] = np.arange(len(atoms))[None, :_CANDIDATES]
    tried = np.stack([codes, z, z, np.ones_like(z)], axis=-1)
    tried[..., KNOWN] = 1
    return column.decode(tried.reshape(-1, 4))


def _latents(column, values) -> np.ndarray:
    """The middles of the cells of values; those of atoms are 0."""
    cells = column.encode(values.to_numpy()).cells
    return np.clip(cells[:, LOW : HIGH + 1], -_REACH, _REACH).mean(axis=1)

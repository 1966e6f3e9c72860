"""Where the cells of rows lie in the distributions that a model of tables gives them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.cells import KNOWN
from tfp_flows.tables.model import TableModel
from tfp_flows.tables.vectors import Quantiles

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 1_000


def quantiles(
    model: TableModel, frame: "pd.DataFrame", *, alone: bool = False, given: Sequence[str] = ()
) -> Quantiles:
    """Of each cell given those before it in its row, or alone.

    Numbers drawn uniformly between the ends are uniform, and independent over rows, where the
    model is right.

    Args:
        model: The model.
        frame: Rows; gaps have no quantile.
        alone: Whether each cell is taken given the context alone.
        given: Names of columns that every cell is taken given, and that have no quantiles.
    """
    own, outer = (model.schema.encode(frame, n) for n in (model.own, model.given))
    fixed = np.array([name in given for name in model.own])
    seen = (fixed if alone else fixed | np.tri(len(fixed), k=-1, dtype=bool)).astype(np.float32)
    ends = []
    for start in range(0, len(frame), _BATCH):
        y = tf.constant(own.cells[start : start + _BATCH])
        context = tf.constant(outer.cells[start : start + _BATCH]) if model.given else None
        known = (y[..., KNOWN] if alone else y[:, None, :, KNOWN]) * seen
        ends.append([end.numpy() for end in model.layer.quantile_ends(y, known, context)])
    there = own.cells[..., KNOWN] > 0
    low, high = (np.where(there, np.concatenate(e), np.nan) for e in zip(*ends, strict=True))
    names = [name for name in model.own if name not in given]
    return Quantiles(names, *(end[:, ~fixed].astype(np.float64) for end in (low, high)))

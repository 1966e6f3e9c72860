"""Which rows are unlike a table, which columns speak against them, and how two tables differ."""

from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.model import TableModel

if TYPE_CHECKING:
    import pandas as pd


def compare(
    model: TableModel, frame: "pd.DataFrame", *, samples: int = 2_000, seed: int = 0
) -> "pd.DataFrame":
    """Which rows are unlike the table, and by which column.

    The term of a column is its log-density given all other columns of its row. What a row lacks of
    the mean of that term over samples of the model speaks against the column; so a column that is
    merely beside an odd one gets a drop only where the two contradict each other.

    Args:
        model: The model.
        frame: Rows.
        samples: Rows of the model by which the usual terms are found; with a model of rows given
            columns they are drawn given those of the frame.
        seed: Of the samples.

    Returns:
        For each row ``log_prob`` in nats; ``share``, that of the samples whose log-density is as
        low, not a number where the row has gaps;
        ``against``, the column with the largest drop; and for each column ``drop NAME`` in nats,
        infinite where a value cannot be one of the column, not a number at gaps. The index is the
        frame's.

    Raises:
        InputError: If there are too few samples, or the frame lacks what the model is conditioned
        on.
    """
    import pandas as pd

    if samples < 2:
        raise InputError(f"Rows are to be compared with {samples} samples; give 2 or more.")
    context = frame[list(model.given)] if model.given and len(frame) else None
    drawn = model.sample(samples, context, seed=seed)
    own, usual = model.log_prob(frame), np.sort(model.log_prob(drawn))
    drops = _given_others(model, drawn).mean(axis=0) - _given_others(model, frame)
    whole = ~np.isnan(drops).any(axis=1)
    worst = np.where(np.isnan(drops), -np.inf, drops).argmax(axis=1)
    found = {
        "log_prob": own,
        "share": np.where(whole, np.searchsorted(usual, own, side="right") / samples, np.nan),
        "against": np.array(model.own, object)[worst],
    }
    found |= {f"drop {name}": drops[:, j] for j, name in enumerate(model.own)}
    return pd.DataFrame(found, index=frame.index)


def compare_tables(
    model: TableModel, first: "pd.DataFrame", second: "pd.DataFrame"
) -> "pd.DataFrame":
    """Which columns of two tables differ, as the model sees them.

    Args:
        model: The model, of the first table for example.
        first: Rows.
        second: Rows.

    Returns:
        For each column the mean log-density in nats in the second table less that in the first:
        ``alone``, of the column by itself, and ``given others``, of the column given all other
        columns of its row, both with standard errors, and ``differs``, whether one of them is
        beyond four standard errors. Differences that leave the mean log-density as it is, such as
        from one tail to another as unlikely one, are not seen. Impossible values and gaps are left
        out, and counted as shares, ``left out first`` and ``left out second``.

    Raises:
        InputError: If a table has fewer than two rows.
    """
    import pandas as pd

    for frame in (first, second):
        if len(frame) < 2:
            raise InputError(f"A table of {len(frame)} rows cannot be compared; give 2 or more.")
    found: dict[str, np.ndarray] = {}
    beyond = np.zeros(len(model.own), bool)
    for name, terms_of in (("alone", _alone), ("given others", _given_others)):
        (mean, variance), (other, more) = (_moments(terms_of(model, f)) for f in (first, second))
        error = np.sqrt(variance + more)
        found |= {name: other - mean, f"{name} ± s.e.": error}
        beyond |= np.abs(other - mean) > 4 * error
    found["differs"] = beyond
    for name, frame in (("first", first), ("second", second)):
        found[f"left out {name}"] = 1 - np.isfinite(_alone(model, frame)).mean(axis=0)
    return pd.DataFrame(found, index=pd.Index(model.own, name="column"))


def _alone(model, frame) -> np.ndarray:
    return model.conditional(frame, []).astype(np.float64)


def _given_others(model, frame) -> np.ndarray:
    """Terms ``[rows, columns]`` of each column given all others."""
    others = {name: [other for other in model.own if other != name] for name in model.own}
    return model.conditional(frame, others).astype(np.float64)


def _moments(terms):
    """Means of finite terms by column, and the variances of these means."""
    there = np.isfinite(terms)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, terms, 0).sum(axis=0) / count
    spread = np.where(there, terms - np.where(there, mean, 0), 0)
    return mean, (spread**2).sum(axis=0) / np.maximum(count - 1, 1) / count

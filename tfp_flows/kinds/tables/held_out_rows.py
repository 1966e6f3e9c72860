"""Rows beside the held-out ones of their run: p-values, verdicts, and the columns to blame.

The held-out rows are the test rows of the fit. Validation rows have chosen the epoch and shaped
the standardiser, so new rows are not exchangeable with them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfp_flows import conformal
from tfp_flows.errors import InputError
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

# A random part of more rows gives p-values as exact, in steps of 1e-4.
_MOST = 9_999


def kept(log_densities: np.ndarray, seed: int) -> dict[str, Any]:
    """What a run keeps of its held-out rows, as JSON.

    Args:
        log_densities: ``[rows]``, in nats.
        seed: Of the choice where there are more than 9,999.

    Returns:
        ``log_prob``, in order; None where a row has no density.
    """
    if len(log_densities) > _MOST:
        rng = np.random.default_rng(seed)
        log_densities = rng.choice(log_densities, _MOST, replace=False)
    finite = np.isfinite(log_densities)
    # The shortest text that gives a float32 back is that of its own type.
    texts = [str(value) for value in log_densities]
    return {"log_prob": [float(t) if f else None for t, f in zip(texts, finite, strict=True)]}


def held_out_log_prob(run: Run) -> np.ndarray:
    """Log-densities of the held-out rows of a run, in nats; -inf for those without density.

    Raises:
        InputError: If the run is of an older version, and its data are gone or have changed, or if
            its record is damaged.
    """
    record = run.metrics.get("held_out")
    if record is None:
        from tfp_flows.models.evaluation import log_density

        try:
            source = run.source()
        except InputError as error:
            raise InputError(
                f"The run in {run.path} is of an older tfp-flows, which did not keep the "
                f"log-densities of its held-out rows, and they cannot be computed again "
                f"({str(error).rstrip('.')}); fit anew."
            ) from error
        return log_density(run.model.flow, source.parts.test)
    values = record.get("log_prob") if isinstance(record, Mapping) else None
    numbers = (int, float, type(None))
    if not isinstance(values, list) or not values or not all(type(v) in numbers for v in values):
        raise InputError(f"The held-out log-densities in the record of {run.path} are damaged.")
    return np.array([-np.inf if value is None else value for value in values], np.float64)


class Verdicts:
    """Verdicts on rows, block by block.

    Args:
        held_out: ``[n]``, log-densities of held-out normal rows.
        false_alarms: The rate, or None for p-values alone.

    Raises:
        InputError: If the held-out rows are too few for the rate.
    """

    def __init__(self, held_out: np.ndarray, false_alarms: float | None):
        # As odd as can be, whether the flow says so by -inf or by not a number.
        self._held_out = -np.nan_to_num(held_out, nan=-np.inf, neginf=-np.inf, posinf=np.inf)
        self._rate, self._flagged, self._rows = false_alarms, 0, 0
        if false_alarms is not None:
            self._threshold = conformal.threshold(self._held_out, false_alarms)

    def columns(self, log_densities: np.ndarray) -> dict[str, np.ndarray]:
        """Columns ``p_value`` and, with a rate, ``alarm``, each ``[rows]``.

        Args:
            log_densities: Of the rows, in nats.

        Raises:
            InputError: If one is not a number.
        """
        found = {"p_value": conformal.p_values(-log_densities, self._held_out)}
        if self._rate is None:
            return found
        flagged = -log_densities > self._threshold
        self._flagged += int(flagged.sum())
        self._rows += len(flagged)
        return {**found, "alarm": flagged.astype(np.float64)}

    def tell(self, of: str = "") -> None:
        """Notes the threshold, and how many rows it has flagged; ``of`` which, in words."""
        if self._rate is not None:
            note(
                f"{self._flagged:,} of {self._rows:,} rows{of} have a log-density below "
                f"{-self._threshold:.6g} nats and are flagged: a false-alarm rate of at most "
                f"{self._rate:g}, by {len(self._held_out):,} held-out rows."
            )


def explained(
    flow, values: np.ndarray, about: np.ndarray, names: Sequence[str], count: int
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Which columns speak against rows; see `tfp_flows.models.columns.column_drops`.

    Args:
        flow: The flow.
        values: Rows ``[rows, columns]``.
        about: ``[rows]``, which rows to explain.
        names: Names of the columns.
        count: How many columns of each row are named.

    Returns:
        A text for each row, empty without explanation, with the worst column first; and columns
        ``drop NAME`` of nats, not numbers without explanation.
    """
    from tfp_flows.models.columns import column_drops

    drops = np.full(values.shape, np.nan)
    texts = [""] * len(values)
    if about.any():
        found = column_drops(flow, values[about])
        drops[about] = found.drops
        for row, nats, usual in zip(np.flatnonzero(about), *found, strict=True):
            worst = np.argsort(-nats, kind="stable")[:count]
            texts[row] = ", ".join(
                f"{names[j]} {nats[j]:+.1f} (expected {usual[j]:.4g})" for j in worst if nats[j] > 0
            )
    return texts, {f"drop {name}": drops[:, j] for j, name in enumerate(names)}

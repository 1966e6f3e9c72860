"""P-values and thresholds of anomaly scores that hold for any model: split conformal prediction.

Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World", section 4.2; Bates, Candès,
Lei, Romano, Sesia 2023, "Testing for outliers with conformal p-values", Annals of Statistics 51(1),
equation 2.
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from tfp_flows.errors import InputError


def p_values(scores: ArrayLike, held_out: ArrayLike) -> np.ndarray:
    """Conformal p-values: the share of normal cases at least as odd, the case itself among them.

    ``p = (1 + #{held_out >= score}) / (n + 1)`` for ``n`` held-out scores. If the new case is
    exchangeable with the held-out ones, ``P(p <= a) <= a`` for every ``a``, whatever the model;
    on the average over held-out sets, while for one of them the share varies as
    ``Beta(k, n + 1 - k)`` with ``k = floor(a * (n + 1))``. Ties count against an alarm. P-values
    of several cases share their held-out scores, so they depend on each other.

    Args:
        scores: Of new cases, of any shape; larger is odder. ``-log p`` in nats, for instance.
        held_out: ``[n]``, scores of normal cases that training has not seen.

    Returns:
        float64, in the shape of ``scores``, from ``1 / (n + 1)`` to 1.

    Raises:
        InputError: If there is no held-out score, or a score is not a number.
    """
    ordered, scores = np.sort(_held_out(held_out)), _numbers(scores, "score")
    at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return (1.0 + at_least) / (len(ordered) + 1.0)


def threshold(held_out: ArrayLike, false_alarms: float) -> float:
    """The score above which a case is flagged, so that few normal ones are.

    It is the ``k``-th largest held-out score, ``k = floor(false_alarms * (n + 1))``: a score is
    above it exactly if its `p_values` is at most ``false_alarms``.

    Args:
        held_out: ``[n]``, scores of normal cases that training has not seen; larger is odder.
        false_alarms: Largest share of normal cases to be flagged, between 0 and 1.

    Raises:
        InputError: If the share is not between 0 and 1, the held-out scores are too few for it
            (fewer than ``1 / false_alarms - 1``), or one of them is not a number.
    """
    ordered = np.sort(_held_out(held_out))
    count, needed = len(ordered), needed_for(false_alarms)
    if count < needed:
        raise InputError(
            f"A false-alarm rate of {false_alarms:g} needs {needed:,} held-out normal cases or "
            f"more, and there are {count:,}; give more of them, or allow a rate of "
            f"{_no_less(count):g}."
        )
    return float(ordered[count - math.floor(_decimal(false_alarms) * (count + 1))])


def needed_for(false_alarms: float) -> int:
    """How many held-out scores a false-alarm rate needs.

    Args:
        false_alarms: Largest share of normal cases to be flagged, between 0 and 1.

    Raises:
        InputError: If the share is not between 0 and 1.
    """
    if not 0 < false_alarms < 1:
        raise InputError(
            f"The false-alarm rate is {false_alarms:g}; give a share between 0 and 1, such as 0.01."
        )
    return math.ceil(1 / _decimal(false_alarms)) - 1


def _decimal(share: float) -> Fraction:
    """The number that was typed: 0.29 of 100 is 29, in floats it is less."""
    return Fraction(str(float(share)))


def _no_less(count: int) -> float:
    """The lowest rate that so many allow, rounded up to three digits."""
    rate = 1 / (count + 1)
    unit = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return math.ceil(rate / unit - 1e-9) * unit


def _held_out(values: ArrayLike) -> np.ndarray:
    values = _numbers(values, "held-out score")
    if values.ndim != 1 or not len(values):
        raise InputError(
            f"Held-out scores have shape {list(values.shape)}; give one or more, [n], of normal "
            "cases."
        )
    return values


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(values, np.float64)
    wrong = np.isnan(values)
    if wrong.any():
        raise InputError(
            f"{wrong.sum():,} of {wrong.size:,} {name}s are not numbers, the first at "
            f"{np.argwhere(wrong)[0].tolist()} (from 0); leave those cases out."
        )
    return values

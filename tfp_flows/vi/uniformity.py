"""Bands in which the empirical distribution function of uniform ranks lies, all of it at once.

Source: Säilynoja, Bürkner and Vehtari 2022, Statistics and Computing 32, arXiv:2103.10522, with the
level adjusted by simulation.
"""

import numpy as np

_PLACES, _SIMULATED = 50, 10_000


class Uniformity:
    """Ranks that are uniform on ``0, ..., highest``.

    Args:
        count: How many ranks there are.
        highest: The largest possible one.

    Attributes:
        places: Ranks ``[K]`` below which they are counted.
        shares: Probabilities ``[K]`` of lying there.
    """

    def __init__(self, count: int, highest: int):
        size = highest + 1
        steps = min(size, _PLACES)
        self.count = count
        self.places = np.round(np.arange(1, steps) * size / steps).astype(int)
        self.shares = self.places / size
        self._below = _binomial(count, self.shares)
        generator = np.random.default_rng(0)
        edges = np.concatenate([[0.0], self.shares, [1.0]])
        several = generator.multinomial(count, np.diff(edges), size=_SIMULATED)
        self._simulated = np.sort(self._least(several.cumsum(axis=1)[:, :-1]))

    def shares_below(self, ranks: np.ndarray) -> np.ndarray:
        """Shares of ranks ``[n]`` that lie below each place, ``[K]``."""
        return self._counts(ranks) / self.count

    def p_value(self, ranks: np.ndarray, tolerance: float = 0.0) -> float:
        """The probability that uniform ranks leave their distribution as far as these do.

        Args:
            ranks: ``[n]``.
            tolerance: What each share is allowed to be off, in units of ``2 arcsin(sqrt(share))``.
        """
        counts = self._counts(ranks)
        if tolerance:
            there, right = (np.arcsin(np.sqrt(s)) for s in (counts / self.count, self.shares))
            off = np.sign(there - right) * np.maximum(np.abs(there - right) - tolerance / 2, 0)
            counts = np.round(self.count * np.sin(right + off) ** 2).astype(int)
        least = self._least(counts[None])[0]
        further = np.searchsorted(self._simulated, least * (1 + 1e-9), side="right")
        return float((1 + further) / (1 + _SIMULATED))

    def band(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Between which shares ``[K]`` uniform ranks lie at all places at once."""
        tail = np.quantile(self._simulated, 1 - level) / 2
        low = (self._below < tail).sum(axis=1)
        high = (self._below < 1 - tail).sum(axis=1)
        return low / self.count, np.minimum(high, self.count) / self.count

    def _counts(self, ranks) -> np.ndarray:
        return (np.asarray(ranks)[:, None] < self.places).sum(axis=0)

    def _least(self, counts: np.ndarray) -> np.ndarray:
        """The smallest two-sided probability over places, of counts ``[m, K]``."""
        places = np.arange(len(self.places))
        at_most = self._below[places, counts]
        fewer = np.where(counts > 0, self._below[places, np.maximum(counts - 1, 0)], 0.0)
        return np.minimum(1, 2 * np.minimum(at_most, 1 - fewer)).min(axis=1)


def _binomial(count: int, shares: np.ndarray) -> np.ndarray:
    """Distribution functions ``[K, count + 1]`` of binomial counts."""
    k = np.arange(count + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    choices = factorials[-1] - factorials - factorials[::-1]
    log_p, log_rest = np.log(shares)[:, None], np.log1p(-shares)[:, None]
    return np.minimum(np.exp(choices + k * log_p + (count - k) * log_rest).cumsum(axis=1), 1.0)

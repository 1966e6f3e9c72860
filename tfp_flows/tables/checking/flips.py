"""Many differences of two samples judged at once, by exchanging their rows.

Row ``i`` of the one sample and row ``i`` of the other are exchangeable if both are of one law, so
the sum of their differences has the distribution that random signs give it. The largest of many
standardised sums is compared with the largest under the same signs: no correction for their number
is needed beside that, however they depend on each other (Westfall and Young 1993).
"""

import math

import numpy as np

FLIPS = 1_999
TOLERANCE = 0.03
"""What a difference must exceed to be wrong, beside chance.

Of shares in units of ``2 arcsin(sqrt(share))``: 1.5 percentage points at 50 %, 0.65 at 5 %, 0.3 at
1 %; of correlations themselves. No model that has learned from a few thousand rows is nearer.
"""
_CHUNK = 512


class Flips:
    """Random signs of pairs of rows.

    Args:
        count: How many pairs there are.
        seed: Seed.
        flips: How many draws of all signs.
    """

    def __init__(self, count: int, seed: int, flips: int = FLIPS):
        generator = np.random.default_rng(seed)
        self.signs = generator.integers(0, 2, [flips, count]).astype(np.float32) * 2 - 1

    def judge(
        self,
        differences: np.ndarray,
        alpha: float,
        *,
        signed: bool = False,
        tolerance: float = TOLERANCE,
    ) -> "Judged":
        """Compares differences with what exchanged rows give.

        Args:
            differences: ``[count, quantities]``, of the rows of each pair.
            alpha: Probability that any quantity is found wrong where all are right.
            signed: Whether only positive sums are wrong.
            tolerance: What is allowed beside chance.
        """
        differences = np.asarray(differences, np.float32)
        scale = np.sqrt((differences.astype(np.float64) ** 2).sum(axis=0))
        scaled = differences / np.where(scale > 0, scale, 1).astype(np.float32)
        found = scaled.sum(axis=0, dtype=np.float64)
        found = found if signed else np.abs(found)
        largest = np.full(len(self.signs), -np.inf)
        for start in range(0, scaled.shape[1], _CHUNK):
            sums = self.signs @ scaled[:, start : start + _CHUNK]
            largest = np.maximum(largest, (sums if signed else np.abs(sums)).max(axis=1))
        # The standard error of a difference is the root of 2 / count in units of the tolerance.
        allowed = tolerance * math.sqrt(differences.shape[0] / 2)
        return Judged(found, np.sort(largest) + allowed, alpha)


class Judged:
    """Standardised differences beside the largest ones of exchanged rows.

    Attributes:
        found: ``[quantities]``, in standard errors.
        threshold: What the largest stays below with probability ``1 - alpha``.
    """

    def __init__(self, found: np.ndarray, largest: np.ndarray, alpha: float):
        self.found, self._largest = found, largest
        self.threshold = float(np.quantile(largest, 1 - alpha, method="higher"))

    @property
    def worst(self) -> float:
        """The largest of all."""
        return float(self.found.max())

    def p_values(self) -> np.ndarray:
        """``[quantities]``, adjusted for their number."""
        # What differs by rounding alone is the same.
        below = np.searchsorted(self._largest, self.found - 1e-4, side="left")
        return (1 + len(self._largest) - below) / (1 + len(self._largest))

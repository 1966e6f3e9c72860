"""The smooth monotone map of one column to a nearly standard normal variable."""

import dataclasses
from statistics import NormalDist
from typing import Any

import numpy as np

# Numbers of knots that are tried; rows between two at least; rows beyond the last ones.
_KNOTS, _ROWS, _BEYOND = (3, 5, 9, 17, 33), 8, 10
_FOLDS, _TRIED_ROWS = 4, 10_000
_TAIL = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class Marginal:
    """A rational-quadratic spline through quantiles, which goes on as a logarithm beyond them.

    The tails bend, so that a value far outside of the data is unlikely without ruling a mean.

    Source: monotone splines, Gregory and Delbourgo 1982, equations 2 to 8.

    Attributes:
        values: Knots ``[k]`` in the data, rising.
        latents: Knots ``[k]`` of the normal variable, rising.
        slopes: Slopes ``[k]`` at the knots.
    """

    values: np.ndarray
    latents: np.ndarray
    slopes: np.ndarray

    @classmethod
    def fit(cls, data: np.ndarray) -> "Marginal":
        """Puts knots at quantiles of finite numbers ``[n]``, at least two of which differ.

        As many as give rows that are left out the highest density, of some numbers that are tried:
        3 for a bell of few rows, 17 for two branches of as many.
        """
        return cls._with(data, _best_number(data))

    @classmethod
    def _with(cls, data: np.ndarray, knots: int) -> "Marginal":
        normal, count = NormalDist(), len(data)
        reach = min(3.5, max(1.0, -normal.inv_cdf(min(0.16, _BEYOND / count))))
        latents = np.linspace(-reach, reach, knots)
        values = np.quantile(data, [normal.cdf(z) for z in latents])
        spread = values[-1] - values[0]
        if not spread > 0:
            middle, spread = np.median(data), max(np.ptp(data), 1e-9)
            values, latents = middle + spread * np.array([-0.5, 0.5]), np.array([-reach, reach])
        keep = [0]
        for i in range(1, len(values)):
            if values[i] - values[keep[-1]] > 1e-3 * spread / len(values):
                keep.append(i)
        values, latents = values[keep], latents[keep]
        secants = np.diff(latents) / np.diff(values)
        # The harmonic mean keeps the spline monotone.
        inner = 2 / (1 / secants[:-1] + 1 / secants[1:])
        slopes = np.concatenate([secants[:1], inner, secants[-1:]])
        return cls(values, latents, slopes)

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latents of data ``[n]`` and the logarithm of the slope, in nats."""
        v, t, d = self.values, self.latents, self.slopes
        i = np.clip(np.searchsorted(v, x, side="right") - 1, 0, len(v) - 2)
        width, height = v[i + 1] - v[i], t[i + 1] - t[i]
        share, secant = np.clip((x - v[i]) / width, 0, 1), height / width
        both = share * (1 - share)
        below = secant + (d[i] + d[i + 1] - 2 * secant) * both
        z = t[i] + height * (secant * share**2 + d[i] * both) / below
        top = d[i + 1] * share**2 + 2 * secant * both + d[i] * (1 - share) ** 2
        slope = secant**2 * top / below**2
        for end, beyond in ((0, x < v[0]), (-1, x > v[-1])):
            far = np.abs(x - v[end])[beyond] / self._reach
            sign = 1 if end else -1
            z[beyond] = t[end] + sign * d[end] * self._reach * np.log1p(far)
            slope[beyond] = d[end] / (1 + far)
        return z, np.log(slope)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Data of latents ``[n]``."""
        v, t, d = self.values, self.latents, self.slopes
        i = np.clip(np.searchsorted(t, z, side="right") - 1, 0, len(v) - 2)
        width, height = v[i + 1] - v[i], t[i + 1] - t[i]
        secant, rise = height / width, np.clip(z - t[i], 0, height)
        curve = d[i] + d[i + 1] - 2 * secant
        a = height * (secant - d[i]) + rise * curve
        b = height * d[i] - rise * curve
        c = -secant * rise
        root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
        x = v[i] + width * np.clip(2 * c / (-b - root), 0, 1)
        for end, beyond in ((0, z < t[0]), (-1, z > t[-1])):
            far = np.expm1(np.minimum(np.abs(z - t[end])[beyond] / (d[end] * self._reach), 50.0))
            x[beyond] = v[end] + (1 if end else -1) * self._reach * far
        return x

    @property
    def _reach(self) -> float:
        return _TAIL * (self.values[-1] - self.values[0]) / 2

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {k: getattr(self, k).tolist() for k in ("values", "latents", "slopes")}

    @classmethod
    def restore(cls, record: dict[str, Any]) -> "Marginal":
        """Rebuilds what `record` returned."""
        return cls(**{name: np.asarray(value, np.float64) for name, value in record.items()})


def _best_number(data: np.ndarray) -> int:
    """The number of knots by cross-validation; the smaller one where two are as good."""
    rows = np.random.default_rng(0).permutation(data)[:_TRIED_ROWS]
    tried = [n for n in _KNOTS if n == _KNOTS[0] or n * _ROWS <= len(rows)]
    if len(tried) == 1:
        return tried[0]
    folds = np.array_split(rows, _FOLDS)
    gains = []
    for knots in tried:
        found = []
        for i, left_out in enumerate(folds):
            others = np.concatenate(folds[:i] + folds[i + 1 :])
            z, log_slope = Marginal._with(others, knots).forward(left_out)
            found.append(log_slope - 0.5 * z**2)
        gains.append(np.concatenate(found).mean())
    return tried[int(np.argmax(gains))]

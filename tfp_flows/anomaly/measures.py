"""How well scores tell defects from good parts, with bootstrap intervals.

Pixels are counted in bins of equal numbers of pixels, each picture by itself; so all that is
measured of a set of pictures is a sum over them, and a resampled set costs as little.
"""

from typing import NamedTuple

import numpy as np

from tfp_flows.errors import InputError

PRO_LIMIT = 0.3
"""False-positive rate up to which the overlap of regions is integrated."""
_BINS, _RESAMPLED, _INTERVAL = 2048, 500, (2.5, 97.5)


class Measured(NamedTuple):
    """A figure and its 95 % bootstrap interval over pictures; NaN where there is none."""

    value: float
    low: float
    high: float


def auroc(scores: np.ndarray, defect: np.ndarray) -> float:
    """Share of pairs of a defect and a good case in which the defect scores higher; ties half.

    Args:
        scores: ``[n]``.
        defect: ``[n]`` booleans.
    """
    scores, defect = np.asarray(scores, np.float64), np.asarray(defect, bool)
    good = np.sort(scores[~defect])
    if not len(good) or len(good) == len(scores):
        return float("nan")
    below = np.searchsorted(good, scores[defect], side="left")
    upto = np.searchsorted(good, scores[defect], side="right")
    return float((below + upto).mean() / 2 / len(good))


def image_auroc(scores: np.ndarray, defect: np.ndarray, seed: int = 0) -> Measured:
    """`auroc` of pictures, with an interval; good and defective ones are resampled each."""
    scores, defect = np.asarray(scores), np.asarray(defect, bool)
    generator, values = np.random.default_rng(seed), []
    groups = [np.flatnonzero(defect), np.flatnonzero(~defect)]
    for _ in range(_RESAMPLED if all(map(len, groups)) else 0):
        drawn = np.concatenate([generator.choice(group, len(group)) for group in groups])
        values.append(auroc(scores[drawn], defect[drawn]))
    return _with_interval(auroc(scores, defect), values)


class Pixels:
    """Counts of pixels by score, of pictures with masks.

    Args:
        maps: ``[n, height, width]`` scores of places.
        masks: ``[n, height, width]`` booleans, True where there is a defect.

    Raises:
        InputError: If a package for connected regions is missing.
    """

    def __init__(self, maps: np.ndarray, masks: np.ndarray):
        maps = np.asarray(maps, np.float32)
        edges = np.quantile(maps[:, ::3, ::3], np.linspace(0, 1, _BINS + 1)[1:-1])
        # Descending: what is called a defect first comes first.
        bins = _BINS - 1 - np.searchsorted(edges, maps.reshape(len(maps), -1), side="right")
        masks = masks.reshape(len(maps), -1)
        self._good = np.stack([_counts(b[~m]) for b, m in zip(bins, masks, strict=True)])
        self._bad = np.stack([_counts(b[m]) for b, m in zip(bins, masks, strict=True)])
        regions = [_regions(mask.reshape(maps.shape[1:])) for mask in masks]
        # For each picture the sum over its regions of the share found, and how many there are.
        self._found = np.stack(
            [
                sum((_counts(b[r]) / len(r) for r in own), np.zeros(_BINS))
                for b, own in zip(bins, regions, strict=True)
            ]
        )
        self._regions = np.array([len(own) for own in regions])

    def auroc(self, chosen: np.ndarray, seed: int = 0) -> Measured:
        """AUROC over all pixels of the chosen pictures."""
        return self._measured(self._auroc, chosen, seed)

    def au_pro(self, chosen: np.ndarray, seed: int = 0) -> Measured:
        """Mean overlap of connected regions, over false-positive rates up to 0.3, of 1 at best.

        Source: Bergmann et al. 2020, arXiv:1911.02357, section 4 (integrated to 0.3, normalised).
        """
        return self._measured(self._au_pro, chosen, seed)

    def _measured(self, figure, chosen, seed) -> Measured:
        chosen = np.flatnonzero(chosen)
        generator, values = np.random.default_rng(seed), []
        value = figure(np.ones(len(chosen)), chosen)
        for _ in range(0 if np.isnan(value) else _RESAMPLED):
            drawn = generator.integers(len(chosen), size=len(chosen))
            values.append(figure(np.bincount(drawn, minlength=len(chosen)), chosen))
        return _with_interval(value, values)

    def _auroc(self, weights, chosen):
        good, bad = weights @ self._good[chosen], weights @ self._bad[chosen]
        if not good.sum() or not bad.sum():
            return float("nan")
        above = np.cumsum(bad) - bad / 2
        return float((good * above).sum() / good.sum() / bad.sum())

    def _au_pro(self, weights, chosen):
        good = weights @ self._good[chosen]
        regions = weights @ self._regions[chosen]
        if not good.sum() or not regions:
            return float("nan")
        rate = np.concatenate([[0], np.cumsum(good) / good.sum()])
        overlap = np.concatenate([[0], np.cumsum(weights @ self._found[chosen]) / regions])
        inside = rate < PRO_LIMIT
        last = np.interp(PRO_LIMIT, rate, overlap)
        x, y = [*rate[inside], PRO_LIMIT], [*overlap[inside], last]
        return float((np.diff(x) * (np.array(y[1:]) + y[:-1])).sum() / 2 / PRO_LIMIT)


def _counts(bins: np.ndarray) -> np.ndarray:
    return np.bincount(bins, minlength=_BINS).astype(np.float64)


def _regions(mask: np.ndarray) -> list[np.ndarray]:
    """Places of each connected region, diagonal neighbours included, of a flattened mask."""
    if not mask.any():
        return []
    try:
        from scipy import ndimage
    except ImportError:
        raise InputError(
            'Connected regions of masks need SciPy: pip install "tfp-flows[anomaly]".'
        ) from None
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    flat = labels.ravel()
    return [np.flatnonzero(flat == number) for number in range(1, count + 1)]


def _with_interval(value: float, resampled: list[float]) -> Measured:
    known = [one for one in resampled if not np.isnan(one)]
    if not known:
        return Measured(value, float("nan"), float("nan"))
    return Measured(value, *(float(v) for v in np.percentile(known, _INTERVAL)))

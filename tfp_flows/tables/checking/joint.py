"""Whether whole rows can be told apart: by a classifier, and by distances along directions."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from tfp_flows.tables.checking.dependence import normal_scores
from tfp_flows.tables.checking.flips import TOLERANCE, Flips
from tfp_flows.tables.checking.subject import Compared
from tfp_flows.tables.checking.verdict import Measure

MISSING = (
    "The classifier was left out, because scikit-learn is missing; "
    'pip install "tfp-flows[sklearn]".'
)
_FOLDS, _MOST_CLASSES = 5, 200
# What an area is allowed to be above that of guesses, beside chance.
_AREA = 0.02
_DIRECTIONS, _PLACES, _FLIPS = 32, 101, 999


def classifier(columns: Sequence[Compared], alpha: float, seed: int) -> Measure | None:
    """How well a classifier tells samples from held-out rows it was not trained on.

    Gradient boosted trees in five folds; the rows of a pair are in the same one. The area under the
    curve of each fold is compared with that of a classifier that guesses.

    Source: classifier two-sample tests, Lopez-Paz and Oquab 2017, arXiv:1610.06545.

    Returns:
        The measure; None if scikit-learn is missing.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        return None
    x = np.concatenate([_table(columns, "held"), _table(columns, "drawn")])
    count = len(x) // 2
    y = np.repeat([0, 1], count)
    fold = np.tile(np.random.default_rng(seed).permutation(count) % _FOLDS, 2)
    is_class = [2 < len(c.classes) <= _MOST_CLASSES and not c.ordered for c in columns]
    right, areas, errors = np.zeros(len(x), bool), [], []
    for k in range(_FOLDS):
        test = fold == k
        model = HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.1, max_leaf_nodes=15, categorical_features=is_class
        ).set_params(random_state=seed)
        chance = model.fit(x[~test], y[~test]).predict_proba(x[test])[:, 1]
        right[test] = (chance > 0.5) == y[test]
        areas.append(_area(chance, y[test]))
        half = test.sum() / 2
        errors.append(math.sqrt((2 * half + 1) / (12 * half * half)))
    area, error = float(np.mean(areas)), math.sqrt(np.square(errors).sum()) / _FOLDS
    guessed = 0.5 + _AREA
    threshold = guessed + error * NormalDist().inv_cdf(1 - alpha)
    p_value = 1 - NormalDist().cdf((area - guessed) / error)
    accuracy = float(right.mean())
    band = NormalDist().inv_cdf(1 - alpha / 2) * 0.5 / math.sqrt(len(x))
    ok = area <= threshold
    sentence = "A classifier cannot tell samples from held-out rows"
    if not ok:
        sentence = "A classifier tells samples from held-out rows"
    return Measure(
        "classifier",
        "a classifier's area under the curve",
        area,
        threshold,
        "(0.5 if it guesses)",
        p_value,
        ok,
        max(0.0, (area - 0.5) / (threshold - 0.5)) ** 2,
        (f"{sentence}: {100 * accuracy:.1f} % right, area under the curve {area:.3f}.",),
        {"accuracy": accuracy, "band": [0.5 - band, 0.5 + band]},
    )


def sliced(columns: Sequence[Compared], alpha: float, seed: int) -> Measure:
    """Wasserstein's distance of order 1 along random directions, on average over them.

    Of normal scores of ranks over both samples, and of each class whether a row is of it, a column
    being of variance one; between distribution functions at 100 quantiles, judged by exchanged
    rows.

    Source: Rabin et al. 2012, "Wasserstein barycenter and its application to texture mixing".
    """
    x = np.concatenate([_encoded(column) for column in columns], axis=1)
    count = len(x) // 2
    generator = np.random.default_rng(seed)
    directions = generator.standard_normal([x.shape[1], _DIRECTIONS])
    directions /= np.linalg.norm(directions, axis=0)
    along = x @ directions
    signs = Flips(count, seed, _FLIPS).signs
    signs = np.concatenate([np.ones([1, count], np.float32), signs]) / count
    distances = np.zeros(len(signs))
    for values in along.T.astype(np.float32):
        places = np.unique(np.quantile(values, np.linspace(0, 1, _PLACES), method="lower"))
        is_below = (values[:, None] <= places[:-1]).astype(np.float32)
        differences = np.abs(signs @ (is_below[:count] - is_below[count:]))
        distances += differences @ np.diff(places) / _DIRECTIONS
    value, null = float(distances[0]), np.sort(distances[1:])
    # A column whose mean is off by as many deviations is as far.
    null += TOLERANCE
    threshold = float(np.quantile(null, 1 - alpha, method="higher"))
    p_value = float((1 + (null >= value).sum()) / (1 + len(null)))
    ok = value <= threshold
    usual = float(np.median(null)) - TOLERANCE
    words = "as near to held-out rows as they are to each other" if ok else "too far from them"
    return Measure(
        "sliced_wasserstein",
        "sliced Wasserstein distance",
        value,
        threshold,
        f"(usual {usual:.2g})",
        p_value,
        ok,
        (max(value - usual, 0.0) / (threshold - usual)) ** 2,
        (
            f"Samples are {words}, along random directions: sliced Wasserstein distance "
            f"{value:.3g}, {usual:.2g} between samples of one law.",
        ),
        {"usual": usual},
    )


def _table(columns, side: str) -> np.ndarray:
    return np.stack([getattr(column, side) for column in columns], axis=1)


def _area(scores: np.ndarray, is_drawn: np.ndarray) -> float:
    """The share of pairs of a sample and a held-out row where the sample has the higher score."""
    held, drawn = np.sort(scores[is_drawn == 0]), scores[is_drawn == 1]
    below = np.searchsorted(held, drawn, side="left") + np.searchsorted(held, drawn, side="right")
    return float(below.mean() / (2 * len(held)))


def _encoded(column: Compared) -> np.ndarray:
    both = np.concatenate([column.held, column.drawn])
    if not column.classes or column.ordered:
        return normal_scores(both)[:, None] if np.ptp(both) > 0 else np.zeros([len(both), 1])
    shown = both[:, None] == np.arange(len(column.classes))
    spread = math.sqrt(max(shown.var(axis=0).sum(), 1e-12))
    return (shown - shown.mean(axis=0)) / spread

"""How good samples and filled cells are."""

from typing import Any

import numpy as np


def two_samples(
    drawn: np.ndarray, held_out: np.ndarray, is_class: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """Whether boosted trees tell samples from rows of the table, by 5-fold cross-validation.

    Samples have no gaps. So that these do not give them away, each gets those of the held-out row
    beside it.

    Args:
        drawn: ``[n, columns]``, as `coding.Coding` has them.
        held_out: ``[n, columns]``.
        is_class: ``[columns]``.
        rng: Of the folds.

    Returns:
        ``accuracy``, its ``error`` (one standard error) and ``auc``; 0.5 where nothing tells them
        apart.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    drawn = np.where(np.isnan(held_out), np.nan, drawn)
    x = np.concatenate([drawn, held_out])
    # The trees take at most 255 classes of a column.
    is_class = is_class & (np.nanmax(x, axis=0, initial=0) < 255)
    y = np.repeat([0, 1], [len(drawn), len(held_out)])
    seed = int(rng.integers(2**31))
    trees = HistGradientBoostingClassifier(categorical_features=is_class, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    shares = cross_val_predict(trees, x, y, cv=folds, method="predict_proba")[:, 1]
    right = (shares > 0.5) == y
    return {
        "accuracy": float(right.mean()),
        "error": float(right.std() / np.sqrt(len(right))),
        "auc": float(roc_auc_score(y, shares)),
    }


def crps(draws: np.ndarray, truth: np.ndarray, is_class: np.ndarray, scale: np.ndarray) -> Any:
    """Continuous ranked probability scores of draws for removed cells.

    ``E |X - y| - E |X - X'| / 2``; of classes the distance is 0 or 1, of numbers in deviations of
    their column.

    Source: Gneiting and Raftery 2007, equations 21 and 22.

    Args:
        draws: ``[draws, rows, columns]``.
        truth: ``[rows, columns]``, NaN where a cell is not asked about.
        is_class: ``[columns]``.
        scale: ``[columns]``.

    Returns:
        Means by column ``[columns]``, NaN where none is asked about.
    """
    result = np.full(len(scale), np.nan)
    for j in range(len(scale)):
        asked = ~np.isnan(truth[:, j])
        if not asked.any():
            continue
        x, y = draws[:, asked, j], truth[asked, j]
        if is_class[j]:
            far, apart = (x != y).mean(axis=0), (x[:, None] != x).mean(axis=(0, 1))
        else:
            far = np.abs(x - y).mean(axis=0) / scale[j]
            apart = np.abs(x[:, None] - x).mean(axis=(0, 1)) / scale[j]
        # Pairs of a draw with itself are left out.
        apart *= len(x) / (len(x) - 1)
        result[j] = (far - apart / 2).mean()
    return result

"""Detectors of odd rows: flows, and what one would try before them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

Score = Callable[[np.ndarray], np.ndarray]


class Detector(NamedTuple):
    """Who fits, and what it imports beside scikit-learn.

    Attributes:
        fit: Maps normal rows, rows to stop early by, and a seed to a function from rows to scores
            ``[rows]``; larger is odder.
        needs: Packages.
    """

    fit: Callable[[np.ndarray, np.ndarray, int], Score]
    needs: tuple[str, ...] = ()


def _flow(name: str, **options: Any) -> Detector:
    def fit(train, validation, seed):
        import tensorflow as tf

        import tfp_flows as tff

        tf.keras.utils.set_random_seed(seed)
        flow = getattr(tff.flows, name)(
            event_shape=train.shape[1], num_layers=5, hidden_units=(64, 64), seed=seed, **options
        )
        model = tff.FlowModel(flow)
        # Programs of XLA compile longer than these few rows train.
        model.compile(tf.keras.optimizers.Adam(1e-3, global_clipnorm=5.0), jit_compile=False)
        training = tff.models.ResumableTraining(patience=20, decay_patience=7, seed=seed)
        model.fit(
            training.batches(train.astype(np.float32), 64),
            validation_data=validation.astype(np.float32),
            epochs=300,
            callbacks=[training],
            verbose=0,
        )
        return lambda rows: -model.predict(rows.astype(np.float32), verbose=0).astype(np.float64)

    return Detector(fit, ("tensorflow", "tfp_flows"))


def _estimator(build: Callable[[int], Any]) -> Detector:
    """One of scikit-learn's, on standardised columns of all rows that may be seen."""

    def fit(train, validation, seed):
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), build(seed))
        pipeline.fit(np.concatenate([train, validation]))
        return lambda rows: -pipeline.score_samples(rows)

    return Detector(fit)


def _forest(seed: int):
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=200, random_state=seed)


def _neighbours(seed: int):
    from sklearn.neighbors import LocalOutlierFactor

    del seed
    return LocalOutlierFactor(n_neighbors=20, novelty=True)


def _gaussian(train, validation, seed) -> Score:
    """The squared Mahalanobis distance, by a covariance that Ledoit and Wolf shrink."""
    from sklearn.covariance import LedoitWolf
    from sklearn.preprocessing import StandardScaler

    rows = np.concatenate([train, validation])
    scaler = StandardScaler().fit(rows)
    covariance = LedoitWolf().fit(scaler.transform(rows))
    return lambda rows: covariance.mahalanobis(scaler.transform(rows))


def _tails(train, validation, seed) -> Score:
    """ECOD: empirical tails of each column by themselves (Li et al. 2022, arXiv:2201.00382).

    The sum of ``-log`` of the left tails, of the right ones, and of the one to which each column
    is skewed; the largest of the three.
    """
    ordered = np.sort(np.concatenate([train, validation]), axis=0)
    count, columns = ordered.shape
    centred = ordered - ordered.mean(axis=0)
    left_is_longer = (centred**3).mean(axis=0) < 0

    def score(rows):
        left, right = np.empty_like(rows), np.empty_like(rows)
        for j in range(columns):
            # The row counts itself, as among the rows of the paper.
            left[:, j] = 1 + np.searchsorted(ordered[:, j], rows[:, j], side="right")
            right[:, j] = 1 + count - np.searchsorted(ordered[:, j], rows[:, j], side="left")
        left, right = (-np.log(tail / (count + 1)) for tail in (left, right))
        skewed = np.where(left_is_longer, left, right)
        return np.max([tail.sum(axis=1) for tail in (left, right, skewed)], axis=0)

    return score


DETECTORS: Mapping[str, Detector] = MappingProxyType(
    {
        "maf": _flow("maf"),
        "nsf": _flow("nsf"),
        "gaussian": Detector(_gaussian),
        "isolation_forest": _estimator(_forest),
        "lof": _estimator(_neighbours),
        "ecod": Detector(_tails),
    }
)
"""Name to detector."""

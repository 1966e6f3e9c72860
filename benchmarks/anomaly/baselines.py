"""Detectors of odd pictures by the features of a trained network, without a flow.

Each is a function of features ``[n, size]`` of good pictures, the shapes of the maps in them, the
size of the pictures and a seed; it returns a function from features to scores and maps in the form
of `tfp_flows.anomaly.Judged`. They know one measure; it stands for both.
"""

from collections.abc import Callable

import numpy as np

from tfp_flows.anomaly.scores import MEASURES, picture_scores

Detect = Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]]
# Numbers of the papers, or a size that two cores search in seconds.
_PADIM_CHANNELS, _PADIM_RIDGE = 100, 0.01
_REMEMBERED, _AT_ONCE = 5_000, 32


def padim(features: np.ndarray, shapes, size, seed: int) -> Detect:
    """A Gaussian for each place, of some channels of all scales.

    Source: PaDiM, Defard et al. 2020, arXiv:2011.08785, section III: 100 channels, ridge 0.01.
    """
    whole = _embedded(features, shapes)
    chosen = np.random.default_rng(seed).permutation(whole.shape[-1])[:_PADIM_CHANNELS]
    chosen = np.sort(chosen)
    rows = whole[..., chosen].transpose(1, 2, 0, 3).astype(np.float64)
    mean = rows.mean(axis=2)
    centred = rows - mean[:, :, None]
    covariance = np.einsum("hwni,hwnj->hwij", centred, centred, optimize=True)
    covariance /= len(features) - 1
    inverse = np.linalg.inv(covariance + _PADIM_RIDGE * np.eye(len(chosen)))

    def distances(values):
        off = _embedded(values, shapes)[..., chosen] - mean
        return np.sqrt(np.einsum("nhwi,hwij,nhwj->nhw", off, inverse, off, optimize=True))

    return _by_place(distances, size)


def neighbours(features: np.ndarray, shapes, size, seed: int) -> Detect:
    """The distance of each place's vector to the nearest of 5,000 that were drawn at random.

    As PatchCore, Roth et al. 2022, arXiv:2106.08265, without its choice of a core set.
    """
    from sklearn.neighbors import NearestNeighbors

    vectors = _embedded(features, shapes)
    vectors = vectors.reshape(-1, vectors.shape[-1])
    drawn = np.random.default_rng(seed).choice(len(vectors), _REMEMBERED, replace=False)
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(vectors[drawn])

    def distances(values):
        whole = _embedded(values, shapes)
        found, _ = index.kneighbors(whole.reshape(-1, whole.shape[-1]))
        return found.reshape(whole.shape[:3])

    return _by_place(distances, size)


def pooled_gaussian(features: np.ndarray, shapes, size, seed: int) -> Detect:
    """One Gaussian of the features' means over all places, with a shrunk covariance.

    Source: Rippel et al. 2020, arXiv:2005.14140.
    """
    from sklearn.covariance import LedoitWolf

    gaussian = LedoitWolf().fit(_pooled(features, shapes))

    def detect(values):
        distance = np.sqrt(gaussian.mahalanobis(_pooled(values, shapes)))
        maps = np.broadcast_to(distance[:, None, None], (len(values), 2, 2))
        scores = np.repeat(distance[:, None], 2 * len(MEASURES), axis=1)
        return scores, dict.fromkeys(MEASURES, maps)

    return detect


def _by_place(distances: Callable[[np.ndarray], np.ndarray], size) -> Detect:
    import tensorflow as tf

    def detect(values):
        parts = [
            tf.image.resize(distances(values[i : i + _AT_ONCE])[..., None], size)[..., 0].numpy()
            for i in range(0, len(values), _AT_ONCE)
        ]
        maps = dict.fromkeys(MEASURES, np.concatenate(parts))
        return picture_scores(maps), maps

    return detect


def _maps(features: np.ndarray, shapes) -> list[np.ndarray]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(features, ends[:-1], axis=1)
    return [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def _embedded(features: np.ndarray, shapes) -> np.ndarray:
    """All scales at the places of the largest, ``[n, height, width, channels]``."""
    maps = _maps(features, shapes)
    height, width = max(one.shape[1:3] for one in maps)
    return np.concatenate(
        [
            one.repeat(height // one.shape[1], axis=1).repeat(width // one.shape[2], axis=2)
            for one in maps
        ],
        axis=-1,
    )


def _pooled(features: np.ndarray, shapes) -> np.ndarray:
    return np.concatenate([one.mean(axis=(1, 2)) for one in _maps(features, shapes)], axis=1)

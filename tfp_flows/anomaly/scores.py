"""How odd each place of a picture is, and the picture: from the maps of a flow to numbers."""

import numpy as np
import tensorflow as tf

from tfp_flows.flows import Flow
from tfp_flows.flows.features import feature_maps

MEASURES = {
    "latents": "mean over channels of the squared latents, 1 on average of normal pictures",
    "density": "minus the log-density, in nats a channel",
}
"""What is measured at each place, averaged over the scales."""
SUMMARIES = {"max": "the highest place", "top": "the mean of the highest 2 % of the places"}
SCORES = tuple(f"{measure}_{summary}" for measure in MEASURES for summary in SUMMARIES)
"""Scores of a picture: a measure and how its map is summed up."""
TOP = 0.02


def heat_maps(flow: Flow, features: tf.Tensor, size: tuple[int, int]) -> dict[str, tf.Tensor]:
    """Maps of a `flows.fastflow` or `flows.cflow`, one of each measure, as large as the picture.

    Each scale's map is brought to ``size`` by bilinear interpolation; then all are averaged.

    Args:
        flow: The flow.
        features: ``[n, *event_shape]``.
        size: Height and width.

    Returns:
        ``[n, height, width]`` by names of `MEASURES`.
    """
    scales = feature_maps(flow, features)
    channels = _channels(flow)
    maps = {
        "latents": [squares for _, squares in scales],
        "density": [nats / c for (nats, _), c in zip(scales, channels, strict=True)],
    }
    return {
        name: tf.add_n([tf.image.resize(one[..., None], size)[..., 0] for one in own]) / len(own)
        for name, own in maps.items()
    }


def picture_scores(maps: dict[str, np.ndarray]) -> np.ndarray:
    """Scores ``[n, len(SCORES)]`` of pictures from their maps ``[n, height, width]``."""
    columns = []
    for measure in MEASURES:
        flat = np.asarray(maps[measure], np.float64).reshape(len(maps[measure]), -1)
        count = max(1, round(TOP * flat.shape[1]))
        highest = np.partition(flat, flat.shape[1] - count, axis=1)[:, -count:]
        columns += [highest.max(axis=1), highest.mean(axis=1)]
    return np.stack(columns, axis=1)


def _channels(flow: Flow) -> list[int]:
    members = getattr(flow.bijector, "bijectors", None)
    if len(flow.event_shape) == 1 and members is not None:
        return [member.event_shape[-1] for member in members]
    return [flow.event_shape[-1]]

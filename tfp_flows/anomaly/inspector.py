"""A flow of features with its backbone and its thresholds: one model that judges pictures."""

import dataclasses
import json
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import conformal
from tfp_flows.anomaly.backbones import Backbone, in_full_batches
from tfp_flows.anomaly.scores import MEASURES, SCORES, heat_maps, picture_scores
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel

_BACKBONE = "backbone_"
# Shares of the places of held-out pictures between which a heat map is coloured.
_COLOURED = (50.0, 99.9)


class Judged(NamedTuple):
    """What an `Inspector` says of pictures.

    Attributes:
        scores: ``[n, 4]``, in the order of `tfp_flows.anomaly.SCORES`.
        maps: ``[n, height, width]`` by measure, in the units of the scores.
    """

    scores: np.ndarray
    maps: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What held-out pictures of good parts have shown.

    Attributes:
        scores: ``[n, 4]``, as in `Judged`.
        ranges: By measure, a middling and a high value of their places, for colours.
    """

    scores: np.ndarray
    ranges: dict[str, tuple[float, float]]


@tf.keras.utils.register_keras_serializable(package="tfp_flows")
class Inspector(FlowModel):
    """Judges pictures by a flow of the features that a trained network sees in them.

    It is trained as any `FlowModel`, on the features of pictures of good parts, which are computed
    once: ``fit(backbone.features_of(batches, count))``. A saved one holds the backbone with its
    weights, and the scores of the held-out pictures on which p-values and thresholds stand.

    Args:
        flow: `flows.fastflow` or `flows.cflow` of the backbone's ``shapes``.
        backbone: The network.
        calibration: See `calibrate`.
        name: Name of the model.

    Raises:
        InputError: If the flow is of other maps than the backbone makes.
    """

    def __init__(
        self,
        flow: Flow,
        backbone: Backbone,
        *,
        calibration: Calibration | None = None,
        name: str | None = None,
    ):
        super().__init__(flow, name=name)
        size = sum(int(np.prod(shape)) for shape in backbone.shapes)
        if flow.event_shape != [size]:
            raise InputError(
                f"The flow has events {tuple(flow.event_shape)}, the maps {backbone.shapes} are "
                f"one of ({size},); build it with event_shape=backbone.shapes."
            )
        self.backbone, self.calibration = backbone, calibration
        self._maps_of = tf.function(
            lambda features: heat_maps(flow, features, backbone.size),
            autograph=False,
            reduce_retracing=True,
        )

    def judge(self, pictures: np.ndarray) -> Judged:
        """Scores pictures.

        Args:
            pictures: ``[n, *backbone.size, backbone.channels]``, 0 to 255.
        """
        features = self.backbone.features(pictures)
        flat = [one.reshape(len(pictures), -1) for one in features]
        return self.judge_features(np.concatenate(flat, axis=1))

    def judge_features(self, features: np.ndarray) -> Judged:
        """Scores pictures by their features ``[n, size]``; see `Backbone.features_of`."""
        features = features.astype(self.flow.dtype.as_numpy_dtype)
        maps = in_full_batches(self._maps_of, features)
        return Judged(picture_scores(maps), maps)

    def calibrate(self, features: np.ndarray) -> None:
        """Remembers the scores of good parts that training has not seen, ``[n, size]`` features."""
        judged = self.judge_features(features)
        ranges = {
            name: tuple(float(v) for v in np.percentile(judged.maps[name], _COLOURED))
            for name in MEASURES
        }
        self.calibration = Calibration(judged.scores, ranges)

    def threshold(self, false_alarms: float, score: str = SCORES[0]) -> float:
        """The score above which a part is called bad; see `conformal.threshold`.

        Args:
            false_alarms: Largest share of good parts that may be called bad.
            score: One of `SCORES`.

        Raises:
            InputError: If there is no such score, it was never calibrated, or the held-out
                pictures are too few for the rate.
        """
        return conformal.threshold(self._held_out(score), false_alarms)

    def p_values(self, scores: np.ndarray, score: str = SCORES[0]) -> np.ndarray:
        """Conformal p-values ``[n]`` of scores ``[n]`` of one kind; see `conformal.p_values`."""
        return conformal.p_values(scores, self._held_out(score))

    def _held_out(self, score: str) -> np.ndarray:
        if score not in SCORES:
            raise unknown_name("score", score, SCORES)
        if self.calibration is None:
            raise InputError(f"{self.name} has no held-out scores; call calibrate first.")
        return self.calibration.scores[:, SCORES.index(score)]

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        held = None
        if self.calibration is not None:
            scores = np.asarray(self.calibration.scores).tolist()
            held = {"scores": scores, "ranges": self.calibration.ranges}
        more = {"backbone": self.backbone.get_config(), "calibration": held}
        # As text, which no Keras looks into.
        return {**super().get_config(), "inspector": json.dumps(more)}

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        config = dict(config_)
        more = json.loads(config.pop("inspector"))
        config["backbone"] = Backbone.from_config(more["backbone"])
        held = more["calibration"]
        if held is not None:
            ranges = {name: tuple(pair) for name, pair in held["ranges"].items()}
            config["calibration"] = Calibration(np.array(held["scores"]), ranges)
        return super().from_config(config, custom_objects)

    def save_own_variables(self, store) -> None:
        """Writes the flow's variables and those of the backbone."""
        super().save_own_variables(store)
        for i, value in enumerate(self.backbone.weights):
            store[f"{_BACKBONE}{i}"] = value

    def load_own_variables(self, store) -> None:
        """Reads what `save_own_variables` wrote."""
        names = list(store.keys())
        own = [name for name in names if name.startswith(_BACKBONE)]
        super().load_own_variables({name: store[name] for name in names if name not in own})
        ordered = sorted(own, key=lambda name: int(name.removeprefix(_BACKBONE)))
        self.backbone.set_weights([np.asarray(store[name][()]) for name in ordered])

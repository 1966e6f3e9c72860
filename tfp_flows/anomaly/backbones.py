"""Trained networks whose layers tell what is where in a picture."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.anomaly import efficientnet
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import tracked

EFFICIENTNET = "efficientnet_lite0"
DEFAULT_SIZE = 224
_LAYERS = ("stage_6",)
_EPSILON, BATCH = 1e-3, 32
_MAP, _PLACE = [1, 2, 3], [3]
_AXES = {"map": (_MAP,), "place": (_PLACE,), "both": (_MAP, _PLACE)}


class Backbone:
    """The layers of a trained network, from pictures to normalised maps of features.

    Each map of each picture is normalised, to mean 0 and deviation 1: without that, flows of
    features hardly train.

    Args:
        source: ``"efficientnet_lite0"``, whose weights come with ``tfp-flows[anomaly]``; the name
            of a model of `tf.keras.applications`, whose weights Keras downloads; or the path of a
            saved Keras model, which gets pictures with numbers from 0 to 255.
        layers: Names of layers whose outputs are maps; by default those of the backbone.
        size: Height and width that pictures are brought to; the network's own, or 224, by default.
        normalise: Over what: ``"map"``, all places and channels at once, which keeps how strong a
            place is beside the others of its picture; ``"place"``, the channels of each place; or
            ``"both"``, one map of each kind for each layer.

    Raises:
        InputError: If there is no such network, a package, a file or its weights are missing, the
            network has no layer of a name, the size is not its own, an output is no map, or there
            is no such normalisation.

    Attributes:
        source: As given.
        layers: Names of the layers.
        size: Height and width of the pictures.
        normalise: As given.
        channels: 3, or 1 of a network of grey pictures.
        shapes: ``(height, width, channels)`` of each map.
    """

    def __init__(
        self,
        source: str,
        layers: Sequence[str] | None = None,
        size: int | None = None,
        *,
        normalise: str = "both",
    ):
        if normalise not in _AXES:
            raise unknown_name("normalisation", normalise, _AXES)
        self.source, self.normalise = str(source), normalise
        whole = _whole(self.source, size)
        if layers is None and self.source == EFFICIENTNET:
            layers = _LAYERS
        if not layers:
            raise InputError(
                f"Which layers of {self.source} are looked at? Name some, such as "
                f"{', '.join(_maps_of(whole)[-3:])}."
            )
        self.layers = list(layers)
        names = [layer.name for layer in whole.layers]
        for name in self.layers:
            if name not in names:
                raise unknown_name(f"layer of {self.source}", name, names)
        outputs = [whole.get_layer(name).output for name in self.layers]
        self._set(tf.keras.Model(whole.inputs, outputs), size)
        if self.source == EFFICIENTNET:
            efficientnet.load_weights(self._network)

    def _set(self, network: tf.keras.Model, size: int | None) -> None:
        self._network = network
        self._network.trainable = False
        *own, self.channels = network.inputs[0].shape[1:]
        size = size or DEFAULT_SIZE
        self.size = tuple(size if length is None else length for length in own)
        self._prepare = _preparation(self.source)
        self._run = tf.function(self._features, autograph=False, reduce_retracing=True)
        maps = self._run(tf.zeros([1, *self.size, self.channels]))
        self.shapes = [tuple(one.shape[1:]) for one in maps]

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights of the network, as far as its layers are looked at."""
        return self._network.get_weights()

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Puts `weights` back."""
        self._network.set_weights(list(weights))

    def features(self, pictures: np.ndarray) -> list[np.ndarray]:
        """Normalised maps ``[n, *shape]`` of pictures ``[n, *size, channels]``, 0 to 255."""
        return in_full_batches(lambda part: self._run(tf.cast(part, tf.float32)), pictures)

    def features_of(self, batches, count: int) -> np.ndarray:
        """All maps of many pictures, flattened behind each other.

        Args:
            batches: Of pictures ``[n, *size, channels]``.
            count: How many pictures there are, at most.

        Returns:
            ``[pictures, size]``, float32.
        """
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        result, done = np.empty((count, sum(sizes)), np.float32), 0
        for batch in tracked(batches, "Looking", max(2, -(-count // BATCH))):
            parts = [part.reshape(len(batch), -1) for part in self.features(batch)]
            result[done : done + len(batch)] = np.concatenate(parts, axis=1)
            done += len(batch)
        return result[:done]

    def _features(self, pictures):
        maps = self._network(self._prepare(pictures), training=False)
        maps = list(maps) if isinstance(maps, list | tuple) else [maps]
        for name, one in zip(self.layers, maps, strict=True):
            if one.shape.rank != 4 or one.shape[-1] < 2 or None in one.shape[1:]:
                raise InputError(
                    f"The layer {name} of {self.source} returns {tuple(one.shape[1:])}, no map of "
                    "features (height, width, 2 or more channels); name a convolution."
                )
        maps = [tf.cast(one, tf.float32) for one in maps]
        return [_normalised(one, axes) for axes in _AXES[self.normalise] for one in maps]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the network, without its weights: JSON values."""
        written = None if self.source == EFFICIENTNET else self._network.to_json()
        size = self.size[0] if self.size[0] == self.size[1] else None
        return {
            "source": self.source,
            "layers": self.layers,
            "size": size,
            "normalise": self.normalise,
            "network": written,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Backbone":
        """Rebuilds a backbone; `set_weights` makes it what it was. Nothing is loaded elsewhere."""
        result = cls.__new__(cls)
        result.source, result.layers = config["source"], list(config["layers"])
        result.normalise = config.get("normalise", "place")  # of files from before there was one
        if config["network"] is None:
            whole = efficientnet.network((config["size"], config["size"]))
            outputs = [whole.get_layer(name).output for name in result.layers]
            network = tf.keras.Model(whole.inputs, outputs)
        else:
            network = tf.keras.models.model_from_json(config["network"])
        result._set(network, config["size"])
        return result


def batches_of(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures in batches, as `Backbone.features_of` takes them."""
    for start in range(0, len(pictures), BATCH):
        yield pictures[start : start + BATCH]


def in_full_batches(function: Callable, values: np.ndarray) -> Any:
    """What a function makes of rows, handed to it in batches of one size: it is traced once.

    Args:
        function: Maps ``[BATCH, ...]`` to tensors of so many rows, in any structure.
        values: ``[n, ...]``.
    """
    results = []
    for part in batches_of(values):
        full = np.concatenate([part, np.repeat(part[-1:], BATCH - len(part), axis=0)])
        results.append(tf.nest.map_structure(lambda one: one.numpy(), function(full)))
    joined = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)
    return tf.nest.map_structure(lambda one: one[: len(values)], joined)


def _normalised(features: tf.Tensor, axes: list[int]) -> tf.Tensor:
    """Layer normalisation, Ba et al. 2016, arXiv:1607.06450, without learned parts."""
    mean, variance = tf.nn.moments(features, axes=axes, keepdims=True)
    return (features - mean) / (tf.sqrt(variance) + _EPSILON)


def _whole(source: str, size: int | None) -> tf.keras.Model:
    """The network, with its weights but for those that are read later."""
    shape = (size or DEFAULT_SIZE,) * 2
    if source == EFFICIENTNET:
        return efficientnet.network(shape)
    path = Path(source)
    if path.is_file():
        return _saved(path, size)
    application = _applications().get(source)
    if application is None:
        if path.suffix in (".keras", ".h5"):
            raise InputError(f"There is no file {path}; give a saved Keras model.")
        raise unknown_name("backbone", source, [EFFICIENTNET, *_applications()])
    try:
        return application(include_top=False, weights="imagenet", input_shape=(*shape, 3))
    except Exception as error:  # whatever a download can end in
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"Keras could not build {source} with its weights, which it downloads ({reason}); "
            f"without a network use {EFFICIENTNET}, or a saved Keras model."
        ) from error


def _saved(path: Path, size: int | None) -> tf.keras.Model:
    try:
        model = tf.keras.models.load_model(path, compile=False)
        own = tuple(model.inputs[0].shape[1:])
    except Exception as error:  # whatever is in the file
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"Cannot load {path} as a Keras model whose layers have known inputs ({reason}); save "
            "a functional or sequential one as .keras."
        ) from error
    if len(model.inputs) != 1 or len(own) != 3 or own[2] not in (1, 3):
        raise InputError(f"{path} takes {own}, no pictures (height, width, 1 or 3 channels).")
    if size is not None and any(length not in (None, size) for length in own[:2]):
        raise InputError(
            f"{path} takes pictures of {own[0]} x {own[1]}; leave the size {size} out."
        )
    return model


def _applications() -> dict[str, Any]:
    space = tf.keras.applications
    return {name: getattr(space, name) for name in dir(space) if name[:1].isupper()}


def _preparation(source: str):
    """What a network does to pictures first."""
    application = _applications().get(source)
    if application is None or source == EFFICIENTNET:
        return lambda pictures: pictures
    module = sys.modules[application.__module__]
    return lambda pictures: module.preprocess_input(tf.identity(pictures))


def _maps_of(model: tf.keras.Model) -> list[str]:
    shapes = [(layer.name, getattr(layer.output, "shape", ())) for layer in model.layers]
    return [name for name, shape in shapes if len(shape) == 4]

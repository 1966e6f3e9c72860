"""Autoencoders of small pictures, and pictures in black and white."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models.vae import VAE

keras = tf.keras
# Sizes of posteriors' flows that pay beside networks of a few hundred units.
SIZES: dict[str, dict[str, Any]] = {
    "iaf": {"num_layers": 4, "hidden_units": [160]},
    "naf": {"num_layers": 2, "hidden_units": [160], "num_units": 8, "depth": 1},
    "realnvp": {"num_layers": 4, "hidden_units": [160]},
    "nsf": {"num_layers": 4, "hidden_units": [160]},
    "planar": {"num_layers": 8},
    "sylvester": {"num_layers": 4},
}


def picture_vae(
    *,
    event_shape=(28, 28, 1),
    latent_size: int = 40,
    posterior: str = "iaf",
    posterior_options: dict[str, Any] | None = None,
    prior: Flow | None = None,
    hidden_units=(300, 300),
    activation: str = "relu",
    free_bits: float = 0.0,
    warm_up: int = 0,
    kl_weights: Sequence[float] | None = None,
    seed: int | None = None,
) -> VAE:
    """An autoencoder of small pictures in black and white, dense, after the ones of the papers.

    Encoder and decoder are of two layers of 300 units (van den Berg et al. 2018, arXiv:1803.05649,
    appendix C), for `binarise(images)`.

    Args:
        event_shape: ``(height, width, channels)``.
        latent_size: Size of a latent.
        posterior: See `VAE`.
        posterior_options: Arguments of its flow; by default four layers of 160 units, two of NAF.
        prior: See `VAE`.
        hidden_units: Of the encoder; the decoder has them in turn.
        activation: Of both.
        free_bits: See `VAE`.
        warm_up: See `VAE`.
        kl_weights: See `VAE`.
        seed: Of all weights.

    Returns:
        The model, to compile and fit.

    Raises:
        InputError: If there is no such posterior.
    """
    shape = shapes.as_shape(event_shape, "event_shape")
    dense, drawn = seeded_layers(seed)
    encoder = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            *(dense(units, activation) for units in hidden_units),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input([latent_size]),
            *(dense(units, activation) for units in reversed(tuple(hidden_units))),
            dense(int(np.prod(shape))),
            keras.layers.Reshape(shape),
        ],
        name="decoder",
    )
    options = SIZES.get(posterior, {}) if posterior_options is None else posterior_options
    return VAE(
        encoder,
        decoder,
        latent_size=latent_size,
        posterior=posterior,
        posterior_options=options or None,
        prior=prior,
        free_bits=free_bits,
        warm_up=warm_up,
        kl_weights=kl_weights,
        seed=drawn(),
    )


def seeded_layers(seed: int | None):
    """A function of units and activation that makes a dense layer, and one that draws a seed."""
    generator = np.random.default_rng(seed)

    def drawn() -> int:
        return int(generator.integers(2**31))

    def dense(units: int, activation=None):
        start = keras.initializers.GlorotUniform(drawn())
        return keras.layers.Dense(units, activation, kernel_initializer=start)

    return dense, drawn


def binarise(images, *, seed: int | None = None) -> np.ndarray:
    """Pictures in black and white, 0 and 1.

    Args:
        images: Bytes, or numbers from 0 to 1.
        seed: Without one a pixel is 1 above a half (static); with one it is drawn, 1 in proportion
            to its brightness (Salakhutdinov and Murray 2008), anew for another seed (dynamic).

    Returns:
        Float32 of the same shape.

    Raises:
        InputError: If numbers are outside of 0 to 1.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = images / np.float32(255)
    if images.size and not (images.min() >= 0 and images.max() <= 1):
        raise InputError(
            f"Images are bytes, or numbers from 0 to 1; got {images.dtype.name} from "
            f"{images.min():g} to {images.max():g}."
        )
    level = 0.5 if seed is None else np.random.default_rng(seed).uniform(size=images.shape)
    return (images > level).astype(np.float32)

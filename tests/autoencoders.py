"""Small autoencoders, and data for them."""

import numpy as np
import tensorflow as tf

import tfp_flows as tff

keras = tf.keras
SMALL = {
    "iaf": {"num_layers": 2, "hidden_units": [8]},
    "naf": {"num_layers": 1, "hidden_units": [8], "num_units": 4, "depth": 1},
    "bnaf": {"num_layers": 1},
    "realnvp": {"num_layers": 2, "hidden_units": [8]},
    "nsf": {"num_layers": 2, "hidden_units": [8]},
    "planar": {"num_layers": 2},
    "radial": {"num_layers": 2},
    "sylvester": {"num_layers": 2},
}


def dense(size, outputs, hidden=8, shape=None):
    layers = [keras.Input(shape or [size]), keras.layers.Flatten()]
    layers += [keras.layers.Dense(hidden, "tanh"), keras.layers.Dense(outputs)]
    return keras.Sequential(layers)


def shuffled(module, seed=0, scale=0.3):
    generator = np.random.default_rng(seed)
    for variable in module.trainable_variables:
        value = variable.numpy()
        variable.assign(value + scale * generator.standard_normal(value.shape))


def binary(n=64, size=6, seed=0):
    generator = np.random.default_rng(seed)
    kinds = generator.uniform(size=(n, 1)) < 0.5
    return (generator.uniform(size=(n, size)) < np.where(kinds, 0.9, 0.1)).astype(np.float32)


def small(posterior="diagonal", **options):
    keras.utils.set_random_seed(0)
    given = {"posterior_options": SMALL.get(posterior), "seed": 0, **options}
    return tff.models.VAE(dense(6, 5), dense(2, 6), latent_size=2, posterior=posterior, **given)

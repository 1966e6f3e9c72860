"""Activations by name."""

from collections.abc import Callable

import tensorflow as tf

from tfp_flows.errors import unknown_name

ACTIVATIONS = {
    "elu": tf.nn.elu,
    "gelu": tf.nn.gelu,
    "leaky_relu": tf.nn.leaky_relu,
    "relu": tf.nn.relu,
    "selu": tf.nn.selu,
    "sigmoid": tf.nn.sigmoid,
    "silu": tf.nn.silu,
    "softplus": tf.nn.softplus,
    "softsign": tf.nn.softsign,
    "swish": tf.nn.silu,
    "tanh": tf.nn.tanh,
}


def get_activation(activation: str | Callable | None) -> Callable:
    """Looks an activation up by name; functions pass, None is the identity.

    Raises:
        InputError: If the name is unknown.
    """
    if activation is None or activation == "linear":
        return tf.identity
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        raise unknown_name("activation", activation, ACTIVATIONS)
    return ACTIVATIONS[activation]

"""Keras 3 and tf_keras: the one place that knows both.

`tf.keras` is Keras 3, or tf_keras under ``TF_USE_LEGACY_KERAS=1``; layers of either may come as
conditioners under either. TFP's own networks are layers of tf_keras always.
"""

import importlib
import importlib.metadata
import sys
from types import ModuleType

import tensorflow as tf
import tf_keras

from tfp_flows.errors import InputError

OLD_KERAS = "tf_keras"
KERAS_NAMES = ("keras", OLD_KERAS)
# The variable of the environment by which TensorFlow chooses.
SWITCH = "TF_USE_LEGACY_KERAS"
# What `tf.keras` is here.
KERAS_NAME = tf.keras.Model.__module__.partition(".")[0]
KERAS3 = KERAS_NAME == "keras"
keras_of_tfp = tf_keras


def library_of(value) -> str | None:
    """The Keras that a layer or model belongs to, "keras" or "tf_keras"; None for anything else."""
    for name in KERAS_NAMES:
        module = sys.modules.get(name)
        if module is not None and isinstance(value, module.layers.Layer):
            return name
    return None


def library(name: str) -> ModuleType:
    """Imports a Keras by name.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in KERAS_NAMES:
        raise InputError(f"Unknown Keras library {name!r}; one of {', '.join(KERAS_NAMES)}.")
    return importlib.import_module(name)


def library_of_version(version) -> str:
    """The name of the Keras of a version: tf_keras is 2, Keras is 3."""
    return OLD_KERAS if str(version).startswith("2.") else "keras"


def version() -> str:
    """The version of the Keras that `tf.keras` is."""
    return importlib.metadata.version(KERAS_NAME)


def how_to_become(name: str) -> str:
    """What to do so that `tf.keras` is the Keras of this name."""
    return f"set {SWITCH}={int(name == OLD_KERAS)} before the first import"


def steps_per_execution(model) -> int:
    """How many steps a call of a compiled model makes."""
    return model.steps_per_execution if KERAS3 else int(model._steps_per_execution.numpy())

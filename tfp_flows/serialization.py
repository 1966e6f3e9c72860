"""Objects to plain JSON and back.

`encode` turns any composition of `Configurable` objects, of TFP's own distributions and bijectors,
and of Keras networks into JSON, and `decode` rebuilds it. Only classes that are already known,
because their module was imported, are ever rebuilt: a file cannot name code to import.

Weights are not part of a configuration; `tfp_flows.models` stores them beside it.
"""

import base64
import inspect
import math
import warnings
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import keras_worlds
from tfp_flows.activations import ACTIVATIONS
from tfp_flows.config import Configurable, class_key, defaults_of, known_class
from tfp_flows.errors import InputError

_TFP_NAMESPACES = {"distributions": tfp.distributions, "bijectors": tfp.bijectors}
_KERAS_MODULES = {*keras_worlds.KERAS_NAMES, "builtins", "tensorflow_probability", "tfp_flows"}


def _encode_array(array) -> dict:
    array = np.asarray(array)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    dtype = tf.as_dtype(array.dtype).name
    return {"$array": {"dtype": dtype, "shape": list(array.shape), "data": data}}


def _decode_array(value: dict) -> np.ndarray:
    dtype = tf.as_dtype(value["dtype"]).as_numpy_dtype
    flat = np.frombuffer(base64.b64decode(value["data"]), dtype)
    return flat.reshape(value["shape"]).copy()


def _tfp_class(value) -> tuple[str, type]:
    # Distributions without a CompositeTensor form hide behind a private parent class.
    name = type(value).__name__.lstrip("_")
    for space, module in _TFP_NAMESPACES.items():
        cls = getattr(module, name, None)
        if cls is not None and issubclass(cls, type(value)):
            return f"{space}.{name}", cls
    raise InputError(
        f"Cannot save {type(value).__name__!r}: derive it from tfp_flows.bijectors.Bijector "
        "or from tfp_flows.Configurable, or use a distribution of TFP."
    )


def _is_default_function(item, default) -> bool:
    return callable(item) and (
        item is default or getattr(item, "__name__", "") == "_default_kwargs_split_fn"
    )


# Some of these pass for tensors.
_SHAREABLE = (
    Configurable,
    tf.Variable,
    tfp.util.TransformedVariable,
    tfp.distributions.Distribution,
    tfp.bijectors.Bijector,
)


class Encoder:
    """Writes each object once; where it stands again, a reference."""

    def __init__(self):
        self.classes: dict[str, type] = {}
        self._numbers: dict[int, int] = {}
        # Keeps what was seen alive, so that no other object gets its id.
        self.seen: list[Any] = []

    def __call__(self, value: Any) -> Any:
        """Writes a value; see `encode`."""
        plain = self._plain(value)
        if plain is not None:
            return plain[0]
        if id(value) in self._numbers:
            return {"$ref": self._numbers[id(value)]}
        number = self._numbers[id(value)] = len(self._numbers)
        self.seen.append(value)
        return {**self._shared(value), "$id": number}

    def _key(self, cls: type) -> str:
        """The name of a class, which must mean one class only."""
        key = class_key(cls)
        if self.classes.setdefault(key, cls) is not cls:
            raise InputError(
                f"Cannot save two different classes of the one name {cls.__qualname__!r} of "
                f"{cls.__module__}; give each a name of its own."
            )
        if known_class(key) is not cls:
            warnings.warn(
                f"{cls.__qualname__} was defined again after this object was made; what is saved "
                "will be rebuilt with the definition that is found then.",
                stacklevel=2,
            )
        return key

    def _plain(self, value) -> tuple | None:
        """A value without identity, as a tuple of one; None for objects that can be shared."""
        if value is None or isinstance(value, bool | int | str):
            return (value,)
        if isinstance(value, float):
            return (value if math.isfinite(value) else {"$float": repr(value)},)
        if isinstance(value, np.generic):
            return (self(value.item()),)
        if isinstance(value, tf.DType | np.dtype) or (
            isinstance(value, type) and issubclass(value, np.generic)
        ):
            return ({"$dtype": tf.as_dtype(value).name},)
        if isinstance(value, tf.TensorShape):
            return ({"$tuple": value.as_list()},)
        if isinstance(value, _SHAREABLE):
            return None
        if isinstance(value, np.ndarray) or tf.is_tensor(value):
            return (_encode_array(value),)
        if isinstance(value, dict):
            return ({"$dict": [[self(key), self(item)] for key, item in value.items()]},)
        if isinstance(value, list | tuple):
            items = [self(item) for item in value]
            return ({"$tuple": items} if isinstance(value, tuple) else items,)
        for name, function in ACTIVATIONS.items():
            if value is function:
                return (name,)
        return None

    def _shared(self, value) -> dict:
        if isinstance(value, Configurable):
            return {
                "$object": self._key(type(value)),
                "defaults": value.defaults_generation,
                "config": self(value.get_config()),
            }
        if isinstance(value, tfp.util.TransformedVariable):
            return {
                "$transformed": self(tf.convert_to_tensor(value)),
                # TFP may keep the bijector or only its bound `forward`.
                "bijector": self(getattr(value.transform_fn, "__self__", value.transform_fn)),
                "trainable": value.pretransformed_input.trainable,
            }
        if isinstance(value, tf.Variable):
            array = _encode_array(value.numpy())["$array"]
            return {"$variable": array, "trainable": bool(value.trainable)}
        library = keras_worlds.library_of(value)
        if library is not None:
            config = keras_worlds.library(library).saving.serialize_keras_object(value)
            return {"$keras": library, "config": config}
        if isinstance(value, tfp.distributions.Distribution | tfp.bijectors.Bijector):
            name, cls = _tfp_class(value)
            known = inspect.signature(cls.__init__).parameters
            parameters = {
                key: self(item)
                for key, item in value.parameters.items()
                if key in known and not _is_default_function(item, known[key].default)
            }
            return {"$tfp": name, "parameters": parameters}
        return self._unwritten(value)

    def _unwritten(self, value) -> dict:
        raise InputError(
            f"Cannot save {value!r}: it has no written form; give functions by name "
            '(activation="relu") and classes that derive from tfp_flows.Configurable.'
        )


def encode(value: Any) -> Any:
    """Turns a value into JSON-compatible data.

    An object that stands in several places is written once, and is one object again when read.

    Args:
        value: Python scalars and containers, arrays, tensors, variables, dtypes, `Configurable`
            objects, TFP distributions and bijectors, Keras layers and models.

    Raises:
        InputError: If the value, or a part of it, has no written form (a plain function, say).
    """
    return Encoder()(value)


class Decoder:
    """Rebuilds what an `Encoder` wrote, in the same order."""

    def __init__(self):
        self.built: dict[int, Any] = {}

    def __call__(self, data: Any) -> Any:
        """Rebuilds a value; see `decode`."""
        if isinstance(data, list):
            return [self(item) for item in data]
        if not isinstance(data, dict):
            return data
        if "$ref" in data:
            return self.built[data["$ref"]]
        for key, build in self._KINDS.items():
            if key in data:
                value = build(self, data)
                if "$id" in data:
                    self.built[data["$id"]] = value
                return value
        raise InputError(f"Unknown entry {sorted(data)!r} in a saved configuration.")

    def _object(self, data):
        config = self(data["config"])
        with defaults_of(data.get("defaults", 0)):
            return self._class(data["$object"]).from_config(config)

    def _class(self, key) -> type:
        return known_class(key)

    def _tfp(self, data):
        space, _, name = data["$tfp"].partition(".")
        module = _TFP_NAMESPACES.get(space)
        cls = getattr(module, name, None) if name.isidentifier() else None
        known = tfp.distributions.Distribution | tfp.bijectors.Bijector
        if not (isinstance(cls, type) and issubclass(cls, known)):
            raise InputError(f"Unknown TFP class {data['$tfp']!r} in a saved flow.")
        return cls(**{key: self(item) for key, item in data["parameters"].items()})

    def _keras(self, data):
        keras = keras_worlds.library(data["$keras"])
        _refuse_imports(keras, data["config"])
        try:
            return keras.saving.deserialize_keras_object(data["config"])
        except ValueError:
            # While tf_keras reads a file of the ending .h5, that knows no layers of its own.
            old = data["$keras"] == keras_worlds.OLD_KERAS
            layer = keras.layers.deserialize(data["config"]) if old else None
            if not isinstance(layer, keras.layers.Layer):
                raise
            return layer

    def _variable(self, data):
        return tf.Variable(_decode_array(data["$variable"]), trainable=data["trainable"])

    def _transformed(self, data):
        return tfp.util.TransformedVariable(
            self(data["$transformed"]), self(data["bijector"]), trainable=data["trainable"]
        )

    _KINDS: ClassVar = {
        "$float": lambda self, data: float(data["$float"]),
        "$dtype": lambda self, data: tf.as_dtype(data["$dtype"]),
        "$tuple": lambda self, data: tuple(self(item) for item in data["$tuple"]),
        "$dict": lambda self, data: {self(key): self(item) for key, item in data["$dict"]},
        "$array": lambda self, data: _decode_array(data["$array"]),
        "$variable": _variable,
        "$transformed": _transformed,
        "$object": _object,
        "$tfp": _tfp,
        "$keras": _keras,
    }


def _refuse_imports(keras, data) -> None:
    """Refuses Keras configurations that would import modules of their own choice."""
    if isinstance(data, list):
        for item in data:
            _refuse_imports(keras, item)
    if not isinstance(data, dict):
        return
    root = str(data.get("module") or "keras").split(".")[0]
    if "class_name" in data and root not in _KERAS_MODULES:
        name = data.get("registered_name")
        if name is None or keras.saving.get_registered_object(name) is None:
            raise InputError(
                f"Unknown Keras class {name or data['class_name']!r} in a saved flow; import the "
                "module that registers it first."
            )
    for item in data.values():
        _refuse_imports(keras, item)


def decode(data: Any) -> Any:
    """Rebuilds what `encode` wrote.

    Raises:
        InputError: If the data names an unknown class or kind.
    """
    return Decoder()(data)

"""Objects to plain JSON and back.

A class that derives from `Configurable` records the arguments of its constructor; `encode` turns
any composition of such objects, of TFP's own distributions and bijectors, and of Keras networks
into JSON, and `decode` rebuilds it. Only classes that are already known, because their module was
imported, are ever rebuilt: a file cannot name code to import.

Weights are not part of a configuration; `tfp_flows.models` stores them beside it.
"""

import base64
import functools
import inspect
import math
import sys
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError, unknown_name

_CLASSES: dict[str, type] = {}
_TFP_NAMESPACES = {"distributions": tfp.distributions, "bijectors": tfp.bijectors}


def class_key(cls: type) -> str:
    """The name under which a class is written: its top package and its own name."""
    return f"{cls.__module__.split('.')[0]}>{cls.__qualname__}"


def _record_arguments(init):
    signature = inspect.signature(init)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds

    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        if "_config" not in self.__dict__:
            unknown = [name for name in kwargs if name not in signature.parameters]
            if unknown and not takes_any:
                known = [name for name in signature.parameters if name != "self"]
                near = unknown_name("argument", unknown[0], known)
                raise TypeError(f"{type(self).__name__}: {near}")
            arguments = dict(signature.bind(self, *args, **kwargs).arguments)
            arguments.pop(next(iter(signature.parameters)))
            for name, parameter in signature.parameters.items():
                if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                    arguments.update(arguments.pop(name, {}))
            # Past tf.Module's attribute tracking: checkpoints must not follow the record.
            self.__dict__["_config"] = arguments
        init(self, *args, **kwargs)

    return wrapper


class Configurable:
    """Records the arguments of the outermost constructor call, so that it can be repeated."""

    _TF_MODULE_IGNORED_PROPERTIES = frozenset({"_config"})

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _CLASSES[class_key(cls)] = cls
        ignored = (getattr(base, "_TF_MODULE_IGNORED_PROPERTIES", ()) for base in cls.__mro__)
        cls._TF_MODULE_IGNORED_PROPERTIES = frozenset().union(*ignored)
        if "__init__" in cls.__dict__:
            cls.__init__ = _record_arguments(cls.__init__)

    def get_config(self) -> dict[str, Any]:
        """Returns the keyword arguments that rebuild this object (not its weights)."""
        return dict(self.__dict__.get("_config", {}))

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        """Builds an object from what `get_config` returned."""
        return cls(**config)


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


def _tfp_parts(value) -> dict:
    name, cls = _tfp_class(value)
    known = inspect.signature(cls.__init__).parameters
    parameters = {
        key: encode(item)
        for key, item in value.parameters.items()
        if key in known and not _is_default_function(item, known[key].default)
    }
    return {"$tfp": name, "parameters": parameters}


def _is_default_function(item, default) -> bool:
    return callable(item) and (
        item is default or getattr(item, "__name__", "") == "_default_kwargs_split_fn"
    )


def _keras_library(value) -> str | None:
    """The Keras that a layer belongs to, found without importing either."""
    for library in ("keras", "tf_keras"):
        module = sys.modules.get(library)
        if module is not None and isinstance(value, module.layers.Layer):
            return library
    return None


def _keras_module(library: str):
    if library == "keras":
        import keras
    elif library == "tf_keras":
        import tf_keras as keras
    else:
        raise InputError(f"Unknown Keras library {library!r} in the configuration.")
    return keras


def encode(value: Any) -> Any:
    """Turns a value into JSON-compatible data.

    Args:
        value: Python scalars and containers, arrays, tensors, variables, dtypes, `Configurable`
            objects, TFP distributions and bijectors, Keras layers and models.

    Raises:
        InputError: If the value, or a part of it, has no written form (a plain function, say).
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, tf.DType):
        return {"$dtype": value.name}
    if isinstance(value, tf.TensorShape):
        return {"$tuple": value.as_list()}
    if isinstance(value, Configurable):
        return {"$object": class_key(type(value)), "config": encode(value.get_config())}
    if isinstance(value, tfp.util.TransformedVariable):
        inner = value.pretransformed_input
        return {
            "$transformed": encode(tf.convert_to_tensor(value)),
            # TFP may keep the bijector or only its bound `forward`.
            "bijector": encode(getattr(value.transform_fn, "__self__", value.transform_fn)),
            "trainable": inner.trainable,
        }
    if isinstance(value, tf.Variable):
        array = _encode_array(value.numpy())
        return {"$variable": array["$array"], "trainable": bool(value.trainable)}
    if isinstance(value, np.ndarray) or tf.is_tensor(value):
        return _encode_array(value.numpy() if tf.is_tensor(value) else value)
    library = _keras_library(value)
    if library is not None:
        config = _keras_module(library).saving.serialize_keras_object(value)
        return {"$keras": library, "config": config}
    if isinstance(value, tfp.distributions.Distribution | tfp.bijectors.Bijector):
        return _tfp_parts(value)
    if isinstance(value, dict):
        return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [encode(item) for item in value]
        return {"$tuple": items} if isinstance(value, tuple) else items
    raise InputError(
        f"Cannot save {value!r}: it has no written form; give functions by name "
        '(activation="relu") and classes that derive from tfp_flows.Configurable.'
    )


def _decode_object(data: dict):
    key = data["$object"]
    if key not in _CLASSES:
        raise InputError(
            f"Unknown class {key!r} in a saved flow; import the module that defines it first."
        )
    return _CLASSES[key].from_config(decode(data["config"]))


def _decode_tfp(data: dict):
    space, _, name = data["$tfp"].partition(".")
    module = _TFP_NAMESPACES.get(space)
    cls = getattr(module, name, None) if name.isidentifier() else None
    known = tfp.distributions.Distribution | tfp.bijectors.Bijector
    if not (isinstance(cls, type) and issubclass(cls, known)):
        raise InputError(f"Unknown TFP class {data['$tfp']!r} in a saved flow.")
    return cls(**{key: decode(item) for key, item in data["parameters"].items()})


_DECODERS = {
    "$float": lambda data: float(data["$float"]),
    "$dtype": lambda data: tf.as_dtype(data["$dtype"]),
    "$tuple": lambda data: tuple(decode(item) for item in data["$tuple"]),
    "$dict": lambda data: {decode(key): decode(item) for key, item in data["$dict"]},
    "$array": lambda data: _decode_array(data["$array"]),
    "$variable": lambda data: tf.Variable(
        _decode_array(data["$variable"]), trainable=data["trainable"]
    ),
    "$transformed": lambda data: tfp.util.TransformedVariable(
        decode(data["$transformed"]), decode(data["bijector"]), trainable=data["trainable"]
    ),
    "$object": _decode_object,
    "$tfp": _decode_tfp,
    "$keras": lambda data: _keras_module(data["$keras"]).saving.deserialize_keras_object(
        data["config"]
    ),
}


def decode(data: Any) -> Any:
    """Rebuilds what `encode` wrote.

    Raises:
        InputError: If the data names an unknown class or kind.
    """
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, dict):
        for key, decoder in _DECODERS.items():
            if key in data:
                return decoder(data)
        raise InputError(f"Unknown entry {sorted(data)!r} in a saved configuration.")
    return data

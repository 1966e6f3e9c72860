"""Objects that remember how they were built.

A class that derives from `Configurable` records the arguments of its constructor;
`tfp_flows.serialization` writes them and builds the object again.
"""

import copy
import functools
import inspect
from typing import Any

import numpy as np

from tfp_flows.errors import InputError, unknown_name

_CLASSES: dict[str, type] = {}


def class_key(cls: type) -> str:
    """The name under which a class is written: its top package and its own name."""
    return f"{cls.__module__.split('.')[0]}>{cls.__qualname__}"


def known_class(key: str) -> type:
    """Looks up a class that was defined in this process.

    Raises:
        InputError: If there is none of that name.
    """
    if key not in _CLASSES:
        raise InputError(
            f"Unknown class {key!r} in a saved flow; import the module that defines it first."
        )
    return _CLASSES[key]


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
            # Past tf.Module's attribute tracking: checkpoints must not follow the record. Copies,
            # because the caller may change an array or a list later.
            self.__dict__["_config"] = {
                name: copy.copy(item) if isinstance(item, np.ndarray | list | dict) else item
                for name, item in arguments.items()
            }
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

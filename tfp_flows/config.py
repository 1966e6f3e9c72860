"""Objects that remember how they were built.

A class that derives from `Configurable` records the arguments of its constructor;
`tfp_flows.serialization` writes them and builds the object again.

A default that changes must not change what was saved before, as only given arguments are recorded.
So defaults have generations, the number of which is written beside each object: a class lists in
``_EARLIER_DEFAULTS`` what an argument that was not given meant up to a generation, and whatever is
built inside of ``defaults_of(generation)`` is built with that.
"""

import contextlib
import contextvars
import copy
import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from tfp_flows.errors import InputError, unknown_name

DEFAULTS = 3
"""Generation of today's defaults; to be raised where one changes that saved models rely on."""

_CLASSES: dict[str, type] = {}
_generation: contextvars.ContextVar[int] = contextvars.ContextVar("generation", default=DEFAULTS)


def generation() -> int:
    """Generation of the defaults that things are built with at this moment; see `defaults_of`."""
    return _generation.get()


@contextlib.contextmanager
def defaults_of(generation: int) -> Iterator[None]:
    """Builds what is built inside with the defaults of an earlier generation.

    Args:
        generation: What was saved without a number is of generation 0.

    Raises:
        InputError: If the generation is one of a newer version of the package.
    """
    if not isinstance(generation, int) or not 0 <= generation <= DEFAULTS:
        raise InputError(
            f"This was written with defaults of generation {generation!r}, by a newer tfp-flows "
            f"(this one knows {DEFAULTS}); update tfp-flows."
        )
    token = _generation.set(generation)
    try:
        yield
    finally:
        _generation.reset(token)


def class_key(cls: type) -> str:
    """The name under which a class is written: its module and its own name.

    Classes of this package are written by the package alone, so that they can move within it.
    """
    package = cls.__module__.split(".")[0]
    if package == __name__.split(".")[0]:
        return f"{package}>{cls.__qualname__}"
    return f"{cls.__module__}:{cls.__qualname__}"


def known_class(key: str) -> type:
    """Looks up a class that was defined in this process.

    A class that moved is found where its old module still names it. Nothing is imported.

    Raises:
        InputError: If there is none of that name, or if an older file leaves open which of several
            is meant.
    """
    if key in _CLASSES:
        return _CLASSES[key]
    module, _, name = key.partition(":")
    found = sys.modules.get(module)
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    if name and isinstance(found, type) and issubclass(found, Configurable):
        return found
    # Older files name the top package alone.
    package, _, name = key.partition(">")
    several = [
        cls
        for cls in _CLASSES.values()
        if name and cls.__qualname__ == name and cls.__module__.split(".")[0] == package
    ]
    if len(several) > 1:
        modules = " and ".join(sorted(cls.__module__ for cls in several))
        raise InputError(
            f"The saved flow names a class {key!r}, and both {modules} define one; import only "
            "the module that is meant."
        )
    if not several:
        raise InputError(
            f"Unknown class {key!r} in a saved flow; import the module that defines it first."
        )
    return several[0]


def record_constructor(cls: type) -> None:
    """Makes a class leave the arguments of its constructor in ``_config``.

    The outermost constructor of an object records; its call with an unknown argument raises a
    `TypeError` that names the nearest.
    """
    # It may also come from a plain mixin.
    if cls.__init__ is not object.__init__ and not hasattr(cls.__init__, "_records"):
        cls.__init__ = _recording(cls.__init__)
    ignored = (getattr(base, "_TF_MODULE_IGNORED_PROPERTIES", ()) for base in cls.__mro__)
    cls._TF_MODULE_IGNORED_PROPERTIES = frozenset({"_config", "_defaults"}).union(*ignored)


def _recording(init: Callable) -> Callable:
    signature = inspect.signature(init)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds

    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        outermost = "_config" not in self.__dict__
        if outermost:
            unknown = [name for name in kwargs if name not in signature.parameters]
            if unknown and not takes_any:
                known = [name for name in signature.parameters if name != "self"]
                near = unknown_name("argument", unknown[0], known)
                raise TypeError(f"{type(self).__name__}: {near}")
        if _generation.get() < DEFAULTS:
            bound = signature.bind_partial(self, *args, **kwargs).arguments
            kwargs |= {
                name: value
                for name, value in _earlier_defaults(type(self)).items()
                if name in signature.parameters and name not in bound
            }
        if outermost:
            self.__dict__["_defaults"] = _generation.get()
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

    # For those who ask without following wrappers, Keras among them.
    wrapper.__signature__ = signature
    wrapper._records = True
    return wrapper


def construct(cls: type, arguments: dict[str, Any]):
    """Repeats a constructor call that was recorded."""
    parameters = [*inspect.signature(cls.__init__).parameters.values()][1:]
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    last = max((i + 1 for i, each in enumerate(parameters) if each.kind in by_place), default=0)
    positional, keywords = [], dict(arguments)
    for parameter in parameters[:last]:
        value = keywords.pop(parameter.name, ())
        several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        positional += value if several else [value]
    return cls(*positional, **keywords)


def _earlier_defaults(cls: type) -> dict[str, Any]:
    """What arguments of a class meant that were not given, in the generation of this moment.

    Values that are built, like transformers, are given as functions without arguments.
    """
    found: dict[str, Any] = {}
    for generation in range(DEFAULTS - 1, _generation.get() - 1, -1):
        for base in reversed(cls.__mro__):
            found |= vars(base).get("_EARLIER_DEFAULTS", {}).get(generation, {})
    return {name: value() if callable(value) else value for name, value in found.items()}


class Configurable:
    """Records the arguments of the outermost constructor call, so that it can be repeated."""

    _EARLIER_DEFAULTS: ClassVar[Mapping[int, Mapping[str, Any]]] = MappingProxyType({})

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _CLASSES[class_key(cls)] = cls
        record_constructor(cls)

    @property
    def defaults_generation(self) -> int:
        """Generation of the defaults that this object was built with; see `defaults_of`."""
        return self.__dict__.get("_defaults", DEFAULTS)

    def get_config(self) -> dict[str, Any]:
        """Returns the keyword arguments that rebuild this object (not its weights)."""
        if dataclasses.is_dataclass(self) and "_config" not in self.__dict__:
            # Its constructor was written after the class.
            fields = (field.name for field in dataclasses.fields(self) if field.init)
            return {name: getattr(self, name) for name in fields}
        return dict(self.__dict__.get("_config", {}))

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        """Builds an object from what `get_config` returned."""
        return construct(cls, config)

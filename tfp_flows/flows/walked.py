"""What TensorFlow's walks over modules see of a distribution: all of its variables."""

from typing import Any

import tensorflow as tf

_MODULES = "modules"


class _Held(tf.TypeSpec):
    """The type of a part that is no tensor and stays what it is, by reference."""

    value_type = object

    def __init__(self, part: Any):
        self._part = part

    def _serialize(self):
        return (id(self._part),)

    @property
    def _component_specs(self):
        return ()

    def _to_components(self, value):
        return ()

    def _from_components(self, components):
        return self._part

    def is_compatible_with(self, spec_or_value):
        """Whether this is the part."""
        return spec_or_value is self._part or spec_or_value == self

    def is_subtype_of(self, other):
        """Whether the other is of the same part."""
        return self == other

    def most_specific_common_supertype(self, others):
        """Itself, if all are of the same part."""
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context=None):
        """The part."""
        return self._part

    def to_tensors(self, value):
        """None."""
        return []

    def from_tensors(self, tensors):
        """The part."""
        return self._part

    def flatten(self):
        """Nothing."""
        return []

    def cast(self, value, casting_context=None):
        """The part."""
        return value


def show_modules(cls: type) -> None:
    """Makes walks that take composite tensors apart find the modules of a distribution.

    TFP makes composite tensors of all classes derived from its own, and `tf.Module` looks into the
    tensors that their constructors were given in place of the object: of a flow those of the base
    alone. A module that holds a flow, a flow on top of one, or a `tfd.Sample` of one, then has none
    of its variables, and trains nothing.

    Args:
        cls: The class; once it is changed, nothing happens.
    """
    made = cls.__dict__.get("_type_spec")
    if made is None or hasattr(made.fget, "_shows_modules"):
        return

    def spec_of(self):
        spec = made.fget(self)
        _extend(type(spec))
        spec.modules = self.walked_modules
        return spec

    spec_of._shows_modules = True
    cls._type_spec = property(spec_of)


def _extend(spec: type) -> None:
    """Has the class of a type spec, which TFP wrote for one class, tell of modules."""
    if "_to_components" in spec.__dict__:
        return
    to_components, from_components = spec._to_components, spec._from_components
    specs = spec._component_specs.fget

    def with_modules(self, value):
        return {**to_components(self, value), _MODULES: value.walked_modules}

    def without_modules(self, components):
        kept = {name: part for name, part in components.items() if name != _MODULES}
        return from_components(self, kept)

    def all_specs(self):
        return {**specs(self), _MODULES: tuple(_Held(part) for part in self.modules)}

    spec._to_components, spec._from_components = with_modules, without_modules
    spec._component_specs = property(all_specs)

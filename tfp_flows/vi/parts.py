"""Parts of a model: names, shapes and supports, and one flat vector that stands for them."""

import collections
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.config import Configurable
from tfp_flows.errors import InputError, unknown_name

_FIELDS = "fields of a tuple"


class Part(NamedTuple):
    """One part of a model.

    Attributes:
        name: Its name.
        shape: Shape of its event.
        flat_shape: Shape of its unconstrained coordinates.
        dtype: Its dtype, a name.
    """

    name: str
    shape: tuple[int, ...]
    flat_shape: tuple[int, ...]
    dtype: str


class Parts(Configurable):
    """Several parts as one vector of unconstrained coordinates, and back.

    Args:
        parts: Of each part ``(name, shape, flat_shape, dtype)``, in the order of the vector.
        layout: How values are given: a structure (of dicts, tuples, `StructTuple`s) whose leaves
            are the names.
        bijectors: Of each part the map from its unconstrained coordinates to its support; None for
            the whole real line.
    """

    def __init__(self, *, parts: Sequence[tuple], layout: Any, bijectors: Sequence[Any]):
        self.parts = tuple(Part(n, tuple(s), tuple(f), d) for n, s, f, d in parts)
        self.layout = _struct(layout)
        self.bijectors = tuple(bijectors)
        self.names = tuple(part.name for part in self.parts)
        self._sizes = [math.prod(part.flat_shape) for part in self.parts]
        self.dim = sum(self._sizes)
        self.dtype = max((tf.as_dtype(part.dtype) for part in self.parts), key=lambda d: d.size)

    def get_config(self):
        """Returns what rebuilds the parts."""
        parts = [tuple(part) for part in self.parts]
        return {"parts": parts, "layout": _plain(self.layout), "bijectors": list(self.bijectors)}

    def elements(self) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """Name of each element as tables show it, with its part and its place in that."""
        for part in self.parts:
            for place in np.ndindex(part.shape):
                inside = ",".join(map(str, place))
                yield f"{part.name}[{inside}]" if place else part.name, part.name, place

    def split(self, z) -> list[tf.Tensor]:
        """The unconstrained coordinates of each part, of vectors ``[..., D]``."""
        pieces = tf.split(z, self._sizes, axis=-1)
        batch = tf.shape(z)[:-1]
        return [
            tf.cast(tf.reshape(piece, tf.concat([batch, part.flat_shape], axis=0)), part.dtype)
            for piece, part in zip(pieces, self.parts, strict=True)
        ]

    def join(self, pieces: Sequence[Any]) -> tf.Tensor:
        """Vectors ``[..., D]`` of the unconstrained coordinates of each part."""
        flat = []
        for piece, part in zip(pieces, self.parts, strict=True):
            piece = tf.cast(piece, self.dtype)
            batch = tf.shape(piece)[: piece.shape.rank - len(part.flat_shape)]
            flat.append(tf.reshape(piece, tf.concat([batch, [math.prod(part.flat_shape)]], axis=0)))
        return tf.concat(flat, axis=-1)

    def constrained(self, z) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Values of each part at vectors ``[..., D]``, and the log-det of that map, ``[...]``."""
        return self._through(self.split(z), forward=True)

    def unconstrained(self, values: Sequence[Any]) -> tuple[tf.Tensor, tf.Tensor]:
        """Vectors ``[..., D]`` of values of each part, and the log-det of that map, ``[...]``."""
        pieces, log_det = self._through(values, forward=False)
        return self.join(pieces), log_det

    def _through(self, values, forward: bool):
        results, total = [], tf.zeros([], self.dtype)
        for value, part, bijector in zip(values, self.parts, self.bijectors, strict=True):
            if bijector is None:
                batch = tf.shape(value)[: tf.rank(value) - len(part.shape)]
                results.append(value)
                total += tf.zeros(batch, self.dtype)
                continue
            if forward:
                log_det = bijector.forward_log_det_jacobian(value, len(part.flat_shape))
                results.append(bijector.forward(value))
            else:
                log_det = bijector.inverse_log_det_jacobian(value, len(part.shape))
                results.append(bijector.inverse(value))
            total += tf.cast(log_det, self.dtype)
        return results, total

    def structured(self, leaves: Sequence[Any]) -> Any:
        """A structure like the model's, of one value a part."""
        by_name = dict(zip(self.names, leaves, strict=True))
        return tf.nest.map_structure(lambda name: by_name[name], self.layout)

    def leaves(self, structure: Any) -> list[tf.Tensor]:
        """One tensor a part, of a structure like the model's, or of a dict by name.

        Raises:
            InputError: If parts are missing or unknown, or shapes do not fit.
        """
        if isinstance(structure, dict):
            if unknown := set(structure) - set(self.names):
                raise unknown_name("part of the model", sorted(unknown)[0], self.names)
            if missing := [name for name in self.names if name not in structure]:
                raise InputError(f"The part {missing[0]!r} is missing; give all of {self.names}.")
            values = [structure[name] for name in self.names]
        else:
            values = self._flattened(structure)
        tensors = [
            tf.convert_to_tensor(value, dtype=part.dtype)
            for value, part in zip(values, self.parts, strict=True)
        ]
        batches = []
        for tensor, part in zip(tensors, self.parts, strict=True):
            rank = tensor.shape.rank - len(part.shape)
            if rank < 0 or tuple(tensor.shape[rank:]) != part.shape:
                raise InputError(
                    f"The part {part.name!r} has events of shape {part.shape}, got "
                    f"{tuple(tensor.shape)}."
                )
            batches.append(tuple(tensor.shape[:rank]))
        if len(set(batches)) > 1:
            raise InputError(
                f"The parts {', '.join(self.names)} have batches {', '.join(map(str, batches))}; "
                "give all the same."
            )
        return tensors

    def _flattened(self, structure):
        try:
            tf.nest.assert_same_structure(self.layout, structure, check_types=False)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The model's parts are {self.layout}, got a {type(structure).__name__} of another "
                "structure; a dict by name will do as well."
            ) from error
        order = tf.nest.flatten(self.layout)
        by_name = dict(zip(order, tf.nest.flatten(structure), strict=True))
        return [by_name[name] for name in self.names]


def of_shapes(given: Mapping[str, tuple[Any, Any]], dtype: tf.DType) -> Parts:
    """Parts of which names, shapes and supports are given.

    Args:
        given: Of each part by name its shape, and a bijector from the reals to its support, or
            None.
        dtype: Of all parts.

    Raises:
        InputError: If a support is no bijector.
    """
    rows, bijectors = [], []
    for name, (size, bijector) in given.items():
        if bijector is not None and not isinstance(bijector, tfp.bijectors.Bijector):
            raise InputError(
                f"The support of {name!r} is a bijector from the reals or None, got {bijector!r}."
            )
        shape = (size,) if isinstance(size, int) else tuple(size)
        flat = shape
        if bijector is not None:
            flat = tuple(bijector.inverse_event_shape(tf.TensorShape(shape)).as_list())
        rows.append((name, shape, flat, dtype.name))
        bijectors.append(bijector)
    return Parts(parts=rows, layout={name: name for name in given}, bijectors=bijectors)


def _plain(layout):
    """A layout as dicts, lists and tuples, for a file."""
    if isinstance(layout, dict):
        return {name: _plain(item) for name, item in layout.items()}
    if hasattr(layout, "_fields"):
        return {_FIELDS: [[field, _plain(getattr(layout, field))] for field in layout._fields]}
    if isinstance(layout, list | tuple):
        return type(layout)(_plain(item) for item in layout)
    return layout


def _struct(layout):
    """A layout as it was before `_plain`."""
    if isinstance(layout, dict) and set(layout) == {_FIELDS}:
        fields = layout[_FIELDS]
        made = collections.namedtuple("StructTuple", [name for name, _ in fields])
        return made(*(_struct(item) for _, item in fields))
    if isinstance(layout, dict):
        return {name: _struct(item) for name, item in layout.items()}
    if isinstance(layout, list | tuple) and not hasattr(layout, "_fields"):
        return type(layout)(_struct(item) for item in layout)
    return layout

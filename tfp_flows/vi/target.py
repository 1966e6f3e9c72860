"""The density that a flow is to fit: of a joint distribution with observations, or a function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.vi import joints
from tfp_flows.vi.parts import Parts, of_shapes

tfd = tfp.distributions

# Draws of the trial, and by how much two evaluations at one may differ, relative.
_TRIED, _CLOSE = 2, {tf.float32: 1e-3, tf.float64: 1e-7}


class Target:
    """An unnormalised log-density over named parts, each with its shape and support.

    Args:
        model: Any ``tfd.JointDistribution*`` (pinned or not), or a function that takes the parts
            as keyword arguments, each with a leading batch axis, and returns log-densities
            ``[n]``, in nats.
        observed: For a joint distribution, values of some of its parts by name: arrays of just the
            shape of the part.
        parts: For a function, of each part by name its shape, or a pair of its shape and its
            support: a bijector from the reals, None for the reals themselves.
        dtype: For a function, the dtype of its parts.

    Attributes:
        parts: The `Parts`: names, shapes, supports, and the flat vector of all.
        joint: The pinned joint distribution; None for a function.
        batched: Whether the model takes a batch of draws at once; if not it is mapped over them.

    Raises:
        InputError: If the model will not do: unknown or misshapen observations, discrete parts, a
            log-density that fails, has the wrong shape or differs from one evaluation to the next.
        TypeError: If it is neither.
    """

    def __init__(
        self,
        model: Any,
        *,
        observed: Mapping[str, Any] | None = None,
        parts: Mapping[str, Any] | None = None,
        dtype=tf.float32,
    ):
        self.joint = None
        if isinstance(model, tfd.JointDistribution | joints.Pinned):
            if parts is not None:
                raise InputError("A joint distribution knows its parts; leave parts out.")
            self.joint = joints.pinned_by(model, observed)
            self.parts = joints.parts_of(self.joint)
            self._density = lambda leaves: self.joint.unnormalized_log_prob(
                self.parts.structured(leaves)
            )
        elif callable(model):
            if parts is None or observed is not None:
                raise InputError(
                    "A function needs its parts, parts={name: shape} or {name: (shape, bijector)}, "
                    "and holds its data itself; give parts, and no observed."
                )
            self.parts = _given_parts(parts, shapes.as_float_dtype(dtype))
            _check_arguments(model, self.parts.names)
            self._density = lambda leaves: model(**dict(zip(self.names, leaves, strict=True)))
        else:
            raise TypeError(
                f"A model is a tfd.JointDistribution or a function, got {type(model).__name__}."
            )
        self.batched = True
        self._try()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts."""
        return self.parts.names

    @property
    def dim(self) -> int:
        """Number of unconstrained coordinates."""
        return self.parts.dim

    @property
    def dtype(self) -> tf.DType:
        """Dtype of the unconstrained coordinates."""
        return self.parts.dtype

    def pack(self, structure: Any) -> tf.Tensor:
        """Unconstrained vectors ``[..., D]`` of a structure like the model's, or a dict by name."""
        return self.parts.unconstrained(self.parts.leaves(structure))[0]

    def unpack(self, z) -> Any:
        """A structure like the model's, of unconstrained vectors ``[..., D]``."""
        return self.parts.structured(self.parts.constrained(self._vector(z))[0])

    def log_prob(self, structure: Any) -> tf.Tensor:
        """The model's log-density ``[...]`` at a structure or a dict by name, in nats."""
        leaves = self.parts.leaves(structure)
        batch = tf.shape(leaves[0])[: leaves[0].shape.rank - len(self.parts.parts[0].shape)]
        flat = [
            tf.reshape(leaf, tf.concat([[-1], part.shape], axis=0))
            for leaf, part in zip(leaves, self.parts.parts, strict=True)
        ]
        return tf.reshape(self._of_rows(flat), batch)

    def unconstrained_log_prob(self, z) -> tf.Tensor:
        """The log-density ``[n]`` of unconstrained coordinates ``[n, D]``, log-det included."""
        z = self._vector(z)
        leaves, log_det = self.parts.constrained(z)
        return self._of_rows(leaves) + log_det

    def _vector(self, z):
        z = shapes.as_float_tensor(z, self.dtype, "z")
        return shapes.check_event(z, (self.dim,), "z", "the target")

    def _of_rows(self, leaves: Sequence[tf.Tensor]) -> tf.Tensor:
        if self.batched:
            return tf.cast(self._density(leaves), self.dtype)
        return tf.cast(tf.vectorized_map(self._density, list(leaves)), self.dtype)

    def _single(self, leaves) -> tf.Tensor:
        """Of one draw: without a batch axis for a joint, with one of one for a function."""
        if self.joint is None:
            return self._density([leaf[None] for leaf in leaves])
        return self._density(leaves)

    def _try(self) -> None:
        """Evaluates the model at a few draws, alone and together."""
        z = tf.random.stateless_normal([_TRIED, self.dim], (0, 2), dtype=self.dtype)
        leaves, _ = self.parts.constrained(z)
        rows = [[leaf[i] for leaf in leaves] for i in range(_TRIED)]
        try:
            alone = [self._single(row) for row in rows]
            again = self._single(rows[0])
        except Exception as error:
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
            raise InputError(
                f"The model's log-density fails with {type(error).__name__}: {first.rstrip('.')}."
            ) from error
        wanted = (1,) if self.joint is None else ()
        if not tf.is_tensor(alone[0]) or tuple(alone[0].shape) != wanted:
            raise InputError(
                "The model's log-density must be one number a draw, a tensor of shape "
                f"{wanted} here, got {getattr(alone[0], 'shape', type(alone[0]).__name__)}; sum "
                "over what is independent (tfd.Independent, tfd.Sample, tf.reduce_sum)."
            )
        if not self._same(alone[0], again):
            raise InputError(
                f"The model's log-density is {float(tf.squeeze(alone[0])):.6g} at a point and then "
                f"{float(tf.squeeze(again)):.6g} at the same one; leave what is random out of it."
            )
        try:
            together = self._density(leaves)
            self.batched = self._same(together, tf.reshape(tf.stack(alone), [-1]))
        except Exception:  # whatever it raises, it does not take batches
            self.batched = False

    def _same(self, one, two) -> bool:
        if one.shape != two.shape:
            return False
        return np.allclose(one, two, rtol=_CLOSE[self.dtype], atol=1e-3, equal_nan=True)


def _given_parts(parts: Mapping[str, Any], dtype) -> Parts:
    """The parts of a function.

    Raises:
        InputError: If there is none, or a description will not do.
    """
    if not parts:
        raise InputError("A function needs at least one part, got none.")
    given = {}
    for name, one in parts.items():
        pair = isinstance(one, tuple) and len(one) == 2 and not isinstance(one[1], int)
        given[name] = one if pair else (one, None)
    return of_shapes(given, dtype)


def _check_arguments(function: Callable, names: Sequence[str]) -> None:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    for name in names:
        if name not in parameters:
            raise unknown_name("part, which the function does not take:", name, parameters)

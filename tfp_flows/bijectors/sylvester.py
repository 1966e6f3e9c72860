"""Sylvester flow: a planar flow of several units."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.householder import reflected
from tfp_flows.bijectors.vectors import ParametricVector
from tfp_flows.numerics import solve_increasing


class Sylvester(ParametricVector):
    """``y = x + Q R tanh(S Q^T x + b)``, with orthonormal ``Q`` and triangular ``R`` and ``S``.

    The diagonals of ``R`` and ``S`` are kept in (-1, 1), so that it is invertible. The log-det
    costs O(M). The inverse solves ``M`` increasing scalar equations, one after the other, to
    machine precision, with the gradients of the implicit function.

    Source: van den Berg et al. 2018, arXiv:1803.05649, theorem 2 and section 4.

    Args:
        event_shape: Size of the event, a vector.
        num_units: ``M``, at most the size of the event; that size, but at most 8, by default.
        context_shape: Size of the context. With one, a network adds to all parameters.
        hidden_units: Hidden layers of that network.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or there are more units than dimensions.
    """

    def __init__(
        self,
        *,
        event_shape,
        num_units=None,
        context_shape=None,
        hidden_units=(32,),
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        self._units = num_units
        super().__init__(
            event_shape=event_shape,
            context_shape=context_shape,
            hidden_units=hidden_units,
            dtype=dtype,
            seed=seed,
            name=name,
        )

    def _initial(self, size, generator):
        units = min(size, 8)
        if self._units is not None:
            units = shapes.positive(self._units, "num_units")
        if units > size:
            raise ValueError(
                f"{self.name}: num_units must be at most the size of the event, {size}, got "
                f"{units!r}."
            )
        self._units = units
        vectors = generator.normal(size=units * size)
        triangles = 0.1 * generator.normal(size=(2, units, units))
        # Slopes start at 1 + 0.1, off the identity, where R and S would have no gradient.
        triangles[0][np.diag_indices(units)] = 0.1
        triangles[1][np.diag_indices(units)] = 1.0
        offsets = generator.normal(size=units)
        return np.concatenate([vectors, triangles.ravel(), offsets])

    def _weights(self, context, training):
        size, units = self.event_shape[0], self._units
        parameters = self._parameters_of(context, training)
        batch = tf.shape(parameters)[:-1]
        vectors, outer, inner, offset = tf.split(
            parameters, [units * size, units * units, units * units, units], axis=-1
        )

        def shaped(flat, *shape):
            return tf.reshape(flat, tf.concat([batch, shape], axis=0))

        columns = reflected(shaped(vectors, units, size), units)
        return columns, *(_triangle(shaped(flat, units, units)) for flat in (outer, inner)), offset

    def _forward_and_log_det(self, x, context, training):
        columns, outer, inner, offset = self._weights(context, training)
        matvec = tf.linalg.matvec
        bend = tf.tanh(matvec(inner, matvec(columns, x, transpose_a=True)) + offset)
        return x + matvec(columns, matvec(outer, bend)), _log_det(bend, outer, inner)

    def _inverse_and_log_det(self, y, context, training):
        columns, outer, inner, offset = self._weights(context, training)
        matvec = tf.linalg.matvec
        target = matvec(columns, y, transpose_a=True)
        points, bends = [None] * self._units, [None] * self._units
        for i in reversed(range(self._units)):
            later = range(i + 1, self._units)
            rest = target[..., i] - sum(outer[..., i, j] * bends[j] for j in later)
            start = offset[..., i] + sum(inner[..., i, j] * points[j] for j in later)
            start = tf.broadcast_to(start, tf.shape(rest))
            points[i], bends[i] = _solve(outer[..., i, i], inner[..., i, i], rest, start)
        bend = tf.stack(bends, axis=-1)
        return y - matvec(columns, matvec(outer, bend)), -_log_det(bend, outer, inner)


def _triangle(matrix):
    """The upper triangle, its diagonal squashed into (-1, 1)."""
    above = tf.linalg.band_part(matrix, 0, -1)
    # Not quite 1, so that no slope rounds to zero.
    return tf.linalg.set_diag(above, 0.999 * tf.tanh(tf.linalg.diag_part(matrix)))


def _solve(outer, inner, rest, start):
    """The ``z`` with ``z + outer tanh(inner z + start) = rest``, and that tanh."""

    def residual(z):
        bend = tf.tanh(inner * z + start)
        return z + outer * bend - rest, 1 + outer * inner * (1 - tf.square(bend))

    reach = tf.broadcast_to(tf.abs(outer) * (1 + 1e-3) + 1e-3, tf.shape(rest))
    z = solve_increasing(residual, rest - reach, rest + reach)
    return z, tf.tanh(inner * z + start)


def _log_det(bend, outer, inner):
    products = tf.linalg.diag_part(outer) * tf.linalg.diag_part(inner)
    return tf.reduce_sum(tf.math.log1p(products * (1 - tf.square(bend))), axis=-1)

"""The distribution of one cell of a row given those that are known, as functions of one number."""

import math
from typing import NamedTuple

import tensorflow as tf

from tfp_flows.bijectors.cell_parts import normal_cdf
from tfp_flows.transformers import RationalQuadraticSpline

_NEVER = 1e-300


class CellDistribution(NamedTuple):
    """The distributions of one column of `Cells` given what is known of ``n`` rows, in float64.

    Attributes:
        shares: ``[n, classes]``, probabilities of the classes; the last is that of the numbers,
            where there are any.
        number: ``""``, ``"line"``, ``"grid"`` or ``"circle"``.
        spline: From a normal variable to numbers, on the circle from a uniform one.
        parameters: ``[n, 1, num_parameters]`` of the spline.
    """

    shares: tf.Tensor
    number: str
    spline: RationalQuadraticSpline | None = None
    parameters: tf.Tensor | None = None

    def below(self, z):
        """Probabilities ``[n, m]`` that a number, if it is one, is at ``z`` ``[n, m]`` or below.

        A circle begins at -pi.
        """
        z = tf.cast(z, tf.float64)
        if self.number != "circle":
            return normal_cdf(self._latent(z))
        turned = tf.math.floormod(self._latent(z) - self._beginning(z), 2 * math.pi)
        share = tf.where(z >= math.pi, tf.ones_like(z), turned / (2 * math.pi))
        return tf.where(z <= -math.pi, tf.zeros_like(z), share)

    def at(self, share):
        """Numbers ``[n, m]`` below which there are the shares ``[n, m]`` of all numbers."""
        share = tf.cast(share, tf.float64)
        if self.number != "circle":
            u = tf.math.ndtri(tf.clip_by_value(share, _NEVER, 1 - 1e-16))
        else:
            u = self._beginning(share) + 2 * math.pi * share
        return self.spline.forward(u, self.parameters)[0]

    def _latent(self, z):
        return self.spline.inverse(z, self.parameters)[0]

    def _beginning(self, like):
        return self._latent(tf.fill(tf.shape(like), tf.constant(-math.pi, tf.float64)))


class Distributions:
    """Mixin of `Cells`: what the network says of one column."""

    def distribution(self, column: int, y, known, context=None) -> CellDistribution:
        """The distribution of one column given the known cells of rows.

        Args:
            column: Its place among those that have a density.
            y: Rows ``[n, columns, 4]``.
            known: ``[n, columns]``, 1 where a cell is conditioned on.
            context: ``[n, given, 4]`` if columns are given.
        """
        hidden = self._hidden(y, known, context)
        number = self._own[column][1]
        logits, parameters = self._head(column, hidden)
        shares = tf.ones([tf.shape(hidden)[0], 1], tf.float64)
        if logits is not None:
            shares = tf.nn.softmax(tf.cast(logits, tf.float64))
        if not number:
            return CellDistribution(shares, number)
        parameters = tf.cast(parameters, tf.float64)[:, None]
        return CellDistribution(shares, number, self._spline(number), parameters)

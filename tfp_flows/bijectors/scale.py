"""Diagonal scaling and the normalisations that are diagonal maps: Scale, ActNorm, Standardize."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.places import over_places
from tfp_flows.errors import remark
from tfp_flows.real import real_array
from tfp_flows.spread import check_precision, column_name, outlying, spread


class Scale(Bijector):
    """``y = exp(log_scale) * x``, a trainable factor for each coordinate.

    Source: the last layer of NICE, Dinh et al. 2014, arXiv:1410.8516, section 3.3.

    Args:
        event_shape: Shape of an event; with ``per_channel`` lengths may be free, None.
        per_channel: Whether one factor serves all places of a channel, the last axis.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.
    """

    free_lengths = True

    def __init__(self, *, event_shape, per_channel=False, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        shape = parameter_shape(self, per_channel)
        self._log_scale = tf.Variable(tf.zeros(shape, self.dtype), name="log_scale")

    def _forward_and_log_det(self, x, context, training):
        return x * tf.exp(self._log_scale), self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        return y * tf.exp(-self._log_scale), -self._log_det(y)

    def _inverse_and_log_det_map(self, y, context, training):
        share = -tf.reduce_sum(self._log_scale, axis=-1)
        return self._inverse_value(y, context, training), over_places(y, share)

    def _log_det(self, value):
        return total_log_scale(self, self._log_scale, value)


class ActNorm(Bijector):
    """``y = shift + exp(log_scale) * x``, initialised so that the latent has mean 0, deviation 1.

    The identity until `adapt` has seen a batch; `FlowModel.fit` calls it before training.

    Source: Glow, Kingma and Dhariwal 2018, arXiv:1807.03039, section 3.1.

    Args:
        event_shape: Shape of an event; with ``per_channel`` lengths may be free, None.
        per_channel: Whether one shift and scale serve all places of a channel, the last axis, as
            in Glow.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.
    """

    free_lengths = True
    _trainable = True

    def __init__(self, *, event_shape, per_channel=False, dtype=tf.float32, name=None):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        self.per_channel = bool(per_channel)
        zeros = tf.zeros(parameter_shape(self, per_channel), self.dtype)
        self._shift = tf.Variable(zeros, trainable=self._trainable, name="shift")
        self._log_scale = tf.Variable(zeros, trainable=self._trainable, name="log_scale")
        self._adapted = tf.Variable(False, trainable=False, name="adapted")

    @property
    def needs_adapt(self):
        """Whether `adapt` was never called."""
        return not bool(self._adapted.numpy())

    def adapt(self, data, context=None):
        """Sets shift and scale to the mean and the standard deviation of a batch.

        Coordinates that are constant in the batch keep scale 1.

        Args:
            data: Outputs of `forward`, ``[n, *event_shape]``, finite.
            context: Ignored.

        Raises:
            ValueError: If the batch is empty, has the wrong shape, holds NaN or infinity, or holds
                numbers whose spread gets lost in the bijector's precision.
        """
        shift, scale = self._measure(data)
        self._shift.assign(tf.cast(shift, self.dtype))
        self._log_scale.assign(tf.cast(np.log(scale), self.dtype))
        self._adapted.assign(True)

    def _measure(self, data):
        return batch_moments(data, self)

    def _forward_and_log_det(self, x, context, training):
        return x * tf.exp(self._log_scale) + self._shift, self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        return (y - self._shift) * tf.exp(-self._log_scale), -self._log_det(y)

    _log_det = Scale._log_det
    _inverse_and_log_det_map = Scale._inverse_and_log_det_map


class Standardize(ActNorm):
    """Fixed standardisation of the data, with its log-det: `ActNorm` that is not trained.

    It warns (`tfp_flows.errors.DataWarning`) where a few rows rule the standard deviation of a
    column; see `RobustStandardize`.
    """

    _trainable = False

    def _measure(self, data):
        remark_on(data, self, "they set its scale; drop them if they are errors")
        return super()._measure(data)


class MinMax(Standardize):
    """Fixed map of the range of the data to [-0.8, 0.8], for bijectors of bounded range."""

    def _measure(self, data):
        remark_on(data, self, "they set its range; drop them if they are errors")
        _, deviation = batch_moments(data, self)
        rows = _rows(data, self).astype(np.float64)
        low, high = rows.min(axis=0), rows.max(axis=0)
        # Constant coordinates count as of deviation 1.
        half = np.where(high > low, (high - low) / 2, deviation)
        return (low + high) / 2, half / 0.8


def parameter_shape(bijector: Bijector, per_channel: bool) -> tuple[int, ...]:
    """The shape of diagonal parameters: that of the event, or of its last axis.

    Raises:
        ValueError: If lengths are free and places are not alike.
    """
    if None in bijector.event_shape and not per_channel:
        raise ValueError(
            f"{bijector.name} has parameters for each place, but events {bijector.event_shape} are "
            "of free length; use per_channel=True."
        )
    return bijector.event_shape[-1:] if per_channel else bijector.event_shape


def total_log_scale(bijector: Bijector, log_scale: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """The log-det of a diagonal map: each parameter counts once for each entry that it serves."""
    batch = shapes.batch_shape_tensor(value, len(bijector.event_shape))
    places = shapes.entries(value, bijector.event_shape) // math.prod(log_scale.shape)
    if tf.is_tensor(places):
        places = tf.cast(places, log_scale.dtype)
    return tf.broadcast_to(places * tf.reduce_sum(log_scale), batch)


def batch_moments(data, bijector: Bijector, *, robust=False) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over the rows of a batch, in float64; constant entries get 1.

    Args:
        data: ``[n, *event_shape]``.
        bijector: Which bijector asks; one that is normalised by channel counts all places of a
            channel, the last axis, as rows.
        robust: Whether a few rows far from all others are left out; see `tfp_flows.spread`.

    Raises:
        ValueError: If the batch is empty, has the wrong shape, holds NaN or infinity, or numbers
            whose spread gets lost in the bijector's precision.
    """
    rows = _rows(data, bijector)
    if not np.can_cast(rows.dtype, bijector.dtype.as_numpy_dtype):
        check_precision(rows, bijector.dtype.as_numpy_dtype, bijector.name)
    measured = spread(rows, robust=robust)
    return measured.centre, measured.scale


def remark_on(data, bijector: Bijector, what: str) -> None:
    """Warns of constant columns, and where a few rows rule a column's standard deviation.

    What follows from the latter is ``what``.
    """
    rows = _rows(data, bijector)
    constant = np.argwhere(spread(rows).constant) if len(rows) > 1 else ()
    if len(constant):
        where = tuple(int(i) for i in constant[0])
        remark(
            f"{bijector.name}: column {column_name(where)} holds one value in every row, which "
            "has no density, so that likelihoods grow without bound; leave it out."
        )
    ratios = outlying(rows)
    if ratios.any():
        index = np.unravel_index(ratios.argmax(), ratios.shape)
        others = np.count_nonzero(ratios) - 1
        remark(
            f"{bijector.name}: column {column_name(index)} holds a few values far from all others "
            f"(its standard deviation is {ratios.max():.3g} times that of its bulk"
            f"{f', and {others} more columns are so' if others else ''}); {what}."
        )


def _rows(data, bijector: Bijector) -> np.ndarray:
    event_shape = bijector.event_shape
    values = real_array(data, bijector.name, booleans=True)
    fits = values.ndim and tf.TensorShape(values.shape[1:]).is_compatible_with(event_shape)
    if not fits or not len(values):
        raise ValueError(
            f"{bijector.name}: adapt needs at least one row of shape {event_shape}, "
            f"got an array of shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{bijector.name}: adapt needs finite data, got NaN or infinite values.")
    return values.reshape(-1, values.shape[-1]) if bijector.per_channel else values

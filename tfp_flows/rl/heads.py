"""The bijectors that policies and critics need beside a recipe's: heads, noise, the box."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows import noise, shapes
from tfp_flows.bijectors import Bijector
from tfp_flows.bijectors.base import is_training
from tfp_flows.networks import MLP
from tfp_flows.transformers import RationalQuadraticSpline

_LOG_2 = math.log(2.0)


class ContextHead(Bijector):
    """``y = shift(c) + exp(log_scale(c)) * s(x; c)`` by coordinate, with all of it of the context.

    ``s`` is the identity, which makes a Gaussian of a normal latent, or a monotone spline with
    linear tails. Everything is one linear map of the context, so a network that embeds the context
    is evaluated once however many latents there are.

    Args:
        event_shape: Size of the event.
        context_shape: Size of the context.
        num_bins: Bins of the spline; 0 for none.
        bound: Where the spline ends and the tails begin, in latents.
        log_scale_bounds: Range of the log-scale, which holds 0.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the range of the log-scale does not hold 0.
    """

    def __init__(
        self,
        *,
        event_shape,
        context_shape,
        num_bins: int = 0,
        bound: float = 4.0,
        log_scale_bounds: tuple[float, float] = (-5.0, 2.0),
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        low, high = map(float, log_scale_bounds)
        if not low < 0 < high:
            raise ValueError(f"log_scale_bounds must lie about 0, got {log_scale_bounds!r}.")
        self._low, self._range = low, high - low
        self._offset = math.log(-low / high)
        self._spline = RationalQuadraticSpline(num_bins=num_bins, bound=bound) if num_bins else None
        self._count = 2 + (self._spline.num_parameters if num_bins else 0)
        self._network = MLP(
            input_size=0,
            output_size=self.event_shape[0] * self._count,
            hidden_units=(),
            context_size=self.context_shape[0],
            dtype=dtype,
            output_scale=0.1,
            seed=seed,
        )

    def parameters_of(self, context) -> tf.Tensor:
        """What a context means, ``[..., D, parameters]``."""
        flat = shapes.flatten_batch(context)
        raw = self._network(None, flat)
        return shapes.unflatten_batch(raw, context, 1, (self.event_shape[0], self._count))

    def moved(self, x, parameters):
        """Values and log-slopes by coordinate.

        Args:
            x: Latents ``[..., D]``.
            parameters: What `parameters_of` returned; broadcasts against the latents.
        """
        shift, log_scale = parameters[..., 0], self._log_scale(parameters[..., 1])
        log_slope = tf.zeros_like(x)
        if self._spline is not None:
            x, log_slope = self._spline.forward(x, parameters[..., 2:])
        return shift + tf.exp(log_scale) * x, log_slope + log_scale

    def unmoved(self, y, parameters):
        """Latents and log-slopes by coordinate, of values ``[..., D]``; see `moved`."""
        log_scale = self._log_scale(parameters[..., 1])
        x, log_slope = (y - parameters[..., 0]) * tf.exp(-log_scale), tf.zeros_like(y)
        if self._spline is not None:
            x, log_slope = self._spline.inverse(x, parameters[..., 2:])
        return x, log_slope - log_scale

    def _log_scale(self, raw):
        return self._low + self._range * tf.sigmoid(raw + self._offset)

    def _forward_and_log_det(self, x, context, training):
        y, log_slope = self.moved(x, self.parameters_of(context))
        return y, tf.reduce_sum(log_slope, axis=-1)

    def _inverse_and_log_det(self, y, context, training):
        x, log_slope = self.unmoved(y, self.parameters_of(context))
        return x, tf.reduce_sum(log_slope, axis=-1)


class Noised(Bijector):
    """``y = x + scale(c) * noise`` in training mode, with normal noise; the identity elsewhere.

    Given its noise it is a shift, so its log-det is 0, and a flow with such layers tells the
    density of its event given the noise: on average above that of the event alone, so that minus
    its mean bounds the entropy from below. Noise comes from `tfp_flows.noise`.

    Args:
        event_shape: Size of the event.
        context_shape: Size of the context.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.
    """

    def __init__(self, *, event_shape, context_shape, dtype=tf.float32, seed=None, name=None):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        self._network = MLP(
            input_size=0,
            output_size=self.event_shape[0],
            hidden_units=(),
            context_size=self.context_shape[0],
            dtype=dtype,
            output_scale=0.1,
            seed=seed,
        )

    def _forward_and_log_det(self, x, context, training):
        zero = tf.zeros_like(x[..., 0])
        if not is_training(training):
            return x, zero
        raw = shapes.unflatten_batch(
            self._network(None, shapes.flatten_batch(context)), context, 1, self.event_shape
        )
        # From exp(-5) to 1, at first exp(-2.5).
        scale = tf.exp(-5 * tf.sigmoid(raw))
        return x + scale * noise.normal(tf.shape(x), x.dtype), zero

    def _inverse_and_log_det(self, y, context, training):
        if is_training(training):
            raise NotImplementedError(f"{self.name} cannot tell which noise led to a value.")
        return y, tf.zeros_like(y[..., 0])


class ActionBox(Bijector):
    """``y = low + (high - low) (1 + tanh x) / 2``: all of space into a box.

    The log-det is computed from ``x`` and so exact however near the bounds ``y`` was rounded.
    ``inverse`` treats values at and beyond the bounds as the nearest representable ones inside, so
    that densities there and their gradients stay finite.

    Args:
        low: Lower bounds, ``[D]``.
        high: Upper bounds, ``[D]``.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If a bound is not finite, or a lower one not below the upper.
    """

    def __init__(self, *, low, high, dtype=tf.float32, name: str | None = None):
        low, high = (np.atleast_1d(np.asarray(each, np.float64)) for each in (low, high))
        if low.shape != high.shape or not (np.isfinite([low, high]).all() and (low < high).all()):
            raise ValueError(f"A box needs finite bounds, lower ones first, got {low} and {high}.")
        super().__init__(event_shape=low.shape, dtype=dtype, name=name)
        kind = self.dtype.as_numpy_dtype
        self._middle = tf.constant((low + high) / 2, self.dtype)
        self._half = tf.constant((high - low) / 2, self.dtype)
        self._low, self._high = tf.constant(low, self.dtype), tf.constant(high, self.dtype)
        self._log_half = tf.constant(np.log((high - low) / 2), self.dtype)
        self._largest = kind(1 - np.finfo(kind).epsneg)

    def _forward_and_log_det(self, x, context, training):
        y = self._middle + self._half * tf.tanh(x)
        return tf.clip_by_value(y, self._low, self._high), self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        share = tf.clip_by_value((y - self._middle) / self._half, -self._largest, self._largest)
        x = tf.atanh(share)
        return x, -self._log_det(x)

    def _log_det(self, x):
        # log(1 - tanh(x)^2) without a difference of near numbers.
        slope = 2 * (_LOG_2 - x - tf.nn.softplus(-2 * x))
        return tf.reduce_sum(self._log_half + slope, axis=-1)

"""Neural transformers: monotone networks of sigmoids."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.numerics import solve_increasing, within_range
from tfp_flows.transformers.base import Transformer

_SPREAD = 1.5
_LARGEST = 1e9  # products of larger parameters leave the range of numbers


class _Sigmoidal(Transformer):
    """Layers of sigmoids whose weights are positive, from a scalar to a scalar.

    `inverse`, from data to latent, evaluates them in logarithms, so that nothing saturates.
    `forward` solves for the data by Newton steps within a bracket that holds exactly: a mean of
    sigmoids lies between its smallest and its largest.
    """

    def _layers(self, parameters):
        """For each layer: slopes, offsets, log-weights of what enters and of what leaves."""
        raise NotImplementedError

    def inverse(self, y, parameters):
        """Evaluates the network."""
        return _evaluate(y, self._layers(parameters))

    def forward(self, x, parameters):
        """Solves for the data."""
        layers = self._layers(parameters)
        lower = upper = x = within_range(x)
        for slopes, offsets, *_ in reversed(layers):
            lower = within_range(tf.reduce_min((lower[..., None] - offsets) / slopes, axis=-1))
            upper = within_range(tf.reduce_max((upper[..., None] - offsets) / slopes, axis=-1))

        def residual(y):
            value, log_slope = _evaluate(y, layers)
            return value - x, tf.exp(log_slope)

        y = solve_increasing(residual, lower, upper)
        return y, -_evaluate(y, layers)[1]


class DeepSigmoidal(_Sigmoidal):
    """``logit(sum_j w_j sigmoid(a_j y + b_j))``, a few times over.

    Parameters of zero give a map near the identity, not the identity itself: units that were all
    alike would stay so.

    Source: Huang et al. 2018, arXiv:1804.00779, section 3.1 (DSF).

    Args:
        num_units: Sigmoids of a layer.
        num_layers: Number of layers.

    Raises:
        ValueError: If an argument is not positive.
    """

    def __init__(self, *, num_units: int = 16, num_layers: int = 2):
        self._units = shapes.positive(num_units, "num_units")
        self._num_layers = shapes.positive(num_layers, "num_layers")
        self.num_parameters = 3 * self._units * self._num_layers

    def _layers(self, parameters):
        layers = []
        for part in tf.split(parameters, self._num_layers, axis=-1):
            slopes, offsets, weights = tf.split(part, 3, axis=-1)
            leaving = tf.nn.log_softmax(weights, axis=-1)[..., None, :]
            layers.append((*_units(slopes, offsets), None, leaving))
        return layers


class DenseSigmoidal(_Sigmoidal):
    """A dense network of sigmoids: each layer mixes all units of the one before.

    Near the identity at zero, as `DeepSigmoidal`.

    Source: Huang et al. 2018, arXiv:1804.00779, section 3.2 (DDSF).

    Args:
        num_units: Units of each layer.
        num_layers: Number of layers.

    Raises:
        ValueError: If an argument is not positive.
    """

    def __init__(self, *, num_units: int = 8, num_layers: int = 2):
        self._units = shapes.positive(num_units, "num_units")
        self._num_layers = shapes.positive(num_layers, "num_layers")
        self.num_parameters = sum(sum(sizes) for sizes in self._sizes())

    def _sizes(self):
        """Parameters of each layer: slopes, offsets, weights of what enters, of what leaves."""
        units, last = self._units, self._num_layers - 1
        return [
            (units, units, units * units if k else 0, units * units if k < last else units)
            for k in range(self._num_layers)
        ]

    def _layers(self, parameters):
        layers, units = [], self._units
        sizes = self._sizes()
        for part, size in zip(
            tf.split(parameters, [sum(size) for size in sizes], axis=-1), sizes, strict=True
        ):
            slopes, offsets, entering, leaving = tf.split(part, size, axis=-1)
            entering = _log_rows(entering, units, units) if size[2] else None
            leaving = _log_rows(leaving, size[3] // units, units)
            layers.append((*_units(slopes, offsets), entering, leaving))
        return layers


def _units(slopes, offsets):
    slopes, offsets = (tf.clip_by_value(p, -_LARGEST, _LARGEST) for p in (slopes, offsets))
    # At zero, slopes of 1, and offsets spread so that no two units are alike.
    spread = np.linspace(-_SPREAD, _SPREAD, offsets.shape[-1])
    slopes = tf.nn.softplus(slopes + np.log(np.expm1(1.0)).astype(slopes.dtype.as_numpy_dtype))
    slopes += tf.constant(1e-3, slopes.dtype)
    return slopes, offsets + tf.constant(spread, offsets.dtype)


def _log_rows(raw, rows, columns):
    shape = tf.concat([tf.shape(raw)[:-1], [rows, columns]], axis=0)
    return tf.nn.log_softmax(tf.reshape(raw, shape), axis=-1)


def _evaluate(y, layers):
    """Values and log-slopes."""
    # Units of the layer before, and the logarithms of their slopes by y.
    values, log_slopes = y[..., None], tf.zeros_like(y)[..., None]
    for slopes, offsets, entering, leaving in layers:
        if entering is not None:
            log_slopes = tf.reduce_logsumexp(entering + log_slopes[..., None, :], axis=-1)
            values = tf.reduce_sum(tf.exp(entering) * values[..., None, :], axis=-1)
        z = slopes * within_range(values) + offsets
        log_slopes += tf.math.log(slopes)
        on, off = -tf.nn.softplus(-z), -tf.nn.softplus(z)
        log_p = tf.reduce_logsumexp(leaving + on[..., None, :], axis=-1)
        log_rest = tf.reduce_logsumexp(leaving + off[..., None, :], axis=-1)
        inner = leaving + (on + off + log_slopes)[..., None, :]
        log_slopes = tf.reduce_logsumexp(inner, axis=-1) - log_p - log_rest
        values = log_p - log_rest
    return values[..., 0], log_slopes[..., 0]

"""Block neural autoregressive flow: one masked network that is monotone in each coordinate."""

import itertools

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import context_size, unflattened, vector_size
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.numerics import solve_increasing


class _Layer(tf.Module):
    """A linear layer of blocks: positive on the diagonal, free below it, zero above.

    Rows are normalised and scaled, as in weight normalisation.

    Args:
        size: Number of blocks ``D``.
        inputs: Columns of a block.
        outputs: Rows of a block.
        contexts: Size of the context that is added; 0 for none.
        generator: Source of the initial weights.
        dtype: Of the weights.
        name: Name of the module.
    """

    def __init__(self, size, inputs, outputs, contexts, generator, dtype, name):
        super().__init__(name=name)
        self._shape = size, outputs, inputs
        rows, columns = size * outputs, size * inputs
        raw = uniform(generator, [rows, columns], columns)
        of_row, of_column = np.arange(rows) // outputs, np.arange(columns) // inputs
        self._on = (of_row[:, None] == of_column).astype(np.float64)
        self._below = (of_row[:, None] > of_column).astype(np.float64)
        self._raw = tf.Variable(tf.cast(raw, dtype), name="raw")
        self._gains = tf.Variable(tf.zeros([rows], dtype), name="log_gains")
        self._offsets = tf.Variable(
            tf.cast(uniform(generator, [rows], columns), dtype), name="offsets"
        )
        self._context = None
        if contexts:
            kernel = uniform(generator, [contexts, rows], contexts)
            self._context = tf.Variable(tf.cast(kernel, dtype), name="context")

    def weights(self):
        """The matrix ``[D outputs, D inputs]`` and the logarithms of its diagonal blocks."""
        on, below = (tf.constant(mask, self._raw.dtype) for mask in (self._on, self._below))
        free = on * tf.exp(on * self._raw) + below * self._raw
        log_norm = 0.5 * tf.math.log(tf.reduce_sum(tf.square(free), axis=1))
        log_scale = (self._gains - log_norm)[:, None]
        size, outputs, inputs = self._shape
        blocks = tf.reshape(self._raw + log_scale, [size, outputs, size, inputs])
        diagonal = tf.einsum("dodi->doi", blocks)
        return tf.exp(log_scale) * free, diagonal

    def offsets(self, context):
        """What is added, ``[D outputs]``, or ``[n, D outputs]`` with a context."""
        if context is None:
            return self._offsets
        return self._offsets + tf.matmul(context, self._context)


class BlockNeuralAutoregressive(Bijector):
    """A masked network of tanh units, monotone in each coordinate, mixed with the identity.

    The density of data costs one pass. Sampling searches one coordinate after the other, each
    with tens of passes: small dimensions only. Context enters every layer.

    Source: De Cao et al. 2019, arXiv:1904.04676.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        hidden_units: Units for each coordinate, one number for each hidden layer.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or there is no hidden layer.
    """

    def __init__(
        self,
        *,
        event_shape,
        context_shape=None,
        hidden_units=(8, 8),
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        size, contexts = vector_size(self), context_size(self)
        widths = [1, *shapes.as_shape(hidden_units, "hidden_units"), 1]
        if len(widths) < 3:
            raise ValueError(
                f"{self.name} needs a hidden layer, got hidden_units={hidden_units!r}."
            )
        generator = new_generator(seed)
        self._layers = [
            _Layer(size, one, other, contexts, generator, self.dtype, f"layer_{k}")
            for k, (one, other) in enumerate(itertools.pairwise(widths))
        ]
        self._gate = tf.Variable(tf.zeros([size], self.dtype), name="gate")

    def _inverse_and_log_det(self, y, context, training):
        flat, weights = self._flat(y, context)
        x, log_slopes = self._evaluate(flat, weights)
        return unflattened(self, y, x, tf.reduce_sum(log_slopes, axis=-1))

    def _forward_and_log_det(self, x, context, training):
        flat, weights = self._flat(x, context)

        def step(d, y):
            return d + 1, self._solve_one(d, y, flat, weights)

        size = self.event_shape[0]
        _, y = tf.while_loop(
            lambda *_: True, step, (tf.constant(0), tf.zeros_like(flat)), maximum_iterations=size
        )
        log_slopes = self._evaluate(y, weights)[1]
        return unflattened(self, x, y, -tf.reduce_sum(log_slopes, axis=-1))

    def _solve_one(self, d, y, target, weights):
        """Sets coordinate ``d`` to what gives the target, given those before it."""
        here = tf.one_hot(d, self.event_shape[0], dtype=y.dtype)
        share, rest, reach = weights[-1]

        def pick(values):
            return tf.reduce_sum(values * here, axis=-1)

        def residual(value):
            x, log_slopes = self._evaluate(y + value[:, None] * here, weights)
            return pick(x - target), tf.exp(pick(log_slopes))

        # The network is bounded by the last layer's weights, and the identity has its share.
        rest = pick(rest)
        bound = pick(tf.broadcast_to(share * reach, tf.shape(target)))
        value = solve_increasing(
            residual, (pick(target) - bound) / rest, (pick(target) + bound) / rest
        )
        return y + value[:, None] * here

    def _flat(self, value, context):
        """A batch of one axis; matrices, log-blocks and offsets of each layer; gate and bound."""
        context = None if context is None else shapes.flatten_batch(context)
        layers = [(*layer.weights(), layer.offsets(context)) for layer in self._layers]
        # Both from the gate: 1 - share would round to zero.
        share, rest = tf.sigmoid(self._gate), tf.sigmoid(-self._gate)
        matrix, _, offsets = layers[-1]
        reach = tf.reduce_sum(tf.abs(matrix), axis=1) + tf.abs(offsets) + 1e-3
        return shapes.flatten_batch(value), [*layers, (share, rest, reach)]

    def _evaluate(self, y, weights):
        """Values, and log-slopes of each by its own coordinate, both ``[n, D]``."""
        *layers, (share, rest, _) = weights
        size, hidden = self.event_shape[0], y
        # Logarithms of the slopes of each coordinate's units, [n, D, units].
        log_slopes = tf.zeros_like(y)[..., None]
        for k, (matrix, diagonal, offsets) in enumerate(layers):
            hidden = tf.matmul(hidden, matrix, transpose_b=True) + offsets
            log_slopes = tf.reduce_logsumexp(diagonal + log_slopes[:, :, None, :], axis=-1)
            if k + 1 < len(layers):
                own = tf.reshape(hidden, [-1, size, diagonal.shape[1]])
                # log(1 - tanh^2), without the cancellation.
                log_slopes += 2 * (np.log(2.0) - own - tf.nn.softplus(-2 * own))
                hidden = tf.tanh(hidden)
        log_slopes = log_slopes[..., 0]
        value = share * hidden + rest * y
        log_share, log_rest = tf.math.log_sigmoid(self._gate), tf.math.log_sigmoid(-self._gate)
        both = tf.stack([log_share + log_slopes, tf.zeros_like(y) + log_rest], axis=0)
        return value, tf.reduce_logsumexp(both, axis=0)

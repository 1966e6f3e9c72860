"""Residual flow: a residual block that is invertible because it is a contraction."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector, is_training
from tfp_flows.bijectors.vectors import context_size, unflattened, vector_size
from tfp_flows.checks import checked
from tfp_flows.errors import unknown_name
from tfp_flows.networks.lipschitz import LipschitzMLP
from tfp_flows.noise import uniform

_LOG_DETS = ("auto", "exact", "roulette")
# Above this, a random number of terms costs training less than the whole Jacobian.
_MOST_EXACT = 4
_SURE_TERMS = 8
_GO_ON = 0.5


class Residual(Bijector):
    """``x = y + g(y)`` from data to latent, with ``g`` of Lipschitz constant below 1.

    Every entry depends on every other. The log-det is exact, from the Jacobian, except that in
    training it may be estimated without bias by a power series that is cut off at random, with
    the gradient of the whole series; evaluation is always exact. The way to the data iterates
    ``y = x - g(y)`` until nothing moves, with the gradients of the implicit function.

    Source: Chen et al. 2019, arXiv:1906.02735; Behrmann et al. 2019, arXiv:1811.00995.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        hidden_units: Hidden layers of ``g``.
        lipschitz: Bound on the Lipschitz constant of ``g``, in (0, 1).
        log_det: ``"exact"``, or ``"roulette"`` in training; ``"auto"`` estimates in training from
            five dimensions on.
        tolerance: Of the iteration, relative to ``1 + |x| + |y|``; four units of rounding by
            default.
        max_iterations: Most iterations.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector or an argument is out of range.
        tf.errors.InvalidArgumentError: When used, if the iteration has not come to rest. In a
            program compiled by XLA, which cannot raise, the results are not a number instead;
            `FlowModel` then raises this error.
    """

    checks_results = True

    def __init__(
        self,
        *,
        event_shape,
        context_shape=None,
        hidden_units=(64, 64),
        lipschitz=0.97,
        log_det="auto",
        tolerance=None,
        max_iterations=2000,
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        if log_det not in _LOG_DETS:
            raise unknown_name("log_det", log_det, _LOG_DETS)
        if tolerance is not None and not tolerance > 0:
            raise ValueError(f"{self.name}: tolerance must be positive, got {tolerance!r}.")
        size = vector_size(self)
        self._network = LipschitzMLP(
            input_size=size,
            output_size=size,
            hidden_units=hidden_units,
            context_size=context_size(self),
            lipschitz=lipschitz,
            dtype=self.dtype,
            seed=seed,
        )
        self._log_det = log_det
        epsilon = float(np.finfo(self.dtype.as_numpy_dtype).eps)
        self._tolerance = 4 * epsilon if tolerance is None else float(tolerance)
        self._max_iterations = shapes.positive(max_iterations, "max_iterations")

    def _inverse_and_log_det(self, y, context, training):
        function, flat = self._function(context), shapes.flatten_batch(y)
        x = flat + function(flat)
        estimated = self._log_det == "roulette" or (
            self._log_det == "auto" and self.event_shape[0] > _MOST_EXACT
        )
        log_det = (_roulette if is_training(training) and estimated else _exact)(function, flat)
        return unflattened(self, y, x, log_det)

    def _inverse_value(self, y, context, training):
        flat = shapes.flatten_batch(y)
        x = flat + self._function(context)(flat)
        return shapes.unflatten_batch(x, y, 1, self.event_shape)

    def _forward_value(self, x, context, training):
        y = self._solve(self._function(context), shapes.flatten_batch(x))
        return shapes.unflatten_batch(y, x, 1, self.event_shape)

    def _forward_and_log_det(self, x, context, training):
        function, flat = self._function(context), shapes.flatten_batch(x)
        y = self._solve(function, flat)
        return unflattened(self, x, y, -_exact(function, y))

    def _function(self, context):
        """``g`` of points ``[copies n, D]``, copies of the batch one after the other."""
        weights = self._network.weights()
        context = None if context is None else shapes.flatten_batch(context)

        def function(y, copies=1):
            own = context
            if context is not None and copies > 1:
                own = tf.tile(context, [copies, 1])
            return self._network(y, own, weights)

        return function

    def _solve(self, function, x):
        """The fixed point ``y = x - g(y)``, with its derivatives."""
        start = self._rest(lambda y: x - function(y), x, tf.stop_gradient(x), "inverse")
        solution = []

        @tf.custom_gradient
        def attach(value):
            def gradient(upstream):
                pulled = _pullback(function, solution[0])
                # A linear equation: its tolerance must not depend on the scale of the loss.
                largest = tf.reduce_max(tf.abs(upstream), axis=-1, keepdims=True)
                scale = tf.where(largest > 0, largest, tf.ones_like(largest))
                unit = upstream / scale
                return scale * self._rest(
                    lambda current: unit - pulled(current), unit, unit, "gradient"
                )

            return tf.identity(value), gradient

        # One pass from the solution carries the derivatives by all that g closes over.
        solution.append(attach(x - function(tf.stop_gradient(start))))
        return solution[0]

    def _rest(self, step, like, start, what):
        def go_on(i, value, moving):
            return moving & (i < self._max_iterations)

        def advance(i, value, _):
            new = step(value)
            resolution = self._tolerance * (1 + tf.abs(like) + tf.abs(value))
            moved = tf.abs(new - value) > resolution
            return i + 1, new, tf.reduce_any(moved)

        steps, value, moving = tf.while_loop(
            go_on, advance, (tf.constant(0), start, tf.constant(True))
        )
        problem = (
            f"{self.name}: the iteration of its {what} has not come to rest at tolerance "
            f"{self._tolerance:g}; raise it, or max_iterations."
        )
        return checked([value], ~moving, problem, steps)[0]


def _pullback(function, y, copies=1):
    """A function that multiplies vectors ``[n, D]`` by the Jacobian of ``g`` from the left."""

    def pull(vector):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(y)
            result = function(y, copies)
        return tape.gradient(result, y, vector, tf.UnconnectedGradients.ZERO)

    return pull


def _exact(function, y):
    """``log det(I + J)`` from the whole Jacobian; one copy of the batch for each of its rows."""
    size = y.shape[-1]
    seeds = tf.repeat(tf.eye(size, dtype=y.dtype), tf.shape(y)[0], axis=0)
    rows = _pullback(function, tf.tile(y, [size, 1]), size)(seeds)
    rows = tf.unstack(tf.reshape(rows, [size, -1, size]))
    jacobian = tf.stack(rows, axis=1) + tf.eye(size, dtype=y.dtype)
    # By elimination, which XLA compiles. It needs no pivots: as J is a contraction, all leading
    # minors of I + J are positive.
    log_det = tf.math.log(jacobian[:, 0, 0])
    for _ in range(size - 1):
        pivot, row = jacobian[:, :1, :1], jacobian[:, :1, 1:]
        jacobian = jacobian[:, 1:, 1:] - jacobian[:, 1:, :1] * row / pivot
        log_det += tf.math.log(jacobian[:, 0, 0])
    return log_det


def _roulette(function, y):
    """An unbiased estimate of ``log det(I + J)`` with an unbiased gradient.

    Chen et al. 2019, equations 6 and 8: powers of ``J`` up to a random one, weighed by how
    likely that is to be reached.
    """
    noise = tf.where(uniform(tf.shape(y)) < 0.5, -tf.ones_like(y), tf.ones_like(y))
    luck = tf.math.log(uniform([], np.finfo(np.float32).tiny, 1.0))
    terms = _SURE_TERMS + tf.cast(luck / np.log(_GO_ON), tf.int32)
    pull = _pullback(function, tf.stop_gradient(y))

    def term(k, power, total, mixed):
        power = -pull(power)
        reached = tf.cast(_GO_ON, y.dtype) ** tf.cast(tf.maximum(k - _SURE_TERMS, 0), y.dtype)
        along = tf.reduce_sum(power * noise, axis=-1)
        return (
            k + 1,
            power,
            total - along / (reached * tf.cast(k, y.dtype)),
            mixed + power / reached,
        )

    _, _, total, mixed = tf.while_loop(
        lambda k, *_: k <= terms, term, (tf.constant(1), noise, tf.zeros_like(y[:, 0]), noise)
    )
    # Its derivatives are those of the series' sum, by the points and by the weights.
    along = tf.reduce_sum(_pullback(function, y)(tf.stop_gradient(mixed)) * noise, axis=-1)
    return tf.stop_gradient(total - along) + along

"""Ordinary differential equations, solved in one loop, with gradients by the adjoint equation.

`tfp.math.ode` is not used: it interpolates at each step, keeps the error of the weights' gradients
as small as that of the state, and says in a compiled program nothing when it runs out of steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

# Dormand and Prince 1980: nodes, stages, and the weights of the error.
_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (
    71 / 57600,
    0.0,
    -71 / 16695,
    71 / 1920,
    -17253 / 339200,
    22 / 525,
    -1 / 40,
)
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0


class Solution(NamedTuple):
    """What an integration ends with.

    Args:
        state: The state at the end, a list of tensors.
        evaluations: How often the field was evaluated, a scalar integer.
        finished: Whether the end was reached within the allowed steps, a scalar boolean.
    """

    state: list[tf.Tensor]
    evaluations: tf.Tensor
    finished: tf.Tensor


def adaptive(
    field: Callable,
    state: list[tf.Tensor],
    start: float,
    stop: float,
    *,
    rtol: float,
    atol: float,
    max_steps: int,
    controlled: int | None = None,
) -> Solution:
    """Integrates ``d state / dt = field(t, state)`` with steps that keep to a tolerance.

    The fifth-order method of Dormand and Prince 1980, in either direction of time. A step is
    taken if the root mean square of its error, relative to ``atol + rtol |state|``, is at most 1.
    Not differentiable.

    Args:
        field: Maps a scalar time and a list of tensors to their derivatives.
        state: The state at the start, a list of tensors.
        start: Time of the start.
        stop: Time of the end, before or after it.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        max_steps: Most steps, those that are not taken included.
        controlled: How many of the tensors the tolerance is about, from the first on; all by
            default. What nothing else depends on need not be (Kidger et al. 2021,
            arXiv:2009.09457).
    """
    dtype = state[0].dtype
    count = len(state) if controlled is None else controlled
    begin, end = tf.constant(start, dtype), tf.constant(stop, dtype)

    def size(errors, before, after):
        total = entries = tf.zeros([], dtype)
        for error, one, other in zip(errors, before, after, strict=False):
            scale = atol + rtol * tf.maximum(tf.abs(one), tf.abs(other))
            total += tf.reduce_sum(tf.square(error / scale))
            entries += tf.cast(tf.size(error), dtype)
        return tf.sqrt(total / tf.maximum(entries, 1))

    def moved(state, step, slopes, weights):
        return [
            value + step * sum(w * slope[i] for w, slope in zip(weights, slopes, strict=True) if w)
            for i, value in enumerate(state)
        ]

    def unfinished(steps, time, *_):
        return (steps < max_steps) & tf.not_equal(time, end)

    def advance(steps, time, step, state, first):
        last = tf.abs(step) >= tf.abs(end - time)
        step = tf.where(last, end - time, step)
        slopes = [first]
        for node, weights in zip(_NODES[1:], _STAGES, strict=True):
            place = moved(state, step, slopes, weights)
            slopes.append(field(time + node * step, place))
        # The sixth stage is where the step leads.
        errors = [
            step * sum(w * slope[i] for w, slope in zip(_ERROR, slopes, strict=True) if w)
            for i in range(count)
        ]
        error = size(errors, state[:count], place[:count])
        taken = error <= 1
        factor = _SAFETY * tf.pow(tf.maximum(error, 1e-10), -0.2)
        factor = tf.clip_by_value(factor, _SHRINK, _GROW)
        # A field that is not finite there asks for a shorter step.
        factor = tf.where(tf.math.is_finite(error), factor, _SHRINK)
        time = tf.where(taken, tf.where(last, end, time + step), time)
        state = [tf.where(taken, new, old) for new, old in zip(place, state, strict=True)]
        first = [tf.where(taken, new, old) for new, old in zip(slopes[-1], first, strict=True)]
        return steps + 1, time, step * factor, state, first

    first = field(begin, state)
    zeros = [tf.zeros_like(value) for value in state[:count]]
    speed = size(first[:count], state[:count], zeros)
    length = size(state[:count], state[:count], zeros)
    step = tf.minimum(0.01 * (length + 1e-3) / (speed + 1e-6), tf.abs(end - begin))
    step = tf.sign(end - begin) * step
    steps, time, _, state, _ = tf.while_loop(
        unfinished, advance, (tf.constant(0), begin, step, list(state), first)
    )
    return Solution(state, 1 + 6 * steps, tf.equal(time, end))


def fixed(
    field: Callable,
    x: tf.Tensor,
    constants: list[tf.Tensor],
    start,
    stop,
    integrals: int,
    *,
    check: Callable,
    num_steps: int,
) -> tuple[tf.Tensor, list[tf.Tensor], Solution]:
    """Integrates with equal steps of the classical fourth-order method of Runge and Kutta.

    The gradient is that of the steps. It keeps the state before each, and takes the steps again on
    its way back. Arguments and results as in `with_adjoint`.
    """
    dtype = x.dtype
    begin = tf.constant(start, dtype)
    step = tf.constant((stop - start) / num_steps, dtype)

    def advance(i, x, constants):
        """The next state, and what a step adds to the integrals."""
        time = begin + step * tf.cast(i, dtype)
        k1, sums1 = field(time, x, constants)
        k2, sums2 = field(time + step / 2, x + step / 2 * k1, constants)
        k3, sums3 = field(time + step / 2, x + step / 2 * k2, constants)
        k4, sums4 = field(time + step, x + step * k3, constants)

        def weighted(one, two, three, four):
            return step / 6 * (one + 2 * two + 2 * three + four)

        parts = zip(sums1, sums2, sums3, sums4, strict=True)
        return x + weighted(k1, k2, k3, k4), [weighted(*part) for part in parts]

    @tf.custom_gradient
    def solve(x, *constants):
        def forwards(i, x, sums, path):
            after, more = advance(i, x, constants)
            sums = [one + other for one, other in zip(sums, more, strict=True)]
            return i + 1, after, sums, path.write(i, x)

        path = tf.TensorArray(dtype, num_steps, element_shape=x.shape, clear_after_read=False)
        zeros = [tf.zeros_like(x[:, 0])] * integrals
        _, end, sums, path = tf.while_loop(
            lambda *_: True,
            forwards,
            (tf.constant(0), x, zeros, path),
            maximum_iterations=num_steps,
        )

        def gradient(of_x, *of_integrals, variables=()):
            def backwards(i, of_x, totals):
                place = path.read(i)
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    watched = [place, *constants, *variables]
                    tape.watch(watched)
                    after, more = advance(i, place, constants)
                    total = tf.reduce_sum(after * of_x)
                    for weight, part in zip(of_integrals, more, strict=True):
                        total += tf.reduce_sum(weight * part)
                of_x, *pulled = tape.gradient(
                    total, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )
                return i - 1, of_x, [one + two for one, two in zip(totals, pulled, strict=True)]

            zeros = [tf.zeros_like(value) for value in (*constants, *variables)]
            _, of_x, totals = tf.while_loop(
                lambda *_: True,
                backwards,
                (tf.constant(num_steps - 1), of_x, zeros),
                maximum_iterations=num_steps,
            )
            of_constants = [of_x, *totals[: len(constants)]]
            of_variables = totals[len(constants) :]
            return (of_constants, of_variables) if variables else of_constants

        return (end, *sums), gradient

    end, *sums = solve(x, *constants)
    finite = tf.reduce_all(tf.math.is_finite(end))
    solution = Solution([end], tf.constant(4 * num_steps), finite)
    end, *sums = check([end, *sums], solution)
    return end, sums, solution


def with_adjoint(
    field: Callable,
    x: tf.Tensor,
    constants: list[tf.Tensor],
    start,
    stop,
    integrals: int,
    *,
    check: Callable,
    **options,
) -> tuple[tf.Tensor, list[tf.Tensor], Solution]:
    """Integrates a state and what is summed up along its way, with gradients by the adjoint.

    The gradient integrates backwards and stores no steps. The tolerances are those of the adjoint
    too, ``atol`` in units of the loss.

    Source: Chen et al. 2018, arXiv:1806.07366, section 2.

    Args:
        field: Maps a scalar time, ``x`` ``[n, D]`` and the constants to the derivative of ``x`` and
            a list of integrands ``[n]``.
        x: The state at the start.
        constants: Tensors that the field depends on; variables are found by themselves.
        start: Time of the start.
        stop: Time of the end.
        integrals: Number of integrands.
        check: Maps tensors and the `Solution` they come from to the tensors, or raises; it judges
            the way back of the gradient too.
        **options: Of `adaptive`.

    Returns:
        The state at the end, the integrals ``[n]``, and the solution, for its measures.
    """
    measures = []

    @tf.custom_gradient
    def solve(x, *constants):
        def forwards(time, state):
            slope, integrands = field(time, state[0], constants)
            return [slope, *integrands]

        zero = tf.zeros_like(x[:, 0])
        solution = adaptive(forwards, [x] + [zero] * integrals, start, stop, **options)
        measures.append(solution)
        values = check(solution.state, solution)
        end = values[0]

        def gradient(of_x, *of_integrals, variables=()):
            def backwards(time, state):
                place, adjoint = state[:2]
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    watched = [place, *constants, *variables]
                    tape.watch(watched)
                    slope, integrands = field(time, place, constants)
                    total = tf.reduce_sum(slope * adjoint)
                    for weight, integrand in zip(of_integrals, integrands, strict=True):
                        total += tf.reduce_sum(weight * integrand)
                pulled = tape.gradient(
                    total, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )
                return [slope, *(-value for value in pulled)]

            zeros = [tf.zeros_like(value) for value in (*constants, *variables)]
            way = adaptive(backwards, [end, of_x, *zeros], stop, start, controlled=2, **options)
            back = check(way.state[1:], way)
            of_constants = back[: 1 + len(constants)]
            of_variables = list(back[1 + len(constants) :])
            return (of_constants, of_variables) if variables else of_constants

        return tuple(values), gradient

    end, *sums = solve(x, *constants)
    return end, sums, measures[0]

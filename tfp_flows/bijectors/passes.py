"""Autoregressive maps in their slow direction, for networks that cannot be laid open.

Both solvers evaluate the whole network again and again. Pass ``i`` gets the ``i`` coordinates of
lowest degree right, so that ``D`` passes are exact; `by_fixed_point` stops before that when
nothing moves any more.
"""

from collections.abc import Callable

import tensorflow as tf


def one_by_one(evaluate: Callable, like: tf.Tensor, passes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Iterates ``y, log_slopes = evaluate(y)`` as often as there are dimensions.

    The last pass sees every coordinate that its parameters depend on, so its slopes are those of
    the result. Gradients go through all passes.

    Args:
        evaluate: Maps ``[..., D]`` to values and log-slopes of that shape.
        like: A tensor of the shape and dtype of ``y``.
        passes: ``D``.
    """
    start = (tf.zeros_like(like), tf.zeros_like(like))
    return tf.while_loop(
        lambda *_: True, lambda y, _: evaluate(y), start, maximum_iterations=passes
    )


def by_fixed_point(
    evaluate: Callable, like: tf.Tensor, passes: int, tolerance: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Iterates until no coordinate moves by more than ``tolerance``, relative to ``1 + |y|``.

    Gradients are those of the implicit function, found by the same iteration on its adjoint, in
    memory that does not grow with the number of passes.

    Source: Song et al. 2021, arXiv:2002.03629, section 3 (Jacobi iteration).

    Args:
        evaluate: Maps ``[..., D]`` to values and log-slopes of that shape.
        like: A tensor of the shape and dtype of ``y``.
        passes: ``D``, after which the iteration is exact.
        tolerance: When to stop.
    """
    start = _iterate(lambda y: evaluate(y)[0], like, passes, tolerance)
    solution = []

    @tf.custom_gradient
    def attach(value):
        def gradient(upstream):
            y = solution[0]

            def adjoint(current):
                with tf.GradientTape() as tape:
                    tape.watch(y)
                    result = evaluate(y)[0]
                unconnected = tf.UnconnectedGradients.ZERO
                return upstream + tape.gradient(result, y, current, unconnected)

            return _iterate(adjoint, upstream, passes, tolerance)

        return tf.identity(value), gradient

    # One pass from the solution carries the derivatives by all that `evaluate` closes over.
    solution.append(attach(evaluate(tf.stop_gradient(start))[0]))
    return solution[0], evaluate(solution[0])[1]


def _iterate(function, like, passes, tolerance):
    def step(y, _):
        result = function(y)
        return result, tf.reduce_any(tf.abs(result - y) > tolerance * (1 + tf.abs(y)))

    return tf.while_loop(
        lambda _, moving: moving,
        step,
        (tf.zeros_like(like), tf.constant(True)),
        maximum_iterations=passes,
    )[0]

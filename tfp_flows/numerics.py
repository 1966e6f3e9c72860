"""Numerical helpers that keep values and gradients finite."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

INPUT_BOUND = 16.0
"""What default conditioners see of entries, of size 1 but for outliers, is squashed below this."""

_FLAT = 1e-15  # the square of such a slope is still within the range of float32


def positive_bound(value: float | None, name: str) -> float | None:
    """Checks a bound; None stands for no bound.

    Raises:
        ValueError: If the bound is not positive.
    """
    if value is None:
        return None
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value!r}.")
    return float(value)


def bounded(raw: tf.Tensor, bound: float) -> tf.Tensor:
    """Squashes ``raw`` smoothly into ``(-bound, bound)``, with slope 1 at zero."""
    return bound * tf.tanh(raw / bound)


def within_range(x: tf.Tensor) -> tf.Tensor:
    """Clips ``x`` so far inside of its dtype's range that slopes and sums do not overflow.

    What lies beyond, 3e26 in float32, has a density of zero all the same.
    """
    x = tf.convert_to_tensor(x)
    far = 1e-12 * x.dtype.max
    return tf.clip_by_value(x, tf.cast(-far, x.dtype), tf.cast(far, x.dtype))


def narrowed(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Casts the input of a layer, bounded so that no value of the dtype overflows.

    In ``float16`` the bound is the root of the largest number, 256: products with weights, and
    sums of many, then stay finite however large the outputs of an unbounded activation are.
    """
    if dtype == tf.float16:
        x = tf.clip_by_value(x, tf.cast(-256, x.dtype), tf.cast(256, x.dtype))
    return tf.saturate_cast(x, dtype)


def safe_norm(vector: tf.Tensor) -> tf.Tensor:
    """Euclidean norm over the last axis, kept as size 1, with gradient 0 at the origin."""
    largest = tf.reduce_max(tf.abs(vector), axis=-1, keepdims=True)
    # Divided by the largest entry first, so that squares neither overflow nor vanish.
    unit = tf.stop_gradient(tf.where(largest > 0, largest, tf.ones_like(largest)))
    square = tf.reduce_sum(tf.square(vector / unit), axis=-1, keepdims=True)
    positive = square > 0
    root = tf.sqrt(tf.where(positive, square, tf.ones_like(square)))
    return unit * tf.where(positive, root, tf.zeros_like(root))


def permute(
    x: tf.Tensor, permutation: np.ndarray, inverse: np.ndarray, axis: int = -1
) -> tf.Tensor:
    """Reorders an axis: ``y[..., i] = x[..., permutation[i]]``.

    The gradient is a gather with ``inverse``, where TensorFlow's own would scatter.
    """
    identity = np.arange(len(permutation))
    if np.array_equal(permutation, identity):
        return x
    if np.array_equal(permutation, identity[::-1]):
        return tf.reverse(x, [axis])

    @tf.custom_gradient
    def gather(value):
        def gradient(upstream):
            return permute(upstream, inverse, permutation, axis)

        return tf.gather(value, permutation, axis=axis), gradient

    return gather(x)


def solve_increasing(
    function: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
    lower: tf.Tensor,
    upper: tf.Tensor,
    max_iterations: int = 200,
) -> tf.Tensor:
    """Solves ``f(x) = 0`` elementwise for an increasing ``f`` with a root in a bracket.

    Newton steps, replaced by bisection where they leave the bracket, find the root without
    gradients. Two more Newton steps, taken with gradients, attach the derivatives of the
    implicit function: exact for the first three orders.

    Args:
        function: Maps ``x`` to ``(f(x), f'(x))``, with ``f' > 0``.
        lower: Points with ``f(lower) <= 0``.
        upper: Points with ``f(upper) >= 0``, of the same shape.
        max_iterations: Bound on the number of steps of the search.

    Returns:
        The roots, of the shape of ``lower``, to machine precision.
    """
    lower, upper = tf.stop_gradient(lower), tf.stop_gradient(upper)
    epsilon = np.finfo(lower.dtype.as_numpy_dtype).eps
    zero = tf.zeros_like(lower)

    def unsettled(x, low, high, moved):
        resolution = 2 * epsilon * (1 + tf.abs(x))
        return (moved > resolution) & (high - low > resolution)

    def unfinished(step, x, low, high, moved):
        del step
        return tf.reduce_any(unsettled(x, low, high, moved))

    def refine(step, x, low, high, moved):
        value, slope = function(x)
        low = tf.where(value < 0, x, low)
        high = tf.where(value > 0, x, high)
        newton = x - value / slope
        # Steps that do not shrink cycle between flat ends: there the bracket is halved.
        good = (newton >= low) & (newton <= high) & (2 * tf.abs(newton - x) <= moved)
        following = tf.where(good, newton, (low + high) / 2)
        # What has settled stays: rounding alone would send it back to bisection.
        keep = tf.equal(value, zero) | ~unsettled(x, low, high, moved)
        following = tf.where(keep, x, following)
        return step + 1, following, low, high, tf.abs(following - x)

    _, root, _, _, _ = tf.while_loop(
        unfinished,
        refine,
        (tf.constant(0), (lower + upper) / 2, lower, upper, upper - lower),
        maximum_iterations=max_iterations,
    )
    root = tf.stop_gradient(root)
    for _ in range(2):
        value, slope = function(root)
        # Where the function is flat in this dtype, the bracket is all that is known.
        sloped = slope > _FLAT
        step = value / tf.where(sloped, slope, tf.ones_like(slope))
        root = root - tf.where(sloped, step, zero)
    return root

"""Numerical helpers: values, gradients, extremes."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_flows import numerics


def test_bounded_stays_in_its_bounds_and_has_slope_one_at_zero():
    raw = tf.constant([-1e30, -3.0, 0.0, 1e-4, 3.0, 1e30])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        value = numerics.bounded(raw, 2.0)
    gradient = tape.gradient(value, raw)
    assert np.abs(value).max() <= 2.0
    np.testing.assert_allclose(gradient[2], 1.0)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_safe_norm(scale):
    vector = tf.constant([[3.0, 4.0], [0.0, 0.0]]) * scale
    with tf.GradientTape() as tape:
        tape.watch(vector)
        norm = numerics.safe_norm(vector)
    np.testing.assert_allclose(norm, [[5.0 * scale], [0.0]], rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(norm, vector), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)


def test_permute_and_its_gradients():
    order = np.array([2, 0, 3, 1])
    back = np.argsort(order)
    x = tf.Variable(np.arange(8.0).reshape(2, 4))
    weights = tf.constant([[1.0, 2.0, 3.0, 4.0]], tf.float64)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(weights * numerics.permute(x, order, back) ** 3)
        first = tape.gradient(y, x)
    expected = weights.numpy()[:, back]
    np.testing.assert_allclose(first, 3 * expected * x.numpy() ** 2)
    np.testing.assert_allclose(outer.gradient(first, x), 6 * expected * x.numpy())


def cubic_root(target):
    def residual(x):
        return x**3 + x - target, 3 * x**2 + 1

    bound = tf.abs(target) + 1
    return numerics.solve_increasing(residual, -bound, bound)


@pytest.mark.parametrize("compiled", [False, True])
def test_roots_are_exact_over_many_orders_of_magnitude(compiled):
    x = tf.constant(np.concatenate([-np.logspace(-8, 8, 40), [0.0], np.logspace(-8, 8, 40)]))
    solve = tf.function(cubic_root, jit_compile=True) if compiled else cubic_root
    np.testing.assert_allclose(solve(x**3 + x), x, rtol=1e-14, atol=1e-15)


def test_derivatives_of_a_root_up_to_the_third():
    x = tf.constant([0.3, -1.2, 2.0], tf.float64)
    target = x**3 + x
    with tf.GradientTape() as third, tf.GradientTape() as second, tf.GradientTape() as first:
        for tape in (first, second, third):
            tape.watch(target)
        root = cubic_root(target)
        slope = first.gradient(root, target)
        bend = second.gradient(slope, target)
    twist = third.gradient(bend, target)
    d1, d2 = 3 * x**2 + 1, 6 * x
    np.testing.assert_allclose(slope, 1 / d1, rtol=1e-10)
    np.testing.assert_allclose(bend, -d2 / d1**3, rtol=1e-10)
    np.testing.assert_allclose(twist, (3 * d2**2 - 6 * d1) / d1**5, rtol=1e-8)


def test_steep_and_flat_functions_are_solved():
    target = tf.constant([1e-3, 0.5, 10.0], tf.float64)

    def residual(x):
        return x - (1 - 1e-9) * tf.tanh(x) - target, 1e-9 + (1 - 1e-9) * tf.tanh(x) ** 2

    root = numerics.solve_increasing(residual, target - 1.1, target + 1.1)
    np.testing.assert_allclose(residual(root)[0], 0, atol=1e-12)

"""Transformers by themselves: monotone maps, their slopes, their ends."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from depth import quick

import tfp_flows as tff

T = tff.transformers

TRANSFORMERS = {
    "additive": T.Additive(),
    "affine": T.Affine(),
    "spline": T.RationalQuadraticSpline(bound=3.0),
    "inverted": T.Inverted(T.RationalQuadraticSpline(num_bins=5, bound=3.0)),
    "sum_of_squares": T.SumOfSquares(),
    "bernstein": T.Bernstein(),
    "deep_sigmoidal": T.DeepSigmoidal(),
    "dense_sigmoidal": T.DenseSigmoidal(num_layers=3, num_units=4),
    "gaussianization": T.Gaussianization(),
}
# Networks have units that differ from the start, and mixtures a wide component.
EXACT_AT_ZERO = sorted(set(TRANSFORMERS) - {"deep_sigmoidal", "dense_sigmoidal", "gaussianization"})


# Their searches take seconds.
SEARCHED = ("deep_sigmoidal", "bernstein", "dense_sigmoidal", "gaussianization")


# Of those that search one stands for all in the quick profile.
@pytest.fixture(params=quick(sorted(TRANSFORMERS), *set(TRANSFORMERS) - set(SEARCHED[1:])))
def transformer(request):
    return TRANSFORMERS[request.param]


def graph(function):
    """A function of tensors that is traced once for each dtype and shape."""
    return tf.function(function, autograph=False)


def parameters_of(transformer, shape, dtype=tf.float64, scale=1.0, seed=0):
    size = (*shape, transformer.num_parameters)
    return tf.constant(np.random.default_rng(seed).normal(scale=scale, size=size), dtype)


def _eager_cases():
    for name, direction in itertools.product(TRANSFORMERS, ("forward", "inverse")):
        marks = [pytest.mark.deep] if name in SEARCHED and direction == "forward" else []
        yield pytest.param(name, direction, marks=marks, id=f"{name}-{direction}")


@pytest.mark.parametrize(("name", "direction"), _eager_cases())
def test_arrays_are_taken_as_tensors_are(name, direction):
    transformer = TRANSFORMERS[name]
    x = np.linspace(-4, 4, 9, dtype=np.float32)
    parameters = parameters_of(transformer, [9], tf.float32)
    function = getattr(transformer, direction)
    expected = function(tf.constant(x), parameters)
    for given in (parameters, parameters.numpy()):
        for result, value in zip(function(x, given), expected, strict=True):
            np.testing.assert_array_equal(result, value)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_slopes_are_those_of_autodiff(transformer, direction):
    x = tf.constant(np.random.default_rng(1).normal(scale=3, size=200))
    parameters = parameters_of(transformer, [200])

    @graph
    def compute(x, parameters):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, log_slope = getattr(transformer, direction)(x, parameters)
        return tape.gradient(y, x), log_slope

    slope, log_slope = compute(x, parameters)
    assert slope.numpy().min() > 0
    np.testing.assert_allclose(log_slope, np.log(slope), atol=1e-8)


def test_directions_are_inverse_to_each_other(transformer):
    y = tf.constant(np.linspace(-15, 15, 301))
    parameters = tf.repeat(parameters_of(transformer, [1]), 301, axis=0)
    x, log_slope = graph(transformer.inverse)(y, parameters)
    assert (np.diff(x) > 0).all()
    back, back_log_slope = graph(transformer.forward)(x, parameters)
    np.testing.assert_allclose(back, y, atol=1e-8)
    np.testing.assert_allclose(back_log_slope, -log_slope, atol=1e-7)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_derivatives_are_those_of_finite_differences(transformer, direction):
    x = tf.constant(np.random.default_rng(2).normal(size=5))
    parameters = parameters_of(transformer, [5], seed=3)

    @graph
    def loss_and_gradients(x, parameters):
        with tf.GradientTape() as tape:
            tape.watch([x, parameters])
            y, log_slope = getattr(transformer, direction)(x, parameters)
            loss = tf.reduce_sum(tf.sin(y)) + tf.reduce_sum(tf.cos(log_slope))
        return loss, tape.gradient(loss, [x, parameters], unconnected_gradients="zero")

    _, gradients = loss_and_gradients(x, parameters)
    generator, step = np.random.default_rng(4), 1e-6
    for _ in range(2):
        ways = [generator.normal(size=v.shape) for v in (x, parameters)]
        up, down = (
            loss_and_gradients(x + sign * step * ways[0], parameters + sign * step * ways[1])[0]
            for sign in (1, -1)
        )
        expected = sum(float(np.vdot(g, way)) for g, way in zip(gradients, ways, strict=True))
        assert float(up - down) / (2 * step) == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", EXACT_AT_ZERO)
def test_zero_is_the_identity(name):
    transformer = TRANSFORMERS[name]
    x = tf.constant(np.linspace(-9, 9, 50))
    parameters = tf.zeros([50, transformer.num_parameters], tf.float64)
    for direction in (transformer.forward, transformer.inverse):
        y, log_slope = direction(x, parameters)
        np.testing.assert_allclose(y, x, atol=1e-9)
        np.testing.assert_allclose(log_slope, 0, atol=1e-9)


def test_far_points_have_finite_values_and_gradients(transformer):
    far = [1e20, -1e20, 1e6, -1e6, 10.0, 5.0, 3.0, -3.0, 0.0, 1e-30]
    x = tf.constant(far, tf.float32)
    for direction in (transformer.forward, transformer.inverse):

        @graph
        def compute(x, parameters, direction=direction):
            with tf.GradientTape() as tape:
                tape.watch([x, parameters])
                y, log_slope = direction(x, parameters)
                loss = tf.reduce_sum(y / (1 + tf.abs(x))) + tf.reduce_sum(log_slope)
            return [y, log_slope, *tape.gradient(loss, [x, parameters])]

        for scale in (1.0, 20.0, 300.0):
            values = compute(x, parameters_of(transformer, [10], tf.float32, scale))
            assert all(np.isfinite(value).all() for value in values)


@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_splines_have_their_slope_at_their_ends_too(direction):
    spline = T.RationalQuadraticSpline(bound=3.0)
    x = tf.constant([-3.0, 3.0], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_slope = getattr(spline, direction)(x, parameters_of(spline, [2]))
    np.testing.assert_allclose(tape.gradient(y, x), np.exp(log_slope))


def test_circular_splines_turn_the_circle():
    spline = T.RationalQuadraticSpline(circular=True, num_bins=5)
    parameters = parameters_of(spline, [1])
    angles = np.linspace(-math.pi, math.pi, 400, endpoint=False)
    x, log_slope = spline.inverse(tf.constant(angles), tf.repeat(parameters, 400, axis=0))
    assert np.abs(x).max() <= math.pi
    # The slopes integrate to one turn, and those of both ends agree.
    assert np.exp(log_slope).mean() == pytest.approx(1, abs=1e-4)
    steps = np.diff(np.concatenate([x, x[:1]]))
    assert (steps < 0).sum() == 1
    back, _ = spline.forward(x, tf.repeat(parameters, 400, axis=0))
    distance = np.angle(np.exp(1j * (back.numpy() - angles)))
    np.testing.assert_allclose(distance, 0, atol=1e-8)
    around, _ = spline.inverse(
        tf.constant(angles + 2 * math.pi), tf.repeat(parameters, 400, axis=0)
    )
    np.testing.assert_allclose(np.angle(np.exp(1j * (around - x).numpy())), 0, atol=1e-8)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: T.RationalQuadraticSpline(num_bins=1), "at least 2"),
        (lambda: T.RationalQuadraticSpline(num_bins=10, min_bin_size=0.1), "do not fit"),
        (lambda: T.RationalQuadraticSpline(bound=-1.0), "positive"),
        (lambda: T.RationalQuadraticSpline(bins=4), "bins"),
        (lambda: T.Bernstein(degree=0), "positive integer"),
        (lambda: T.Bernstein(degree=65), "at most 64"),
        (lambda: T.SumOfSquares(degree=2.5), "integer"),
        (lambda: T.RationalQuadraticSpline(bound=math.inf), "positive"),
        (lambda: T.SumOfSquares(bound=0.0), "bound must be positive"),
        (lambda: T.DeepSigmoidal(num_units=0), "positive integer"),
        (lambda: T.Gaussianization(num_components=0), "positive integer"),
    ],
)
def test_arguments_are_checked(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


class Wavy(T.Transformer):
    """Not monotone."""

    num_parameters = 1

    def inverse(self, y, parameters):
        return tf.sin(3 * y) + parameters[..., 0], tf.math.log(tf.abs(3 * tf.cos(3 * y)))

    def forward(self, x, parameters):
        return x, tf.zeros_like(x)


class Doubling(T.Transformer):
    """Monotone, with the log-slope of another map if asked for."""

    num_parameters = 1

    def __init__(self, *, log_slope: float = math.log(2.0)):
        self._log_slope = log_slope

    def inverse(self, y, parameters):
        return 2 * y + parameters[..., 0], tf.zeros_like(y) + self._log_slope

    def forward(self, x, parameters):
        return (x - parameters[..., 0]) / 2, tf.zeros_like(x) - self._log_slope


@pytest.mark.parametrize("bijector", [tff.bijectors.Coupling, tff.bijectors.MaskedAutoregressive])
def test_transformers_of_a_users_own_are_checked(bijector):
    with pytest.raises(ValueError, match="layer: Wavy is not strictly monotone"):
        bijector(event_shape=2, transformer=Wavy(), name="layer")
    with pytest.raises(ValueError, match="layer: Doubling returns log-slopes that are not"):
        bijector(event_shape=2, transformer=Doubling(log_slope=0.0), name="layer")
    good = bijector(event_shape=2, transformer=Doubling(), hidden_units=[4], seed=0)
    y = tf.constant([[0.3, -1.0]])
    np.testing.assert_allclose(good.forward(good.inverse(y)), y, rtol=1e-6)

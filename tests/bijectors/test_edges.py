"""No rows, numbers near the largest, points outside of a support."""

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick
from representatives import REPRESENTATIVES
from rows import BIJECTORS

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
B, T = tff.bijectors, tff.transformers
directions = pytest.mark.parametrize("direction", ["forward", "inverse"])


@directions
@pytest.mark.parametrize(
    "name",
    quick([*REPRESENTATIVES, "channel_keras"], "maf_context", "channel_keras", "batchnorm"),
)
def test_no_rows(name, direction):
    bijector = rows.randomise(BIJECTORS[name].build(tf.float32), scale=BIJECTORS[name].spread)
    subject = rows.subject(name)
    inputs = subject.latents if direction == "forward" else subject.drawn_data
    method = getattr(bijector, f"{direction}_and_log_det")
    before = [variable.numpy() for variable in bijector.variables]

    def compute(value, context):
        with tf.GradientTape() as tape:
            tape.watch(value)
            result, log_det = method(value, context)
            total = tf.reduce_sum(result) + tf.reduce_sum(log_det)
        sources = [value, *bijector.trainable_variables]
        return result, log_det, tape.gradient(total, sources, unconnected_gradients="zero")

    for shape, wrap in (((2, 0), lambda f: f), ((0,), _of_any_size)):
        value, context = inputs(bijector, shape), subject.contexts(bijector, shape)
        result, log_det, (of_value, *of_weights) = wrap(compute)(value, context)
        assert result.shape == (*shape, *result.shape[len(shape) :])
        assert log_det.shape == shape
        assert of_value.shape == value.shape
        for gradient in of_weights:
            np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))
        assert getattr(bijector, f"{direction}_value")(value, context).shape == result.shape
    for variable, old in zip(bijector.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)


def _of_any_size(function):
    def of_any_size(value, context):
        specs = [tf.TensorSpec([None, *value.shape[1:]])]
        specs.append(None if context is None else tf.TensorSpec([None, *context.shape[1:]]))
        given = [spec for spec in specs if spec is not None]
        parts = [part for part in (value, context) if part is not None]
        missing = [None] * (2 - len(parts))
        traced = tf.function(lambda *parts: function(*parts, *missing), autograph=False)
        return traced.get_concrete_function(*given)(*parts)

    return of_any_size


@pytest.mark.parametrize(
    "name",
    quick(rows.FLOWS, "maf", "iaf", "nsf_mixed"),
)
def test_no_rows_of_a_flow(name):
    flow = rows.flow(name)
    none = np.zeros((0, rows.DIMS), np.float32)
    assert flow.sample(0).shape == flow.from_latent(none).shape == (0, rows.DIMS)
    assert flow.sample((2, 0)).shape == (2, 0, rows.DIMS)
    assert flow.log_prob(none).shape == flow.prob(none).shape == (0,)
    assert flow.to_latent(none).shape == (0, rows.DIMS)
    assert [part.shape for part in flow.sample_and_log_prob(0)] == [(0, rows.DIMS), (0,)]
    model = tff.FlowModel(flow)
    assert model.predict(none, verbose=0).shape == (0,)
    for refused in (model.fit, model.evaluate):
        model.compile("adam")
        with pytest.raises(ValueError, match=r"shape \(0, 3\), expected \[n, 3\] with n > 0"):
            refused(none, verbose=0)


def test_no_rows_of_a_conditional_flow():
    flow = rows.flow("maf", context_shape=rows.CONTEXT)
    none, context = np.zeros((0, 3), np.float32), np.zeros((0, rows.CONTEXT), np.float32)
    assert flow.sample(4, context).shape == (4, 0, 3)
    assert flow.log_prob(none, context).shape == (0,)
    assert flow.given(context).sample(4).shape == (4, 0, 3)


def test_normalisation_of_no_rows_keeps_its_statistics():
    bijector = BIJECTORS["batchnorm"].build(tf.float32)
    before = [variable.numpy() for variable in bijector.variables]
    bijector.inverse_and_log_det(tf.zeros([0, 3]), training=True)
    for variable, old in zip(bijector.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)


@pytest.mark.parametrize(
    "name",
    quick(
        [name for name in rows.FLOWS if name != "softsign_bimodal"],
        *("planar", "sylvester", "sos", "bernstein", "maf"),
    ),
)
def test_densities_near_the_largest_number(name):
    flow = rows.flow(name)
    # In float32, the largest is 3.4e38.
    far = np.array([[3e38, 3e38, 3e38], [3e38, 0, -3e38], [0, 0, -3e38], [0, 0, 0]], np.float32)
    log_prob = flow.log_prob(far).numpy()
    assert not np.isnan(log_prob).any()
    assert (log_prob[:3] < -50).all()
    assert np.isfinite(log_prob[3])
    latent = tff.FlowLayer(flow)(far)[:, 0]
    np.testing.assert_array_equal(latent, log_prob)


def test_what_is_no_number_stays_none():
    flow = rows.flow("maf")
    x = np.array([[0.0, np.nan, 0.0], [np.nan, 3e38, 0.0], [0.0, 0.0, 0.0]], np.float32)
    assert np.isnan(flow.log_prob(x[:1])).all()
    # Weights that diverged are not hidden.
    flow.trainable_variables[0].assign(np.nan * flow.trainable_variables[0])
    assert np.isnan(flow.log_prob(x[2:])).all()


TRANSFORMERS = {
    "spline": T.RationalQuadraticSpline(),
    "circular": T.RationalQuadraticSpline(circular=True),
    "inverted": T.Inverted(T.RationalQuadraticSpline()),
    "sum_of_squares": T.SumOfSquares(),
    "bernstein": T.Bernstein(),
    "gaussianization": T.Gaussianization(),
    "deep_sigmoidal": T.DeepSigmoidal(),
    "dense_sigmoidal": T.DenseSigmoidal(num_layers=2),
    "affine": T.Affine(),
}


@directions
@pytest.mark.parametrize("name", quick(TRANSFORMERS, "spline", "inverted", "deep_sigmoidal"))
@pytest.mark.parametrize("dtype", quick([tf.float32, tf.float64], "float32", ids=lambda d: d.name))
def test_gradients_at_extreme_parameters_and_inputs(name, dtype, direction):
    transformer, generator = TRANSFORMERS[name], np.random.default_rng(0)
    largest = 3e38

    @tf.function(autograph=False)
    def compute(x, parameters):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch((x, parameters))
            results = getattr(transformer, direction)(x, parameters)
        return results, [
            tape.gradient(result, (x, parameters), unconnected_gradients="zero")
            for result in results
        ]

    for size in (1, 1e3, 1e7, 1e10, 1e19, 1e30, largest):
        for far in (0.5, 1e4, 1e19, 1e25, largest):
            # Shifted and scaled, or mixed by weights, the largest do leave the range.
            if name == "affine" and largest in (size, far):
                continue
            if name == "dense_sigmoidal" and size * far > 1e22:
                continue
            shape = (3, 4, transformer.num_parameters)
            parameters = tf.constant(size * _limited(generator.normal(size=shape)), dtype)
            x = tf.constant(far * _limited(generator.normal(size=(3, 4))), dtype)
            # A slope of 1e18 there leaves the range itself.
            if name == "sum_of_squares" and far > 1e4:
                continue
            results, gradients = compute(x, parameters)
            for result in results:
                assert np.isfinite(result).all(), (size, far)
            for gradient in tf.nest.flatten(gradients):
                assert not np.isnan(gradient).any(), (size, far)


def _limited(values):
    return np.clip(values, -1, 1)


def supports():
    """TFP's own, with rows inside and outside of their range, and the density of a normal base."""
    normal = tfd.Normal(0.0, 1.0)
    return {
        "exp": (tfb.Exp(), tfd.LogNormal(0.0, 1.0), [0.5, 2.0], [-1.0, 0.0, -1e30]),
        "sigmoid": (tfb.Sigmoid(), tfd.LogitNormal(0.0, 1.0), [0.2, 0.9], [-0.5, 1.5, 0.0, 1.0]),
        "softplus": (
            tfb.Softplus(),
            tfd.TransformedDistribution(normal, tfb.Softplus()),
            [0.3, 5.0],
            [-1.0, -1e-3],
        ),
        "two": (
            tfb.Chain([tfb.Shift(2.0), tfb.Exp()]),
            tfd.TransformedDistribution(normal, tfb.Chain([tfb.Shift(2.0), tfb.Exp()])),
            [2.5, 4.0],
            [1.0, 2.0],
        ),
    }


@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus", "two"])
def test_the_density_outside_of_a_support_is_zero(name):
    member, reference, inside, outside = supports()[name]
    flow = tff.Flow(tff.flows.standard_normal(2), B.Chain([member], event_shape=2))
    x = np.array([[value, inside[0]] for value in inside + outside], np.float32)
    expected = reference.log_prob(x).numpy().sum(axis=-1)
    expected[len(inside) :] = -np.inf
    log_prob = flow.log_prob(x)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    plain = tfd.TransformedDistribution(flow.distribution, flow.bijector)
    np.testing.assert_allclose(plain.log_prob(x), expected, rtol=1e-5)
    compiled = tf.function(flow.log_prob, jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(x)), expected, rtol=1e-5)
    np.testing.assert_array_equal(flow.prob(x)[len(inside) :], np.zeros(len(outside)))
    # No latent is invented where there is none.
    latents = flow.to_latent(x).numpy()
    assert np.isfinite(latents[: len(inside)]).all()
    assert not np.isfinite(latents[len(inside) :, 0]).any()


def test_rows_outside_of_a_support_do_not_spoil_gradients_and_means():
    coupling = B.Coupling(event_shape=2, hidden_units=[4], seed=0)
    flow = tff.Flow(tff.flows.standard_normal(2), B.Chain([tfb.Exp(), coupling]))
    rows.randomise(flow)
    good = np.array([[0.5, 2.0], [1.5, 0.3]], np.float32)
    bad = np.array([[-1.0, 2.0], [0.0, 1.0]], np.float32)

    def gradients(x):
        with tf.GradientTape() as tape:
            log_prob = flow.log_prob(x)
            finite = tf.where(tf.math.is_finite(log_prob), log_prob, tf.zeros_like(log_prob))
            loss = tf.reduce_sum(finite)
        return log_prob, tape.gradient(loss, flow.trainable_variables)

    log_prob, both = gradients(np.concatenate([good, bad]))
    np.testing.assert_array_equal(log_prob[2:], [-np.inf, -np.inf])
    for mixed, alone in zip(both, gradients(good)[1], strict=True):
        np.testing.assert_allclose(mixed, alone, rtol=1e-5)
    model = tff.FlowModel(flow)
    model.compile("adam", run_eagerly=True)
    result = model.evaluate(np.concatenate([good, bad]), verbose=0, return_dict=True)
    assert result["loss"] == np.inf
    nan = flow.log_prob(np.array([[np.nan, 1.0]], np.float32))
    assert np.isnan(nan).all()


def test_the_softsign_outside_of_its_range_is_practically_zero():
    bijector = BIJECTORS["softsign"].build(tf.float32)
    flow = tff.Flow(tff.flows.standard_normal(3), bijector)
    assert (flow.log_prob(tf.fill([2, 3], 1.5)).numpy() < -1e10).all()

"""What is particular to `Flow` and the recipes; what all share is in `test_table.py`."""

import inspect

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
B, F = tff.bijectors, tff.flows


@pytest.mark.parametrize("name", F.FLOWS)
def test_recipes_take_keywords_only_and_refuse_unknown_ones(name):
    parameters = inspect.signature(F.get(name)).parameters.values()
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)
    assert {"event_shape", "base", "dtype"} <= {parameter.name for parameter in parameters}
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_layer'"):
        F.get(name)(event_shape=2, num_layer=3)


def test_unknown_flow_suggests_the_nearest():
    with pytest.raises(tff.InputError, match="did you mean 'realnvp'"):
        F.get("realnpv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers must be a positive integer, got 0"),
        ({"num_layers": 2.5}, "num_layers must be a positive integer"),
        ({"hidden_units": [8, 0]}, "must be positive integers"),
        ({"normalization": "batchnorm"}, "Unknown normalization"),
        ({"event_shape": (2, 2)}, "models vectors"),
        ({"dtype": "float16"}, "float32 or float64"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"context_shape": (2, 2)}, "needs a vector as context"),
    ],
)
@pytest.mark.parametrize("name", ["maf", "realnvp"])
def test_recipes_refuse_bad_values(name, options, message):
    with pytest.raises(ValueError, match=message):
        F.get(name)(**{"event_shape": 2, **options})


def test_one_dimension():
    for name in ("nice", "realnvp"):
        with pytest.raises(ValueError, match="event of one dimension"):
            F.get(name)(event_shape=1)
    for name in ("softsign_bimodal", "planar", "radial", "maf", "iaf"):
        flow = F.get(name)(event_shape=1)
        assert flow.log_prob(np.zeros((3, 1))).shape == (3,)


def test_one_dimensional_maf_with_context_depends_on_it():
    flow = rows.randomise(F.maf(event_shape=1, context_shape=1, seed=0))
    x = np.zeros((2, 1))
    first, second = flow.log_prob(x, np.array([[0.0], [2.0]])).numpy()
    assert abs(first - second) > 1e-2


def test_base_with_variables_is_trained_with_the_flow():
    base = tfd.MixtureSameFamily(
        tfd.Categorical(logits=tf.Variable([0.0, 0.0])),
        tfd.MultivariateNormalDiag(loc=tf.Variable([[-1.0, 0.0], [1.0, 0.0]])),
    )
    flow = F.nice(event_shape=2, base=base, num_layers=1, hidden_units=[4])
    assert len(flow.trainable_variables) == 5 + 2
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow.log_prob(np.ones((4, 2))))
    assert all(g is not None for g in tape.gradient(loss, flow.trainable_variables))
    assert flow.sample(5).shape == (5, 2)


def test_flow_refuses_what_does_not_fit():
    normal = F.standard_normal(2)
    with pytest.raises(TypeError, match=r"put TFP's own bijectors into"):
        tff.Flow(normal, tfb.Tanh())
    with pytest.raises(ValueError, match=r"event shape \(2,\), the bijector \(3,\)"):
        tff.Flow(normal, B.Scale(event_shape=3))
    with pytest.raises(ValueError, match="has dtype"):
        tff.Flow(normal, B.Scale(event_shape=2, dtype=tf.float64))
    batched = tfd.MultivariateNormalDiag(tf.zeros([4, 2]))
    with pytest.raises(ValueError, match="without batch shape"):
        tff.Flow(batched, B.Planar(event_shape=2, context_shape=1))
    assert tff.Flow(batched, B.Scale(event_shape=2)).batch_shape == (4,)


def test_flow_of_tfp_bijectors_in_a_chain():
    flow = tff.Flow(F.standard_normal(2), B.Chain([tfb.Exp()], event_shape=2))
    x = np.array([[0.5, 2.0]], np.float32)
    expected = tfd.Independent(tfd.LogNormal([0.0, 0.0], 1.0), 1).log_prob(x)
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-5)


def test_sampling_in_a_graph_with_a_context_of_unknown_batch():
    flow = rows.flow("realnvp", context_shape=rows.CONTEXT)

    @tf.function(input_signature=[tf.TensorSpec([None, rows.CONTEXT])])
    def draw(context):
        return flow.sample(6, context, seed=(0, 1)), flow.given(context).sample(6, seed=(0, 1))

    samples, given = draw(tf.ones([4, rows.CONTEXT]))
    assert samples.shape == given.shape == (6, 4, 3)
    spread = flow.sample(6, tf.ones([4, rows.CONTEXT]), seed=(0, 1))
    np.testing.assert_allclose(samples, spread, rtol=1e-4, atol=1e-5)


def test_samples_follow_the_density():
    flow = rows.flow("realnvp", event_shape=2)
    samples = flow.sample(200_000, seed=(0, 1)).numpy()
    low, high = np.quantile(samples, [0.3, 0.7], axis=0)
    inside = np.mean(np.all((samples > low) & (samples < high), axis=1))
    cells = 400
    edges = [np.linspace(a, b, cells + 1) for a, b in zip(low, high, strict=True)]
    centres = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    grid = np.stack(np.meshgrid(*centres), -1).reshape(-1, 2)
    mass = np.exp(flow.log_prob(grid)).sum(dtype=np.float64) * np.prod((high - low) / cells)
    assert inside == pytest.approx(mass, abs=4 * np.sqrt(mass / 200_000))


def test_variational_use_of_iaf_has_gradients_through_samples():
    flow = F.iaf(event_shape=2, seed=0)
    with tf.GradientTape() as tape:
        sample, log_prob = flow.sample_and_log_prob(8, seed=(0, 1))
        loss = tf.reduce_mean(log_prob + tf.reduce_sum(sample**2, axis=-1))
    gradients = tape.gradient(loss, flow.trainable_variables)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_public_names_are_documented():
    for module in (tff, tff.bijectors, tff.flows, tff.networks, tff.transformers, tff.models):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                assert value.__doc__, name

"""Deep copies and pickles have the same values and variables of their own."""

import copy
import pickle

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick
from keras_support import conditioner, coupling_flow, small
from test_subclasses import ScaledLayer, Tempered

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras
X = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)


def pickled(value):
    return pickle.loads(pickle.dumps(value))


WAYS = pytest.mark.parametrize("way", [copy.deepcopy, pickled], ids=["deepcopy", "pickle"])


def check_independent(copied, original, evaluate):
    """The same values; and training one leaves the other as it is."""
    expected = evaluate(original)
    np.testing.assert_array_equal(evaluate(copied), expected)
    theirs = {id(v) for v in original.variables}
    assert not theirs & {id(v) for v in copied.variables}
    assert len(copied.trainable_variables) == len(original.trainable_variables)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(evaluate(copied))
    gradients = tape.gradient(loss, copied.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
    rows.randomise(copied, seed=9)
    np.testing.assert_array_equal(evaluate(original), expected)
    assert not copied.trainable_variables or not np.allclose(evaluate(copied), expected)


def bijector_values(bijector):
    context = rows.context_of(bijector, (4,))
    x = rows.latents(bijector, (4,))
    y, log_det = bijector.forward_and_log_det(x, context)
    return tf.concat([tf.reshape(y, [-1]), log_det], axis=0)


@WAYS
@pytest.mark.keras(cases=rows.OF_KERAS)
@pytest.mark.parametrize("name", quick(rows.BIJECTORS, "chain", "coupling_keras3", "given"))
def test_bijectors(name, way):
    row = rows.BIJECTORS[name]
    bijector = rows.randomise(row.build(tf.float32), scale=row.spread)
    copied = way(bijector)
    assert type(copied) is type(bijector)
    assert copied.needs_adapt == bijector.needs_adapt
    check_independent(copied, bijector, bijector_values)


def bases():
    trained = tfd.MultivariateNormalDiag(
        loc=tf.Variable([0.5, -0.5]),
        scale_diag=tfp.util.TransformedVariable([1.0, 2.0], tfb.Softplus()),
    )
    return {
        "trained": trained,
        "mixture": tff.bases.GaussianMixture(event_shape=2, num_components=3, seed=0),
        "student": tff.bases.StudentT(event_shape=2),
        "resampled": tff.bases.Resampled(event_shape=2, seed=0),
    }


@WAYS
@pytest.mark.parametrize("base", ["trained", "mixture", "student", "resampled"])
def test_flows_with_bases(base, way):
    flow = rows.randomise(small("realnvp", base=bases()[base]))
    flow.adapt(X)
    check_independent(way(flow), flow, lambda f: f.log_prob(X))


@WAYS
@pytest.mark.parametrize("base", ["mixture", "student", "resampled"])
def test_bases(base, way):
    original = rows.randomise(bases()[base])
    check_independent(way(original), original, lambda b: b.log_prob(X))


def test_what_has_no_written_form():
    network = tff.networks.MLP(input_size=1, output_size=2, activation=lambda x: tf.sin(x))
    flow = rows.randomise(coupling_flow(network))
    check_independent(copy.deepcopy(flow), flow, lambda f: f.log_prob(X))
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(flow)
    named = rows.randomise(
        coupling_flow(tff.networks.MLP(input_size=1, output_size=2, activation=tf.sin))
    )
    check_independent(pickled(named), named, lambda f: f.log_prob(X))


@WAYS
def test_a_network_of_keras(way):
    flow = rows.randomise(coupling_flow(conditioner()))
    check_independent(way(flow), flow, lambda f: f.log_prob(X))


@WAYS
@pytest.mark.parametrize(
    "value",
    [
        tff.networks.MLP(input_size=2, output_size=3, hidden_units=[4], seed=0),
        tff.networks.AutoregressiveNetwork(2, event_shape=2, hidden_units=[4]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_networks(value, way):
    check_independent(way(value), value, lambda network: network(tf.constant(X)))


@WAYS
def test_transformers_stay_equal(way):
    spline = tff.transformers.RationalQuadraticSpline(num_bins=5)
    assert way(spline) == spline


def test_parts_that_are_copied_together_stay_together():
    flow = small()
    copied = copy.deepcopy({"flow": flow, "chain": flow.bijector, "first": flow.bijector.bijectors})
    assert copied["flow"].bijector is copied["chain"]
    assert copied["chain"].bijectors[0] is copied["first"][0]
    copied = copy.deepcopy([flow.bijector, flow, flow])
    assert copied[1].bijector is copied[0]
    assert copied[1] is copied[2]
    rows.randomise(copied[0])
    np.testing.assert_array_equal(copied[1].to_latent(X), copied[0].inverse(X))


def test_a_shallow_copy_shares_the_weights():
    flow = small()
    other = copy.copy(flow)
    rows.randomise(flow)
    np.testing.assert_array_equal(other.log_prob(X), flow.log_prob(X))


@pytest.mark.parametrize(
    "way", quick([copy.deepcopy, pickled], "deepcopy", ids=lambda way: way.__name__)
)
def test_models_and_layers(way):
    model = Tempered(small(), 2.0)
    model.compile("adam")
    model.fit(X, verbose=0)
    copied = way(model)
    assert (type(copied), copied.power) == (Tempered, 2.0)
    np.testing.assert_array_equal(copied(X), model(X))
    before = model(X)
    copied.fit(X, verbose=0)
    np.testing.assert_array_equal(model(X), before)
    assert int(copied.optimizer.iterations) == int(model.optimizer.iterations) + 1
    layer = ScaledLayer(small(), 3.0)
    rows.randomise(layer.flow)
    again = way(layer)
    assert (type(again), again.factor) == (ScaledLayer, 3.0)
    np.testing.assert_array_equal(again(X), layer(X))
    rows.randomise(again.flow, seed=5)
    assert not np.allclose(again(X), layer(X))


def test_an_ensemble_and_best_weights():
    flow = small("realnvp")
    flow.adapt(X)
    ensemble = [rows.randomise(copy.deepcopy(flow), seed=seed) for seed in range(3)]
    values = np.stack([member.log_prob(X) for member in ensemble])
    assert len(np.unique(values[:, 0])) == 3
    best = copy.deepcopy(flow)
    rows.randomise(flow)
    assert not np.allclose(flow.log_prob(X), best.log_prob(X))

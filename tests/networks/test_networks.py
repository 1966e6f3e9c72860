"""The networks on their own."""

import inspect

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from depth import quick

import tfp_flows as tff

tfb = tfp.bijectors
Network, MLP = tff.networks.AutoregressiveNetwork, tff.networks.MLP


def test_constructor_is_that_of_tfp():
    theirs = list(inspect.signature(tfb.AutoregressiveNetwork.__init__).parameters)
    ours = list(inspect.signature(Network.__init__).parameters)
    assert ours[: len(theirs) - 1] == theirs[:-1]
    assert issubclass(Network, tfb.AutoregressiveNetwork)
    with pytest.raises(TypeError, match="hiden_units"):
        Network(2, event_shape=3, hiden_units=[4])


@pytest.mark.parametrize("layers", ["all_layers", "first_layer"])
def test_as_many_parameters_as_tfp(layers):
    options = {
        "event_shape": 4,
        "hidden_units": [8, 9],
        "conditional": True,
        "conditional_event_shape": 3,
        "conditional_input_layers": layers,
    }
    ours, theirs = Network(2, **options), tfb.AutoregressiveNetwork(2, **options)
    theirs.build([None, 4])
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize(
    "order",
    quick(["left-to-right", "right-to-left", "random", [2, 4, 1, 3]], "random", "[2, 4, 1, 3]"),
)
@pytest.mark.parametrize("degrees", ["equal", "random"])
@pytest.mark.parametrize("hidden", quick([[], [7], [16, 3, 16]], "[]", "[16, 3, 16]"))
def test_output_depends_on_lower_degrees_alone(order, degrees, hidden):
    network = rows.randomise(
        Network(
            3,
            event_shape=4,
            hidden_units=hidden,
            input_order=order,
            hidden_degrees=degrees,
            activation="tanh",
        )
    )
    x = tf.constant(np.random.default_rng(0).normal(size=(6, 4)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x)
    assert y.shape == (6, 4, 3)
    dependence = np.abs(tape.batch_jacobian(y, x)).max(axis=(0, 2)) > 0
    places = np.asarray(network.degrees[0])
    allowed = places[:, None] > places[None, :]
    assert not (dependence & ~allowed).any()
    if not hidden:
        np.testing.assert_array_equal(dependence, allowed)


def test_hidden_degrees_cover_all_and_ascend():
    for conditional, smallest in ((False, 1), (True, 0)):
        options = {"conditional_event_shape": 2} if conditional else {}
        network = Network(
            1, event_shape=5, hidden_units=[50, 4], conditional=conditional, **options
        )
        assert set(network.degrees[1]) == set(range(smallest, 5))
        for layer in network.degrees[1:]:
            assert (np.diff(layer) >= 0).all()


def test_explicit_degrees():
    network = Network(1, event_shape=3, hidden_units=[2], hidden_degrees=[[2, 1]])
    assert network.degrees[1].tolist() == [2, 1]
    for bad, message in (([[1]], "must match hidden_units"), ([[1, 3]], "between 0 and 2")):
        with pytest.raises(ValueError, match=message):
            Network(1, event_shape=3, hidden_units=[2], hidden_degrees=bad)
    with pytest.raises(ValueError, match="permutation of 1 to 3"):
        Network(1, event_shape=3, input_order=[0, 1, 2])
    with pytest.raises(tff.InputError, match="did you mean 'left-to-right'"):
        Network(1, event_shape=3, input_order="left-right")


def test_context_must_be_given_and_only_then():
    conditional = Network(1, event_shape=3, conditional=True, conditional_event_shape=2)
    with pytest.raises(ValueError, match="needs conditional_input"):
        conditional(tf.zeros([1, 3]))
    with pytest.raises(ValueError, match="without conditional_input"):
        Network(1, event_shape=3)(tf.zeros([1, 3]), conditional_input=tf.zeros([1, 2]))
    wide = conditional(tf.zeros([4, 1, 3]), conditional_input=tf.zeros([5, 2]))
    assert wide.shape == (4, 5, 3, 1)


def test_inferred_event_shape_and_functional_model_of_tf_keras():
    network = Network(2, hidden_units=[8], activation="tanh")
    inputs = tf_keras.Input([3])
    model = tf_keras.Model(inputs, network(inputs))
    assert model.output_shape == (None, 3, 2)
    assert len(model.trainable_variables) == 4
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3)), np.ones((8, 3, 2)), epochs=2, verbose=0)
    jacobian = np.abs(_jacobian(network, tf.ones([1, 3])))
    assert jacobian[np.triu_indices(3)].max() == 0


def _jacobian(network, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(network(x), axis=-1)
    return tape.batch_jacobian(y, x)[0].numpy()


def test_seeded_initialiser_draws_different_kernels():
    network = Network(
        2,
        event_shape=4,
        hidden_units=[16, 16],
        kernel_initializer=tf_keras.initializers.GlorotUniform(seed=1),
    )
    again = Network(
        2,
        event_shape=4,
        hidden_units=[16, 16],
        kernel_initializer=tf_keras.initializers.GlorotUniform(seed=1),
    )
    for first, second in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_regularisers_and_constraints_are_used():
    network = Network(
        2,
        event_shape=3,
        hidden_units=[4],
        kernel_regularizer="l2",
        kernel_constraint="non_neg",
    )
    assert len(network.losses) == 2
    optimizer = tf_keras.optimizers.SGD(1.0)
    kernel = network.trainable_variables[0]
    optimizer.apply_gradients([(tf.ones_like(kernel) * 10, kernel)])
    assert float(tf.reduce_min(kernel)) >= 0


def test_mlp():
    network = MLP(input_size=3, output_size=5, hidden_units=[8], context_size=2, seed=1)
    x, context = tf.ones([4, 3]), tf.ones([4, 2])
    assert network(x, context).shape == (4, 5)
    assert len(network.trainable_variables) == 4
    assert np.abs(network(x, context)).max() < 0.1
    assert MLP(input_size=0, output_size=5, context_size=2)(None, context).shape == (4, 5)
    half = MLP(input_size=3, output_size=5, compute_dtype="bfloat16", output_scale=1.0, seed=1)
    full = MLP(input_size=3, output_size=5, output_scale=1.0, seed=1)
    assert half(x).dtype == tf.float32
    np.testing.assert_allclose(half(x), full(x), atol=0.05)
    assert not np.array_equal(half(x), full(x))
    with pytest.raises(ValueError, match="needs an input or a context"):
        MLP(input_size=0, output_size=1)


def test_unseeded_weights_follow_the_global_seed():
    networks = []
    for _ in range(2):
        tf.keras.utils.set_random_seed(3)
        networks.append(tff.flows.maf(event_shape=3))
    x = np.ones((2, 3))
    np.testing.assert_array_equal(networks[0].log_prob(x), networks[1].log_prob(x))
    other = tff.flows.maf(event_shape=3)
    assert not np.array_equal(networks[0].log_prob(x), other.log_prob(x))


def _initial_weights(flow):
    return [v.numpy() for v in flow.trainable_variables if v.shape[0] == 16]


@pytest.mark.parametrize("recipe", [tff.flows.maf, tff.flows.realnvp])
def test_initial_weights_spread_the_bends_and_differ_between_layers(recipe):
    options = {"event_shape": 4, "num_layers": 2, "hidden_units": (16, 16, 16)}
    weights = _initial_weights(recipe(**options, seed=3))
    for one, other in zip(weights, _initial_weights(recipe(**options, seed=3)), strict=True):
        np.testing.assert_array_equal(one, other)
    square = [w for w in weights if w.shape == (16, 16)]
    assert len(square) == 4
    for i, one in enumerate(square):
        assert 0.2 < np.abs(one).max() <= 0.25
        for other in square[:i]:
            both = (one != 0) & (other != 0)
            assert not np.any(one[both] == other[both])
    biases = [w for w in weights if w.ndim == 1]
    assert len(biases) == 6
    assert all(np.ptp(bias) > 0.2 for bias in biases)


@pytest.mark.parametrize("residual", [False, True])
def test_half_precision_stays_finite_with_unbounded_activations(residual):
    network = rows.randomise(
        Network(
            2,
            event_shape=4,
            hidden_units=[64] * 3,
            activation="relu",
            residual=residual,
            dtype="mixed_float16",
        ),
        scale=3.0,
    )
    assert np.isfinite(network(tf.constant([[1e6, -1e6, 3e38, 1.0]]))).all()

"""Faults of TFP 0.25 that the package avoids: each test shows the fault, then ours without it.

A test that fails on its first half means that TFP has mended the fault.
"""

import json
import warnings

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

import tfp_flows as tff
from tfp_flows import serialization

tfd, tfb = tfp.distributions, tfp.bijectors
B = tff.bijectors


def normal(size, dtype=tf.float32):
    return tff.flows.standard_normal(size, dtype)


def dependence(network, size, context=None):
    """``[i, j]``: how much output ``i`` depends on input ``j``."""
    kwargs = {} if context is None else {"conditional_input": context}
    x = tf.constant(np.random.default_rng(0).normal(size=(8, size)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs = tf.unstack(tf.reduce_sum(network(x, **kwargs), axis=-1), axis=-1)
    gradients = [
        tape.gradient(output, x, unconnected_gradients="zero").numpy() for output in outputs
    ]
    return np.abs(np.stack(gradients)).max(axis=1)


def plain_update(network):
    """One step of gradient descent by hand, as any optimiser without constraints takes it."""
    x = tf.constant(np.random.default_rng(1).normal(size=(8, 4)), tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(network(x) - 1.0))
    variables = network.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.1 * gradient)


OPTIONS = {"params": 2, "event_shape": 4, "hidden_units": [16, 16], "activation": "tanh"}


def test_real_nvp_default_template_has_nothing_to_train():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = tfb.RealNVP(
            num_masked=2, shift_and_log_scale_fn=tfb.real_nvp_default_template([8])
        )
        theirs.forward(tf.zeros([1, 4]))
    assert len(theirs.trainable_variables) == 0
    assert len(B.Coupling(event_shape=4, hidden_units=[8]).trainable_variables) == 4


def test_masks_survive_updates_without_constraints():
    theirs, ours = (
        tfb.AutoregressiveNetwork(**OPTIONS),
        tff.networks.AutoregressiveNetwork(**OPTIONS),
    )
    future = np.triu_indices(4)
    for network, broken in ((theirs, True), (ours, False)):
        assert dependence(network, 4)[future].max() == 0
        plain_update(network)
        assert (dependence(network, 4)[future].max() > 1e-3) == broken
        assert dependence(network, 4)[np.tril_indices(4, -1)].min() > 0


def test_masks_survive_noise_on_every_weight():
    network = rows.randomise(tff.networks.AutoregressiveNetwork(**OPTIONS), scale=1.0)
    assert dependence(network, 4)[np.triu_indices(4)].max() == 0


def test_default_activation_is_not_linear():
    x = tf.constant([[1.0, 2.0, -1.0, 0.5]])
    for cls, linear in (
        (tfb.AutoregressiveNetwork, True),
        (tff.networks.AutoregressiveNetwork, False),
    ):
        network = cls(2, event_shape=4, hidden_units=[16])
        middle = (network(x) + network(-x)) / 2
        assert np.allclose(middle, network(tf.zeros([1, 4])), atol=1e-6) == linear


def test_random_input_order_is_saved():
    options = {**OPTIONS, "event_shape": 12, "input_order": "random"}
    x = tf.random.stateless_normal([5, 12], (0, 1))

    def rebuild(network):
        result = type(network).from_config(json.loads(json.dumps(network.get_config())))
        result.build([None, 12])
        result.set_weights(network.get_weights())
        return result

    theirs = tfb.AutoregressiveNetwork(**options)
    theirs.build([None, 12])
    kernel = rebuild(theirs).trainable_variables[0]
    # The rebuilt network has masks of another order, which the next step would apply.
    assert not np.allclose(kernel.constraint(kernel), kernel)
    ours = tff.networks.AutoregressiveNetwork(**options)
    rebuilt = rebuild(ours)
    np.testing.assert_array_equal(rebuilt(x), ours(x))
    for first, second in zip(rebuilt.degrees, ours.degrees, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("layers", ["first_layer", "all_layers"])
def test_first_output_depends_on_the_context_through_hidden_layers(layers):
    options = {
        **OPTIONS,
        "conditional": True,
        "conditional_event_shape": 1,
        "conditional_input_layers": layers,
    }
    x = tf.zeros([1, 4])

    def curvature(network):
        at = [network(x, conditional_input=[[c]])[0, 0].numpy() for c in (-4.0, 0.0, 4.0)]
        return np.abs(at[0] + at[2] - 2 * at[1]).max(), np.abs(at[2] - at[0]).max()

    bent, _ = curvature(rows.randomise(tfb.AutoregressiveNetwork(**options)))
    assert bent < 1e-5
    bent, moved = curvature(rows.randomise(tff.networks.AutoregressiveNetwork(**options)))
    assert bent > 1e-3
    assert moved > 1e-2


def test_eager_cache_returns_values_of_old_weights():
    x = tf.constant([[3.0, -1.0]])

    def change_is_seen(bijector, variable):
        distribution = tfd.TransformedDistribution(normal(2), bijector)
        before, held = distribution.log_prob(x), bijector.inverse(x)
        variable.assign_add(tf.ones_like(variable))
        after = bijector.inverse(x)
        return not (np.allclose(before, distribution.log_prob(x)) or np.allclose(held, after))

    shift = tf.Variable([0.0, 0.0])
    assert not change_is_seen(tfb.Shift(shift), shift)
    ours = B.ActNorm(event_shape=2)
    assert change_is_seen(ours, ours.trainable_variables[0])


def test_chain_of_tfp_keeps_old_latents_and_ours_does_not():
    y = tf.constant([[3.0, -1.0]])
    for chain, stale in ((tfb.Chain, True), (B.Chain, False)):
        member = B.ActNorm(event_shape=2)
        bijector = chain([member])
        distribution = tfd.TransformedDistribution(normal(2), bijector)
        held = bijector.inverse(y)
        member.trainable_variables[0].assign_add([1.0, 1.0])
        right = np.allclose(distribution.log_prob(y), distribution.log_prob(tf.identity(y)))
        assert right != stale
        assert np.isfinite(held).all()


def test_members_of_tfp_in_our_chain_have_no_cache():
    x = tf.constant([[3.0, -1.0]])
    # Of single entries, and of whole vectors: the chain evaluates them in different ways.
    shift, matrix = tf.Variable([0.5, 0.0]), tf.Variable([[2.0, 0.0], [1.0, 1.5]])
    for member, variable in (
        (tfb.Shift(shift), shift),
        (tfb.ScaleMatvecTriL(scale_tril=matrix), matrix),
    ):
        chain = B.Chain([member, B.Scale(event_shape=2)])
        held = [chain.inverse_value(x), *chain.inverse_and_log_det(x)]
        variable.assign_add(tf.ones_like(variable))
        results = [chain.inverse_value(x), *chain.inverse_and_log_det(x)]
        copied = tf.identity(x)
        expected = [chain.inverse_value(copied), *chain.inverse_and_log_det(copied)]
        for result, right in zip(results, expected, strict=True):
            np.testing.assert_allclose(result, right, rtol=1e-6)
        assert not np.allclose(held[0], results[0])


def test_eager_full_batch_training_on_one_tensor_finds_the_true_scale():
    x = tf.constant(np.random.default_rng(0).normal(scale=3.0, size=(2000, 1)), tf.float32)

    def fitted(bijector, variable):
        flow = tfd.TransformedDistribution(normal(1), bijector)
        optimizer = tf_keras.optimizers.legacy.Adam(0.1)
        for _ in range(60):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(flow.log_prob(x))
            optimizer.apply_gradients([(tape.gradient(loss, variable), variable)])
        return float(np.exp(variable.numpy().item())), float(loss)

    truth = float(np.log(np.std(x)) + 0.5 * np.log(2 * np.pi * np.e))
    log_scale = tf.Variable([0.0])
    scale, _ = fitted(tfb.Scale(log_scale=log_scale), log_scale)
    assert abs(scale - 3.0) > 1.0
    ours = B.Scale(event_shape=1)
    scale, loss = fitted(ours, ours.trainable_variables[0])
    assert scale == pytest.approx(np.std(x), rel=0.05)
    assert loss == pytest.approx(truth, abs=0.02)


def test_gradient_of_log_prob_at_an_own_sample():
    def gradient(bijector):
        distribution = tfd.TransformedDistribution(normal(2), bijector)
        sample = distribution.sample(3, seed=(0, 1))
        with tf.GradientTape() as tape:
            tape.watch(sample)
            log_prob = distribution.log_prob(sample)
        return tape.gradient(log_prob, sample)

    assert gradient(tfb.Scale(tf.constant([2.0, 3.0]))) is None
    ours = B.ActNorm(event_shape=2)
    ours.adapt(np.random.default_rng(0).normal(size=(50, 2)) * [2.0, 3.0])
    assert np.isfinite(gradient(ours)).all()


def test_batch_normalisation_reports_the_density_of_what_it_did():
    x = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, size=(64, 2)), tf.float32)
    layer = tf_keras.layers.BatchNormalization(epsilon=1e-5)
    theirs = tfb.BatchNormalization(batchnorm_layer=layer, training=True)
    reported = tfd.TransformedDistribution(normal(2), theirs).log_prob(x)
    z = (x - tf.reduce_mean(x, 0)) / tf.math.reduce_std(x, 0)
    true = normal(2).log_prob(z) - tf.reduce_sum(tf.math.log(tf.math.reduce_std(x, 0)))
    assert np.abs(reported - true).min() > 1
    ours = B.BatchNorm(event_shape=2)
    flow = tff.Flow(normal(2), ours)
    np.testing.assert_allclose(flow.log_prob(x, training=True), true, rtol=1e-4)


def test_evaluating_batch_normalisation_changes_nothing():
    x = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, size=(64, 2)), tf.float32)
    theirs = tfb.BatchNormalization()
    theirs.inverse(x)
    assert not np.allclose(theirs.batchnorm.moving_mean, 0)
    ours = B.BatchNorm(event_shape=2)
    before = [v.numpy() for v in ours.variables]
    for training in (False, None):
        ours.inverse(x, training=training)
        ours.forward(x, training=training)
    tff.Flow(normal(2), ours).log_prob(x)
    for variable, value in zip(ours.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    ours.inverse(x, training=True)
    assert not np.allclose(before[3], ours.variables[3])


def test_misspelt_and_flat_context_is_refused():
    def network(x, units, shift=0.0):
        return tf.zeros([*x.shape[:-1], units]) + shift, None

    theirs = tfb.Chain([tfb.RealNVP(1, shift_and_log_scale_fn=network, name="coupling")])
    x = tf.ones([1, 2])
    named = theirs.forward(x, coupling={"shift": 5.0})
    assert not np.allclose(named, theirs.forward(x))
    for wrong in ({"cuopling": {"shift": 5.0}}, {"shift": 5.0}):
        np.testing.assert_array_equal(theirs.forward(tf.identity(x), **wrong), theirs.forward(x))
    ours = B.Chain([B.Coupling(event_shape=2, context_shape=1)])
    for wrong in ({"cuopling": {"context": [[5.0]]}}, {"contxt": [[5.0]]}):
        with pytest.raises(TypeError):
            ours.forward(x, **wrong)
    with pytest.raises(ValueError, match="needs a context"):
        ours.forward(x)


def test_softsign_inverse_is_finite_at_the_bounds():
    edge = tf.constant([[1.0], [-1.0], [0.99999994], [0.0]])
    assert not np.isfinite(tfb.Softsign().inverse(edge)).all()
    ours = B.SoftsignBimodal(event_shape=1)
    # The forward image of a large number is the bound itself, in float32.
    assert float(ours.forward([[1e9]])[0, 0]) == 1.0
    flow = tff.Flow(normal(1), ours)
    outside = tf.constant([[1.0], [-1.0], [0.99999994], [0.0], [1.5], [-1e30]])
    with tf.GradientTape() as tape:
        tape.watch(outside)
        log_prob = flow.log_prob(outside)
    assert np.isfinite(log_prob).all()
    assert np.isfinite(tape.gradient(log_prob, outside)).all()
    assert np.exp(log_prob[4]) == 0
    assert float(log_prob[3]) == pytest.approx(-0.5 * np.log(2 * np.pi), abs=1e-6)


def test_a_permutation_is_saved():
    order = np.array([2, 0, 1])
    theirs = tfb.Permute(order)
    assert not list(theirs.variables)
    x = tf.constant([[1.0, 2.0, 3.0]])
    ours = B.Permutation(event_shape=3, permutation=order)
    np.testing.assert_array_equal(ours.forward(x), theirs.forward(x))
    drawn = B.Permutation(event_shape=50, permutation="random")
    rebuilt = serialization.decode(json.loads(json.dumps(serialization.encode(drawn))))
    np.testing.assert_array_equal(rebuilt.permutation, drawn.permutation)


def test_eager_log_prob_runs_each_network_once():
    class Counting(tf.Module):
        def __init__(self, network):
            super().__init__()
            self.network, self.calls = network, 0

        def __call__(self, x):
            self.calls += 1
            return self.network(x)

    x = tf.ones([2, 4])
    theirs = Counting(tfb.AutoregressiveNetwork(**OPTIONS))
    tfd.TransformedDistribution(normal(4), tfb.MaskedAutoregressiveFlow(theirs)).log_prob(x)
    assert theirs.calls == 2
    ours = Counting(tff.networks.AutoregressiveNetwork(**OPTIONS))
    bijector = B.MaskedAutoregressive(event_shape=4, network=ours)
    for distribution in (tff.Flow, tfd.TransformedDistribution):
        ours.calls = 0
        distribution(normal(4), bijector).log_prob(x)
        assert ours.calls == 1


def test_a_chain_is_a_chain():
    class Custom(tfb.Bijector):
        def __init__(self):
            super().__init__(forward_min_event_ndims=0)

    assert not isinstance(tfb.Chain([Custom()]), tfb.Chain)
    chain = B.Chain([B.Scale(event_shape=2)])
    assert isinstance(chain, B.Chain)
    assert isinstance(tff.Flow(normal(2), chain), tfd.TransformedDistribution)


def test_networks_in_float64_and_mixed_precision():
    x = tf.ones([2, 4], tf.float64)
    maf = tfb.MaskedAutoregressiveFlow(tfb.AutoregressiveNetwork(**OPTIONS))
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError, ValueError)):
        tfd.TransformedDistribution(normal(4, tf.float64), maf).log_prob(x)
    ours = B.MaskedAutoregressive(event_shape=4, dtype=tf.float64)
    assert tff.Flow(normal(4, tf.float64), ours).log_prob(x).dtype == tf.float64
    # A float32 network given by hand is cast, not refused.
    network = tff.networks.AutoregressiveNetwork(**OPTIONS)
    given = B.MaskedAutoregressive(event_shape=4, dtype=tf.float64, network=network)
    assert given.inverse(x).dtype == tf.float64
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        mixed = tff.networks.AutoregressiveNetwork(**OPTIONS)
        theirs = tfb.MaskedAutoregressiveFlow(tfb.AutoregressiveNetwork(**OPTIONS))
        with pytest.raises((TypeError, tf.errors.InvalidArgumentError, ValueError)):
            tfd.TransformedDistribution(normal(4), theirs).log_prob(tf.ones([2, 4]))
        flow = tff.Flow(normal(4), B.MaskedAutoregressive(event_shape=4, network=mixed))
        assert flow.log_prob(tf.ones([2, 4])).dtype == tf.float32
        assert {v.dtype for v in mixed.trainable_variables} == {tf.float32}
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")


def test_our_network_serves_in_the_bijector_of_tfp():
    network = rows.randomise(tff.networks.AutoregressiveNetwork(**OPTIONS))
    x = tf.random.stateless_normal([5, 4], (0, 1))
    theirs = tfb.MaskedAutoregressiveFlow(network)
    ours = B.MaskedAutoregressive(
        event_shape=4, network=network, transformer=tff.transformers.Affine(max_log_scale=1e6)
    )
    np.testing.assert_allclose(theirs.inverse(x), ours.inverse(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        theirs.inverse_log_det_jacobian(x, event_ndims=1),
        ours.inverse_log_det_jacobian(x, event_ndims=1),
        rtol=1e-5,
        atol=1e-5,
    )


def test_invalid_planar_constraint_norms_would_break_invertibility():
    """The constraint of the paper divides by the squared norm of w, not by the norm."""
    bijector = rows.randomise(B.Planar(event_shape=3, seed=0), scale=2.0)
    raw = bijector.trainable_variables[0].numpy().astype(np.float64)
    w, u = raw[:3], raw[3:6]
    product = w @ u
    expected = u + (np.log1p(np.exp(product)) - 1 - product) * w / (w @ w)
    x = np.zeros((1, 3), np.float32)
    y = bijector.forward(x).numpy()[0] / np.tanh(raw[6])
    np.testing.assert_allclose(y, expected, rtol=1e-4)
    assert w @ expected >= -1

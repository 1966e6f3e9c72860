"""What is particular to one bijector; what all share is in `test_table.py`."""

import inspect

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
B, T = tff.bijectors, tff.transformers


def data(n=100, size=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, size)).astype(np.float32)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("half", [True, True, False, False, False]),
        ("~half", [False, False, True, True, True]),
        ("alternating", [True, False, True, False, True]),
        ("~alternating", [False, True, False, True, False]),
        ([False, True, True, False, True], [False, True, True, False, True]),
    ],
)
def test_masks(mask, expected):
    assert B.coupling_mask(mask, 5).tolist() == expected
    bijector = rows.randomise(B.Coupling(event_shape=5, mask=mask, hidden_units=[8]))
    x = data(size=5)
    y = bijector.forward(x).numpy()
    np.testing.assert_array_equal(y[:, expected], x[:, expected])
    changed = ~np.array(expected)
    assert np.abs(y[:, changed] - x[:, changed]).min() > 0
    # The parameters depend on the passing entries alone.
    moved = x.copy()
    moved[:, changed] += 1.0
    with tf.GradientTape() as tape:
        value = tf.constant(x)
        tape.watch(value)
        out = bijector.forward(value)
    jacobian = tape.batch_jacobian(out, value).numpy()
    inner = jacobian[:, changed][:, :, changed]
    np.testing.assert_allclose(inner, inner * np.eye(changed.sum()), atol=1e-7)


def test_masks_that_allow_no_coupling():
    with pytest.raises(ValueError, match="both sides of its mask"):
        B.Coupling(event_shape=3, mask=[True, True, True])
    with pytest.raises(ValueError, match="event of one dimension"):
        B.Coupling(event_shape=1)
    with pytest.raises(ValueError, match="must be 3 booleans"):
        B.Coupling(event_shape=3, mask=[True, False])
    with pytest.raises(ValueError, match="must be 3 booleans"):
        B.Coupling(event_shape=3, mask=[0.5, 1.0, 0.0])
    with pytest.raises(tff.InputError, match="did you mean 'alternating'"):
        B.Coupling(event_shape=3, mask="alternate")


def test_nice_is_of_volume_one_and_realnvp_is_not():
    x = data()
    additive = rows.randomise(B.Coupling(event_shape=3, transformer=T.Additive()), scale=1.0)
    np.testing.assert_array_equal(additive.forward_and_log_det(x)[1], np.zeros(100))
    affine = rows.randomise(B.Coupling(event_shape=3), scale=1.0)
    assert np.abs(affine.forward_and_log_det(x)[1]).max() > 1


def test_log_scale_is_bounded():
    bijector = rows.randomise(
        B.Coupling(event_shape=2, transformer=T.Affine(max_log_scale=1.5)), scale=100.0
    )
    log_det = bijector.forward_and_log_det(data(size=2) * 1e6)[1]
    assert np.abs(log_det).max() <= 1.5
    with pytest.raises(ValueError, match="max_log_scale must be positive"):
        T.Affine(max_log_scale=0)


@pytest.mark.parametrize("recipe", ["planar", "radial", "nice", "realnvp", "maf", "iaf"])
def test_flows_start_near_the_identity_and_the_first_step_is_finite(recipe):
    flow = tff.flows.get(recipe)(event_shape=4, seed=0)
    z = data(size=4)
    if recipe != "radial":
        np.testing.assert_allclose(flow.from_latent(z), z, atol=0.5)
    # On data of any scale.
    x = tf.constant(data(size=4) * 1e4 + 1e5)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(flow.log_prob(x))
    for gradient in tape.gradient(loss, flow.trainable_variables):
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("strength", [-200.0, -20.0, 0.0, 30.0, 3000.0])
def test_planar_inverse_is_exact_for_extreme_weights(strength):
    bijector = B.Planar(event_shape=2, dtype=tf.float64, seed=0)
    w = np.array([1.5, -0.5])
    u = strength * w / (w @ w)
    bijector.trainable_variables[0].assign(np.concatenate([w, u, [0.3]]))
    x = np.random.default_rng(0).normal(size=(200, 2)) * 5
    y, log_det = bijector.forward_and_log_det(x)
    back, inverse = bijector.inverse_and_log_det(y)
    slope = np.exp(np.min(log_det))
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-14 / slope)
    np.testing.assert_allclose(inverse, -log_det, rtol=1e-6, atol=1e-6)


def test_gradients_of_the_planar_inverse_agree_with_finite_differences():
    bijector = rows.randomise(B.Planar(event_shape=3, dtype=tf.float64, seed=0), scale=1.0)
    y = tf.constant(data().astype(np.float64)[:5])
    variable = bijector.trainable_variables[0]

    def value():
        x, log_det = bijector.inverse_and_log_det(y)
        return tf.reduce_sum(tf.sin(x)) + tf.reduce_sum(log_det)

    with tf.GradientTape() as tape:
        total = value()
    gradient = tape.gradient(total, variable).numpy()
    start, step = variable.numpy(), 1e-6
    for i in range(len(start)):
        ends = []
        for sign in (1, -1):
            variable.assign(start + sign * step * np.eye(len(start))[i])
            ends.append(float(value()))
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(gradient[i], rel=1e-5, abs=1e-7)
    variable.assign(start)


def test_radial_matches_its_formula_and_is_smooth_at_its_centre():
    bijector = rows.randomise(B.Radial(event_shape=2, dtype=tf.float64, seed=0), scale=1.0)
    raw = bijector.trainable_variables[0].numpy()
    centre, alpha, total = raw[:2], np.log1p(np.exp(raw[2])), np.log1p(np.exp(raw[3]))
    x = np.random.default_rng(0).normal(size=(20, 2))
    offset = x - centre
    radius = np.linalg.norm(offset, axis=1, keepdims=True)
    expected = x + (total - alpha) * offset / (alpha + radius)
    np.testing.assert_allclose(bijector.forward(x), expected, rtol=1e-5)
    for method in (bijector.forward_and_log_det, bijector.inverse_and_log_det):
        at = tf.constant(centre[None])
        with tf.GradientTape() as tape:
            tape.watch(at)
            value, log_det = method(at)
            result = tf.reduce_sum(value) + tf.reduce_sum(log_det)
        assert np.isfinite(tape.gradient(result, at)).all()
        np.testing.assert_allclose(value, centre[None], atol=1e-12)


@pytest.mark.parametrize("cls", [B.ActNorm, B.Standardize])
def test_adapt_normalises(cls):
    bijector = cls(event_shape=3)
    assert bijector.needs_adapt
    np.testing.assert_array_equal(bijector.forward(data()), data())
    x = data() * [1.0, 100.0, 1e-3] + [0.0, 1e4, 5.0]
    bijector.adapt(x)
    assert not bijector.needs_adapt
    z = bijector.inverse(x).numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-3)
    assert bool(bijector.trainable_variables) == (cls is B.ActNorm)


@pytest.mark.parametrize("value", [0.0, 7.0, 1e-20, 1e20])
def test_adapt_is_safe_on_constant_batches(value):
    bijector = B.ActNorm(event_shape=2)
    batch = np.full((10, 2), value, np.float32)
    bijector.adapt(batch)
    z, log_det = bijector.inverse_and_log_det(batch)
    np.testing.assert_allclose(z, 0, atol=1e-5)
    np.testing.assert_array_equal(log_det, np.zeros(10))


def test_adapt_refuses_bad_batches():
    bijector = B.ActNorm(event_shape=2)
    for bad in (np.zeros((0, 2)), np.zeros((5, 3)), np.zeros(2)):
        with pytest.raises(ValueError, match="at least one row of shape"):
            bijector.adapt(bad)
    with pytest.raises(ValueError, match="finite data"):
        bijector.adapt([[1.0, np.nan]])
    assert bijector.needs_adapt


def test_min_max_maps_the_range():
    x = data() * 50 + 1e3
    bijector = B.MinMax(event_shape=3)
    bijector.adapt(x)
    z = bijector.inverse(x).numpy()
    np.testing.assert_allclose([z.min(axis=0), z.max(axis=0)], [[-0.8] * 3, [0.8] * 3], atol=1e-4)


def test_batch_norm_in_training_is_the_map_of_its_batch():
    bijector = rows.randomise(B.BatchNorm(event_shape=3, momentum=0.9))
    x = data() * [1.0, 5.0, 0.1] + [3.0, 0.0, -1.0]
    before = [v.numpy() for v in bijector.variables]
    z, log_det = bijector.inverse_and_log_det(x, training=True)
    names = [v.name.split(":")[0] for v in bijector.variables]
    old = dict(zip(names, before, strict=True))
    new = dict(zip(names, [v.numpy() for v in bijector.variables], strict=True))
    mean, variance = x.mean(axis=0), x.var(axis=0)
    scale = np.exp(old["log_gamma"]) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(z, (x - mean) * scale + old["beta"], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(log_det, np.full(100, np.log(scale).sum()), rtol=1e-4)
    np.testing.assert_allclose(new["moving_mean"], 0.1 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(new["moving_variance"], 0.9 + 0.1 * variance, rtol=1e-4)


def test_batch_norm_takes_a_tensor_as_training_flag():
    bijector = B.BatchNorm(event_shape=3)
    x = data() * 3 + 1
    compute = tf.function(lambda flag: bijector.inverse_and_log_det(x, training=flag))
    for flag in (False, True):
        expected = B.BatchNorm(event_shape=3).inverse_and_log_det(x, training=flag)
        np.testing.assert_allclose(compute(tf.constant(flag))[0], expected[0], rtol=1e-5)


def test_batch_norm_edges():
    with pytest.raises(ValueError, match="needs a batch of events in training"):
        B.BatchNorm(event_shape=3).inverse(data()[0], training=True)
    z, log_det = B.BatchNorm(event_shape=3).inverse_and_log_det(data()[:1], training=True)
    assert np.isfinite(z).all()
    assert np.isfinite(log_det).all()
    with pytest.raises(ValueError, match="momentum must be in"):
        B.BatchNorm(event_shape=3, momentum=1.0)
    with pytest.raises(ValueError, match="epsilon must be positive"):
        B.BatchNorm(event_shape=3, epsilon=0.0)


def test_linear_is_the_matrix_it_says():
    bijector = rows.randomise(B.InvertibleLinear(event_shape=4, dtype=tf.float64, seed=1))
    matrix = bijector.forward(np.eye(4)).numpy().T
    sign, log_det = np.linalg.slogdet(matrix)
    assert sign != 0
    np.testing.assert_allclose(bijector.forward_and_log_det(np.ones(4))[1], log_det)
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(bijector.forward(x), x @ matrix.T)
    rotation = B.InvertibleLinear(event_shape=4, dtype=tf.float64, seed=1)
    start = rotation.forward(np.eye(4)).numpy()
    np.testing.assert_allclose(start @ start.T, np.eye(4), atol=1e-12)
    identity = B.InvertibleLinear(event_shape=4, initial="identity")
    np.testing.assert_array_equal(identity.forward(np.eye(4)), np.eye(4))


def test_seeds_repeat_and_differ():
    for build in (
        lambda seed: B.Permutation(event_shape=20, permutation="random", seed=seed),
        lambda seed: B.InvertibleLinear(event_shape=20, seed=seed),
        lambda seed: rows.randomise(B.Coupling(event_shape=20, seed=seed)),
        lambda seed: B.MaskedAutoregressive(event_shape=20, seed=seed, input_order="random"),
        lambda seed: B.Planar(event_shape=20, seed=seed),
    ):
        x = data(size=20)
        np.testing.assert_array_equal(build(1).forward(x), build(1).forward(x))
        assert not np.allclose(build(1).forward(x), build(2).forward(x))


def test_permutations_refuse_what_is_none():
    with pytest.raises(ValueError, match="each of 0 to 2 once"):
        B.Permutation(event_shape=3, permutation=[0, 0, 1])
    with pytest.raises(tff.InputError, match="did you mean 'reverse'"):
        B.Permutation(event_shape=3, permutation="revers")


def test_chain_order_is_that_of_tfp():
    shift, scale = tfb.Shift([1.0, 2.0]), tfb.Scale([2.0, 3.0])
    ours = B.Chain([shift, scale], event_shape=2)
    theirs = tfb.Chain([shift, scale])
    x = data(size=2)
    np.testing.assert_allclose(ours.forward(x), theirs.forward(x))
    np.testing.assert_allclose(
        ours.forward_log_det_jacobian(x), theirs.forward_log_det_jacobian(x, event_ndims=1)
    )


def test_chain_sees_new_weights_of_members_from_tfp():
    shift = tf.Variable([0.0, 0.0])
    chain = B.Chain([tfb.Shift(shift)], event_shape=2)
    x = tf.zeros([1, 2])
    held = chain.inverse(x)
    shift.assign([1.0, 1.0])
    np.testing.assert_array_equal(chain.inverse(x), held - 1.0)


def test_chain_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="disagree on event_shape"):
        B.Chain([B.Scale(event_shape=2), B.Scale(event_shape=3)])
    with pytest.raises(ValueError, match="disagree on dtype"):
        B.Chain([B.Scale(event_shape=2), B.Scale(event_shape=2, dtype=tf.float64)])
    with pytest.raises(ValueError, match="disagree on context_shape"):
        B.Chain([B.Planar(event_shape=2, context_shape=n) for n in (1, 2)])
    with pytest.raises(ValueError, match="needs event_shape"):
        B.Chain([])
    with pytest.raises(TypeError, match="is not a bijector"):
        B.Chain([B.Scale(event_shape=2), "planar"])
    chain = B.Chain([tfb.FillTriangular()], event_shape=3)
    with pytest.raises(ValueError, match="changes the shape"):
        chain.forward(data(size=3))


def test_a_member_with_a_random_part_in_a_chain_and_given_its_context():
    class Padded(B.Bijector):
        """A number more, drawn at random; its density is a bound's."""

        resizes = True

        def __init__(self):
            super().__init__(event_shape=2, latent_shape=3, context_shape=2)

        def _forward_and_log_det(self, x, context, training):
            return x[..., :2] + context, tf.zeros(tf.shape(x)[:-1])

        def _inverse_and_log_det(self, y, context, training):
            noise = tf.random.normal(tf.shape(y[..., :1]))
            log_det = 0.5 * (noise[..., 0] ** 2 + np.log(2 * np.pi))
            return tf.concat([y - context, noise], -1), log_det

    chain = B.Chain([Padded(), B.Scale(event_shape=3)])
    assert (chain.event_shape, chain.latent_shape) == ((2,), (3,))
    flow, shift = tff.Flow(tff.flows.standard_normal(3), chain), np.float32([0.5, -1])
    y = data(size=2)
    # The noise has just the law of the latent that it becomes, so that the bound is exact.
    expected = -0.5 * np.sum((y - shift) ** 2, axis=1) - np.log(2 * np.pi)
    np.testing.assert_allclose(flow.log_prob(y, shift), expected, rtol=1e-4)
    given = flow.given(shift)
    np.testing.assert_allclose(given.log_prob(y), expected, rtol=1e-4)
    assert given.sample(4, seed=0).shape == (4, 2)


def test_chain_adapts_each_member_to_what_reaches_it():
    x = data() * [1.0, 20.0, 0.3] + 5.0
    inner = B.ActNorm(event_shape=3)
    chain = B.Chain([B.Standardize(event_shape=3), tfb.Shift([2.0, 2.0, 2.0]), inner])
    chain.adapt(x)
    assert not chain.needs_adapt
    np.testing.assert_allclose(np.mean(chain.inverse(x), axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(inner.forward(np.zeros((1, 3))), [[-2.0] * 3], atol=1e-4)


def test_a_keras_network_of_the_users_own_as_autoregressive_network():
    class Shifted(tf.keras.layers.Layer):
        """Autoregressive by construction: a strictly triangular kernel."""

        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(6)

        def call(self, x):
            before = tf.concat([tf.zeros_like(x[:, :1]), x[:, :1]], axis=1)
            return tf.stack([tf.tanh(before), 0.3 * before], axis=-1) + 0.0 * self.dense(x)[0, 0]

    bijector = B.MaskedAutoregressive(event_shape=2, network=Shifted())
    assert len(bijector.trainable_variables) == 2
    x = data(size=2)
    np.testing.assert_allclose(bijector.inverse(bijector.forward(x)), x, atol=1e-5)


def test_sharpness_of_the_softsign():
    bijector = B.SoftsignBimodal(event_shape=2, sharpness=[0.5, 3.0])
    np.testing.assert_allclose(bijector.sharpness, [0.5, 3.0], rtol=1e-6)
    x = data(size=2)
    expected = np.array([0.5, 3.0]) * x / (1 + np.array([0.5, 3.0]) * np.abs(x))
    np.testing.assert_allclose(bijector.forward(x), expected, rtol=1e-5)
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="sharpness must be positive"):
            B.SoftsignBimodal(event_shape=2, sharpness=bad)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 4.0])
def test_softsign_makes_two_modes(sharpness):
    flow = tff.flows.softsign_bimodal(event_shape=1, sharpness=sharpness, dtype="float64")
    grid = np.linspace(-0.9999, 0.9999, 20001)
    density = flow.prob(grid[:, None]).numpy()
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=2e-3)
    modes = grid[1:-1][(density[1:-1] > density[:-2]) & (density[1:-1] > density[2:])]
    # The roots of the derivative of log N(x) + 2 log(1 + s |x|).
    x = (np.sqrt(1 + 8 * sharpness**2) - 1) / (2 * sharpness)
    place = sharpness * x / (1 + sharpness * x)
    np.testing.assert_allclose([modes.min(), modes.max()], [-place, place], atol=1e-2)


def test_events_of_rank_zero_and_two():
    scalar = B.SoftsignBimodal(event_shape=())
    assert scalar.forward_and_log_det([0.1, 0.2])[1].shape == (2,)
    matrix = B.Scale(event_shape=(2, 3))
    assert matrix.forward_min_event_ndims == 2
    assert matrix.forward_and_log_det(np.zeros((5, 2, 3)))[1].shape == (5,)
    total = B.Scale(event_shape=3).forward_log_det_jacobian(np.zeros((5, 4, 3)), event_ndims=2)
    assert total.shape == (5,)
    with pytest.raises(ValueError, match="event_ndims must be known and at least 2"):
        matrix.forward_log_det_jacobian(np.zeros((5, 2, 3)), event_ndims=1)


@pytest.mark.parametrize("shape", [0, -1, (2, 0), None, "a", [None]])
def test_event_shapes_that_are_none(shape):
    with pytest.raises(ValueError, match="event_shape must be positive integers"):
        B.Scale(event_shape=shape)


def test_a_direction_without_formula_says_so():
    class OneWay(B.Bijector):
        def _forward_and_log_det(self, x, context, training):
            return x, tf.zeros(x.shape[:-1])

    bijector = OneWay(event_shape=2)
    assert bijector.forward(np.zeros((1, 2))).shape == (1, 2)
    with pytest.raises(NotImplementedError, match="no inverse direction"):
        bijector.inverse(np.zeros((1, 2)))


def test_assignment_between_two_uses_in_one_graph():
    bijector = B.ActNorm(event_shape=2)
    flow = tfd.TransformedDistribution(tff.flows.standard_normal(2), bijector)
    shift = bijector.trainable_variables[1]

    @tf.function
    def twice(x):
        first = flow.log_prob(x)
        shift.assign_add([1.0, 1.0])
        return first, flow.log_prob(x)

    first, second = twice(tf.zeros([1, 2]))
    assert float(first[0] - second[0]) == pytest.approx(1.0)


def test_planar_without_direction_is_a_shift():
    bijector = B.Planar(event_shape=2)
    bijector.trainable_variables[0].assign([0.0, 0.0, 0.7, -0.2, 0.5])
    x = data(size=2)
    y, log_det = bijector.forward_and_log_det(x)
    np.testing.assert_allclose(y, x + np.tanh(0.5) * np.array([0.7, -0.2]), rtol=1e-5)
    np.testing.assert_array_equal(log_det, np.zeros(100))
    np.testing.assert_allclose(bijector.inverse(y), x, rtol=1e-4, atol=1e-6)


def test_radial_is_finite_far_away():
    bijector = rows.randomise(B.Radial(event_shape=2, seed=0))
    far = tf.constant([[1e15, -1e15], [1e30, 0.0], [3e37, 3e37]])
    for method in (bijector.forward_and_log_det, bijector.inverse_and_log_det):
        value, log_det = method(far)
        np.testing.assert_allclose(value, far, rtol=1e-5)
        np.testing.assert_allclose(log_det, np.zeros(3), atol=1e-5)


@pytest.mark.parametrize("cls", [B.Coupling, B.MaskedAutoregressive])
def test_compute_dtype_is_used_and_saturates(cls):
    full, half = (
        rows.randomise(cls(event_shape=2, compute_dtype=dtype, seed=1))
        for dtype in (None, "float16")
    )
    x = data(size=2)
    assert not np.array_equal(full.inverse(x), half.inverse(x))
    np.testing.assert_allclose(full.inverse(x), half.inverse(x), rtol=0.02, atol=0.05)
    for part in half.inverse_and_log_det(x * 1e6):
        assert np.isfinite(part).all()


def test_networks_that_are_not_autoregressive_are_refused():
    dense = tff.networks.MLP(input_size=3, output_size=6, output_scale=1.0, seed=0)
    for cls in (B.MaskedAutoregressive, B.InverseAutoregressive):
        with pytest.raises(ValueError, match="the network is not autoregressive"):
            cls(event_shape=3, network=dense)
    for order in ("right-to-left", "random"):
        network = rows.randomise(
            tff.networks.AutoregressiveNetwork(
                2,
                event_shape=3,
                hidden_units=[8],
                input_order=order,
                conditional=True,
                conditional_event_shape=2,
            )
        )
        B.MaskedAutoregressive(event_shape=3, context_shape=2, network=network)


def test_plain_network_of_tfp_keeps_its_masks_under_any_update():
    network = tfb.AutoregressiveNetwork(2, event_shape=3, hidden_units=[8], activation="tanh")
    bijector = B.MaskedAutoregressive(event_shape=3, network=network)
    for variable in bijector.trainable_variables:
        variable.assign_add(tf.random.stateless_normal(variable.shape, (0, 1)))
    y = tf.constant(data())
    with tf.GradientTape() as tape:
        tape.watch(y)
        x, log_det = bijector.inverse_and_log_det(y)
    jacobian = tape.batch_jacobian(x, y).numpy()
    assert np.abs(np.triu(jacobian, 1)).max() == 0
    np.testing.assert_allclose(np.linalg.slogdet(jacobian)[1], log_det, rtol=1e-4, atol=1e-5)


def test_the_callers_array_is_copied():
    mask = np.array([True, False])
    bijector = B.Coupling(event_shape=2, mask=mask)
    mask[:] = ~mask
    assert bijector.mask.tolist() == [True, False]
    assert np.asarray(bijector.get_config()["mask"]).tolist() == [True, False]


def test_the_handed_on_log_det_belongs_to_its_context():
    bijector = rows.randomise(B.Coupling(event_shape=2, context_shape=1, seed=0))
    space = tfp.experimental.tangent_spaces.FullSpace()
    x = bijector.inverse(data(size=2), context=np.zeros((1, 1)))
    other = np.full((1, 1), 3.0)
    correction, _ = bijector.experimental_compute_density_correction(
        x, space, backward_compat=True, event_ndims=1, context=other
    )
    expected = bijector.forward_log_det_jacobian(tf.identity(x), context=other)
    np.testing.assert_allclose(correction, expected, rtol=1e-5)


def test_chain_hands_the_training_flag_and_the_context_on():
    norm = B.BatchNorm(event_shape=2)
    chain = B.Chain([B.Chain([B.Coupling(event_shape=2, context_shape=1)]), norm])
    x, context = data(size=2) * 3 + 1, data(size=1)
    rows.randomise(chain)
    chain.adapt(x, context)
    assert not norm.needs_adapt
    z = chain.bijectors[0].inverse(x, context=context).numpy()
    mean = next(v for v in norm.variables if "moving_mean" in v.name)
    np.testing.assert_allclose(mean, z.mean(axis=0), rtol=1e-3, atol=1e-4)
    before = mean.numpy()
    shifted = x + 5.0
    chain.inverse(shifted, context=context)
    np.testing.assert_array_equal(mean, before)
    chain.inverse(shifted, context=context, training=True)
    assert np.abs(mean - before).max() > 1e-3


def test_given_adapts_with_its_context():
    chain = B.Chain([B.Coupling(event_shape=2, context_shape=1), B.ActNorm(event_shape=2)])
    given = B.Given(rows.randomise(chain), np.array([0.4], np.float32))
    assert given.needs_adapt
    given.adapt(data(size=2))
    np.testing.assert_allclose(np.std(given.inverse(data(size=2)), axis=0), 1, rtol=1e-3)


def test_min_max_of_a_constant_column():
    bijector = B.MinMax(event_shape=2)
    x = np.stack([np.full(10, 7.0), np.arange(10.0)], axis=1).astype(np.float32)
    bijector.adapt(x)
    z, log_det = bijector.inverse_and_log_det(x)
    np.testing.assert_allclose(z[:, 0], np.zeros(10), atol=1e-6)
    np.testing.assert_allclose(log_det, np.full(10, np.log(0.8) + np.log(0.8 / 4.5)), rtol=1e-5)


def test_autograph_rewrites_no_bijector():
    class Told(B.Scale):
        def _inverse_and_log_det(self, y, context, training):
            files.append(inspect.currentframe().f_code.co_filename)
            return super()._inverse_and_log_det(y, context, training)

    files, told = [], Told(event_shape=3)
    y = tf.ones([2, 3])
    for method in ("inverse_and_log_det", "inverse_value", "inverse_and_log_det_map", "inverse"):
        tf.function(getattr(told, method))(y)
    assert len(files) == 4
    assert set(files) == {__file__}

"""One far row does not feed itself through the layers of an affine flow."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import bijectors as B
from tfp_flows import serialization
from tfp_flows.config import defaults_of
from tfp_flows.errors import DataWarning

BOUND = 2.0
LAYERS = 5


def wild(name, **options):
    """A flow with weights far larger than training gives."""
    options = {"event_shape": 6, "num_layers": LAYERS, "hidden_units": [16], **options}
    if name != "nice":  # what layers do, not what tails make of it
        options.setdefault("tails", None)
    flow = tff.flows.get(name)(standardize=False, seed=0, dtype="float64", **options)
    generator = np.random.default_rng(1)
    for variable in flow.trainable_variables:
        variable.assign(2.0 * generator.normal(size=variable.shape))
    return flow


@pytest.mark.parametrize("name", ["maf", "iaf", "realnvp"])
def test_latents_grow_no_faster_than_the_bounded_scales(name):
    flow = wild(name)
    x = np.random.default_rng(2).normal(size=(200, 6))
    for size in (1e3, 1e6):
        latents = np.abs(flow.to_latent(size * x)).max(axis=1) / size
        furthest = np.abs(x).max(axis=1)
        # Shifts are bounded as well, by some number that is nothing beside 1e6.
        room = 1.0 + 1e-3 if size == 1e6 else 2.0
        assert np.all(latents <= room * np.exp(BOUND * LAYERS) * furthest)


@pytest.mark.parametrize("name", ["maf", "realnvp", "nice"])
def test_networks_see_bounded_inputs(name):
    flow = wild(name)
    x = np.random.default_rng(2).normal(size=(50, 6))
    far, further = (flow.to_latent(size * x) / size for size in (1e14, 1e16))
    # Far out, everything that networks predict has settled, and the map is linear.
    np.testing.assert_allclose(far, further, rtol=1e-5, atol=1e-5)


def test_what_was_saved_before_keeps_its_defaults():
    with defaults_of(0):
        old = wild("realnvp")
    x = np.random.default_rng(2).normal(size=(5, 6))
    coupling = old.bijector.bijectors[0]
    assert coupling.transformer.max_log_scale == 5.0
    new = wild("realnvp")
    assert not np.allclose(new.log_prob(20 * x), old.log_prob(20 * x))
    written = serialization.encode(old)
    for variant in (written, _as_written_before(written)):
        again = serialization.decode(variant)
        for mine, theirs in zip(again.variables, old.variables, strict=True):
            mine.assign(theirs)
        np.testing.assert_array_equal(again.log_prob(20 * x), old.log_prob(20 * x))


def _as_written_before(data):
    """Without the number of the defaults, and without the arguments that were no arguments yet."""
    if isinstance(data, list):
        return [_as_written_before(item) for item in data]
    if not isinstance(data, dict):
        return data
    data = {key: _as_written_before(item) for key, item in data.items() if key != "defaults"}
    if "$dict" in data:
        young = ("input_bound", "max_log_scale")
        data["$dict"] = [pair for pair in data["$dict"] if pair[0] not in young]
    return data


@pytest.mark.parametrize(("layers", "bound"), [(5, 2.0), (6, 2.0), (12, 1.0), (24, 0.5)])
def test_deep_couplings_share_what_they_may_stretch(layers, bound):
    def bounds(**options):
        flow = tff.flows.realnvp(event_shape=2, num_layers=layers, hidden_units=[4], **options)
        couplings = [m for m in flow.submodules if isinstance(m, tff.bijectors.Coupling)]
        assert len(couplings) == layers
        return {coupling.transformer.max_log_scale for coupling in couplings}

    assert bounds() == {bound}
    assert bounds(max_log_scale=3.0) == {3.0}
    with defaults_of(1):  # a fit that was begun before is resumed as it was
        assert bounds() == {2.0}


def test_defaults_of_a_newer_version_are_refused():
    written = serialization.encode(tff.transformers.Affine())
    written["defaults"] = 99
    with pytest.raises(tff.InputError, match=r"generation 99, by a newer tfp-flows"):
        serialization.decode(written)


def test_a_bound_that_is_none_is_refused():
    with pytest.raises(ValueError, match="input_bound must be positive, got 0"):
        tff.bijectors.Coupling(event_shape=2, input_bound=0)
    assert tf.math.is_finite(
        tff.bijectors.Coupling(event_shape=2, input_bound=None).forward(tf.ones([2]))[0]
    )


@pytest.mark.parametrize("name", ["maf", "iaf", "realnvp"])
def test_a_row_thrown_far_costs_by_its_logarithm(name):
    x = np.random.default_rng(2).normal(size=(50, 6))
    plain, tailed = wild(name), wild(name, tails=3.0)
    latents = np.abs(plain.to_latent(x))
    assert latents.max() > 100
    # The same layers, the same latents: what differs is what a latent costs.
    beyond = np.maximum(latents / 3, 1)
    share = np.sqrt(1 + 2 * np.log(beyond))
    cost = 4.5 * share**2 + np.log(beyond * share)
    normal = np.maximum(latents, 3) ** 2 / 2
    gain = np.sum(normal - cost, axis=1)
    np.testing.assert_allclose(tailed.log_prob(x) - plain.log_prob(x), gain, rtol=1e-6, atol=1e-6)
    inside = latents.max(axis=1) < 3
    np.testing.assert_array_equal(tailed.log_prob(x)[inside], plain.log_prob(x)[inside])


def test_who_has_tails():
    def knees(name="realnvp", **options):
        flow = tff.flows.get(name)(event_shape=3, num_layers=2, hidden_units=(8,), **options)
        members = flow.bijector.bijectors
        return [m.get_config().get("knee") for m in members if isinstance(m, B.PowerTails)]

    for name in ("maf", "iaf", "realnvp"):
        assert knees(name) == [3.0]
        assert knees(name, tails=5.0) == [5.0]
        assert knees(name, tails=None) == []
        assert knees(name, base=tff.bases.StudentT(event_shape=3)) == []
        with defaults_of(2):
            assert knees(name) == []
        with pytest.raises(ValueError, match="knee must be positive and finite, got -1"):
            knees(name, tails=-1)
    with pytest.warns(DataWarning, match="only be a Gaussian"):
        straight = tff.flows.maf(event_shape=1)
    assert not any(isinstance(m, B.PowerTails) for m in straight.bijector.bijectors)


@pytest.mark.parametrize("knee", [3.0, 0.7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tails_at_their_joints(dtype, knee):
    tails = serialization.decode(
        serialization.encode(B.PowerTails(event_shape=1, knee=knee, dtype=dtype))
    )
    last = knee * np.sqrt(121)
    for x in (0.0, knee, -knee, last, -last, 1e9):
        point = tf.constant([[x]], dtype)
        with tf.GradientTape() as tape:
            tape.watch(point)
            y, log_det = tails.forward_and_log_det(point)
        slope = tape.gradient(y, point).numpy().item()
        assert np.log(slope) == pytest.approx(log_det.numpy().item(), abs=1e-4)
        back, minus = tails.inverse_and_log_det(y)
        np.testing.assert_allclose(back, point, rtol=1e-5)
        np.testing.assert_allclose(minus, -log_det, rtol=1e-5, atol=1e-6)
    inside = tf.constant([[-0.999 * knee], [0.1]], dtype)
    np.testing.assert_array_equal(tails.forward(inside), inside)
    beyond = tf.constant([[-2 * knee], [3 * knee]], dtype)
    expected = knee * np.exp([[1.5], [4.0]]) * [[-1], [1]]
    np.testing.assert_allclose(tails.forward(beyond), expected, rtol=1e-5)


def test_tails_take_nothing_from_what_is_normal():
    tails = B.PowerTails(event_shape=1, dtype="float64")
    flow = tff.Flow(tff.flows.standard_normal(1, tf.float64), tails)
    y = np.linspace(-400, 400, 800_001)[:, None]
    density = np.exp(flow.log_prob(y).numpy())
    assert np.trapezoid(density, dx=0.001) == pytest.approx(1, abs=1e-6)
    normal = np.exp(-0.5 * y[:, 0] ** 2) / np.sqrt(2 * np.pi)
    near = np.abs(y[:, 0]) < 30
    lost = normal[near] * (np.log(normal[near]) - np.log(density[near]))
    assert 0 < np.trapezoid(lost, dx=0.001) < 7e-5

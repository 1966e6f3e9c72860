"""Flow policies: densities over the box, latents, what is refused."""

import gymnasium as gym
import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import rl
from tfp_flows.errors import DataWarning
from tfp_flows.flows.catalogue import POLICIES
from tfp_flows.rl.heads import ActionBox, ContextHead

BOX = gym.spaces.Box(np.array([-2.0, -1.0]), np.array([1.0, 3.0]), dtype=np.float64)
SMALL = {"hidden_units": (8, 8), "flow_hidden": (8,), "num_layers": 2}


def policy(name, space=BOX, **options):
    """One whose weights are far from those it begins with."""
    made = rl.FlowPolicy(3, space, flow=name, seed=0, **(SMALL | options))
    generator = np.random.default_rng(1)
    for variable in made.trainable_variables:
        variable.assign(variable + 0.15 * generator.standard_normal(variable.shape))
    return made


def places_in_the_box(count):
    """A grid that is fine at the bounds, and the area of each of its cells."""
    axis = 18 * ((np.arange(count) + 0.5) / count - 0.5)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    areas = 1.5 * 2 * np.prod(1 / np.cosh(x) ** 2, axis=1) * (18 / count) ** 2
    return [-0.5, 1.0] + [1.5, 2.0] * np.tanh(x), areas


@pytest.mark.parametrize(
    "name",
    ["gaussian", *(pytest.param(name, marks=pytest.mark.deep) for name in POLICIES)],
)
def test_the_density_is_one_of_the_box(name):
    made = policy(name, dtype=tf.float64)
    observation = np.random.default_rng(0).standard_normal((1, 3))
    places, areas = places_in_the_box(250)
    log_density = made.log_prob(places, np.repeat(observation, len(places), axis=0)).numpy()
    mass = np.exp(log_density) * areas
    assert mass.sum() == pytest.approx(1, abs=0.01)
    actions, log_prob, latents = made.sample(np.repeat(observation, 4000, axis=0), (0, 1))
    assert ((actions >= [-2, -1]) & (actions <= [1, 3])).numpy().all()
    entropy = -(mass * log_density).sum()
    spread = log_prob.numpy().std() / np.sqrt(4000)
    assert -log_prob.numpy().mean() == pytest.approx(entropy, abs=4 * spread + 0.01)
    again, same = made.act(np.repeat(observation, 4000, axis=0), latents)
    np.testing.assert_array_equal(again, actions)
    np.testing.assert_array_equal(same, log_prob)


def test_densities_come_from_latents_at_the_bounds():
    box = ActionBox(low=[-2.0], high=[1.0])
    x = tf.constant([[0.5], [12.0], [-40.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_det = box.forward_and_log_det(x)
    far = np.abs(x[:, 0])
    exact = np.log(1.5) + np.log(4) - 2 * far - 2 * np.log1p(np.exp(-2 * far))
    np.testing.assert_allclose(log_det, exact, rtol=1e-5)
    assert float(y[1, 0]) == 1.0
    assert float(y[2, 0]) == -2.0
    slopes = tape.gradient(log_det, x)[:, 0]
    np.testing.assert_allclose(slopes, [-2 * np.tanh(0.5), -2, 2], rtol=1e-5)
    bounds = tf.constant([[-2.0], [1.0], [5.0]])
    with tf.GradientTape() as tape:
        tape.watch(bounds)
        latent, log_det = box.inverse_and_log_det(bounds)
    assert np.isfinite(latent).all()
    assert np.isfinite(log_det).all()
    assert np.isfinite(tape.gradient(log_det, bounds)).all()


def test_no_layers_are_a_gaussian():
    made = policy("gaussian")
    observation = tf.ones([1, 3])
    latents = tf.constant([[0.0, 0.0], [1.0, -2.0]])
    head = made.flow.bijector.bijectors[1]
    assert isinstance(head, ContextHead)
    parameters = head.parameters_of(made.flow.embedding(observation))
    mean = head.moved(tf.zeros([1, 2]), parameters)[0]
    scale = head.moved(tf.ones([1, 2]), parameters)[0] - mean
    x = mean + scale * latents
    actions = made.act(tf.repeat(observation, 2, axis=0), latents)[0]
    np.testing.assert_allclose(actions, [-0.5, 1.0] + [1.5, 2.0] * np.tanh(x), rtol=1e-5)
    np.testing.assert_allclose(made.mode(observation), actions[:1], rtol=1e-6)
    assert len(policy("realnvp").flow.variables) > len(made.flow.variables)


def test_one_entry():
    one = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    with pytest.warns(DataWarning, match="is a Gaussian. nsf bends"):
        policy("realnvp", one)
    with pytest.raises(tff.InputError, match="no layers where an action has 1 entry"):
        policy("realnvp", one, noise="stochastic")
    with pytest.raises(tff.InputError, match="did you mean 'num_bins'"):
        policy("nsf", one, flow_options={"bins": 3})
    made = policy("nsf", one)
    bent = made.act(np.ones((5, 3)), np.linspace(-2, 2, 5)[:, None])[0].numpy()[:, 0]
    steps = np.diff(np.arctanh(bent))
    assert np.ptp(steps) > 0.1 * steps.mean()
    made = policy("nsf", one, dtype=tf.float64)
    x = 24 * ((np.arange(4000) + 0.5) / 4000 - 0.5)
    log_density = made.log_prob(np.tanh(x)[:, None], np.ones((4000, 3))).numpy()
    mass = np.exp(log_density) / np.cosh(x) ** 2 * 24 / 4000
    assert mass.sum() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        (gym.spaces.Discrete(3), {}, "discrete.*use NFQ"),
        (gym.spaces.Box(-np.inf, np.inf, (2,)), {}, "unbounded.*RescaleAction"),
        (gym.spaces.MultiBinary(3), {}, "agents act in a Box"),
        (gym.spaces.Box(-1.0, 1.0, (2, 2)), {}, r"shape \(2, 2\)"),
        (BOX, {"flow": "realnpv"}, "did you mean 'realnvp'"),
        (BOX, {"flow": "maf"}, "Unknown flow of policies 'maf'"),
        (BOX, {"flow": "nsf", "flow_options": {"bins": 3}}, "did you mean 'num_bins'"),
        (BOX, {"flow": "gaussian", "flow_options": {"bins": 3}}, "no layers"),
    ],
)
def test_bad_policies(space, options, message):
    with pytest.raises(tff.InputError, match=message):
        rl.FlowPolicy(3, space, **(SMALL | options))


def test_images_need_an_embedding():
    space = gym.spaces.Box(0, 255, (8, 8, 3), np.uint8)
    with pytest.raises(tff.InputError, match="embedding="):
        rl.FlowPolicy(space, BOX, **SMALL)


@pytest.mark.deep
@pytest.mark.parametrize("name", ["realnvp", "radial"])
def test_noise_between_layers_bounds_the_entropy(name):
    made = policy(name, noise="stochastic", num_layers=3, dtype=tf.float64)
    assert made.stochastic
    observation = np.repeat(np.random.default_rng(0).standard_normal((1, 3)), 40_000, axis=0)
    actions, log_prob, latents = made.sample(observation, (0, 1))
    again = made.act(observation, latents, (0, 1))[0]
    np.testing.assert_array_equal(again, actions)
    other = made.act(observation, latents, (0, 2))[0]
    quiet = made.act(observation, latents)[0]
    assert (np.abs(other - actions).max(axis=1) > 0).all()
    np.testing.assert_array_equal(quiet, made.act(observation, latents)[0])
    # Draws in pre-tanh units, binned: a plug-in estimate of the entropy, less the box's log-slope.
    box = made.flow.bijector.bijectors[0]
    x, slope = box.inverse_and_log_det(actions)
    low, high = np.quantile(x, [0.0, 1.0], axis=0)
    counts = np.histogram2d(*x.numpy().T, bins=60)[0]
    shares = counts[counts > 0] / counts.sum()
    area = np.prod((high - low) / 60)
    entropy = -(shares * np.log(shares / area)).sum() - float(tf.reduce_mean(slope))
    assert -float(tf.reduce_mean(log_prob)) < entropy + 0.02
    with pytest.raises(tff.InputError, match="no closed density"):
        made.log_prob(actions[:2], observation[:2])


def test_bad_noise():
    with pytest.raises(tff.InputError, match="did you mean 'stochastic'"):
        rl.FlowPolicy(3, BOX, flow="nsf", noise="stochastik", **SMALL)
    with pytest.raises(tff.InputError, match="no noise between"):
        rl.FlowPolicy(3, BOX, flow="gaussian", noise="stochastic", **SMALL)

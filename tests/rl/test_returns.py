"""Distributions of returns: what their parts say of each other, and laws that are known."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import rl
from tfp_flows.rl.nfq import Exploring

LEVELS = (np.arange(99) + 1.0) / 100


def critic(**options):
    made = rl.FlowCritic((2,), 1, hidden_units=(8,), num_bins=4, seed=0, **options)
    generator = np.random.default_rng(1)
    for variable in made.trainable_variables:
        variable.assign(variable + 0.5 * generator.standard_normal(variable.shape))
    return made


def test_quantiles_means_and_densities_are_of_one_law():
    made = critic()
    seen, action = tf.constant([[0.3, -1.0], [2.0, 0.5]]), tf.constant([[1.0], [-0.5]])
    context = {"observation": seen, "action": action}
    levels = np.linspace(0.001, 0.999, 999, dtype=np.float32)
    found = made.quantiles(seen, action, tf.constant(levels)).numpy()
    assert (np.diff(found, axis=1) > 0).all()
    returns = found.T[..., None]
    density = np.exp(made.flow.log_prob(returns, context))
    steps = np.diff(found, axis=1).T * (density[1:] + density[:-1]) / 2
    np.testing.assert_allclose(steps.sum(axis=0), 0.998, atol=5e-3)
    draws = made.flow.sample(4000, context, seed=3)[..., 0]
    error = 4 * np.std(draws, axis=0) / np.sqrt(4000)
    mean = made.mean(seen, action).numpy()
    assert (np.abs(mean - np.mean(draws, axis=0)) < error + 0.02 * np.std(draws, axis=0)).all()
    worst = [made.tail_mean(seen, action, share).numpy() for share in (0.1, 0.5, 1.0)]
    assert (np.diff(worst, axis=0) > 0).all()
    np.testing.assert_allclose(worst[-1], mean, rtol=1e-5)
    half = found[:, :500].mean(axis=1)
    np.testing.assert_allclose(worst[1], half, atol=0.05 * np.std(draws))
    value, drawn = made.mean_and_draws(seen, action, (0, 1))
    np.testing.assert_allclose(value, mean, rtol=1e-6)
    assert drawn.shape == (2, 32)
    with pytest.raises(tff.InputError, match="worst returns is in"):
        made.tail_mean(seen, action, 0.0)
    with pytest.raises(tff.InputError, match="did you mean 'energy'"):
        critic(loss="enegry")


def test_losses_are_the_distances_that_they_say():
    seen, action = tf.constant([[0.3, -1.0]]), tf.constant([[1.0]])
    context = {"observation": seen, "action": action}
    targets = np.random.default_rng(0).standard_normal((1, 50)).astype(np.float32)
    made = critic(loss="kl")
    density = made.flow.log_prob(targets.T[:, None], context).numpy()
    constant = 0.5 * np.log(2 * np.pi)
    loss = float(made.loss(seen, action, targets, (0, 1)))
    assert loss == pytest.approx(-density.mean() - constant, rel=1e-4)
    made = critic()
    draws = made.flow.sample(3000, context, seed=1)[:, 0, 0].numpy()
    across = np.abs(draws[:, None] - targets[0]).mean()
    # E|X - y| - E|X - X'| / 2, the score whose mean over y is an energy distance.
    expected = across - 0.5 * np.abs(draws[:, None] - draws[None]).mean()
    losses = [float(made.loss(seen, action, targets, (0, i))) for i in range(20)]
    assert np.mean(losses) == pytest.approx(expected, rel=0.05)


def chain(**options):
    return rl.NFQ(
        "tfp_flows/Chain-v0",
        hidden_units=(32,),
        num_envs=20,
        updates_per_step=0.25,
        round_steps=2000,
        learning_starts=1000,
        batch_size=128,
        learning_rate=3e-3,
        discount=0.9,
        follow=0.02,
        exploring=Exploring(1.0, 0.5, 1000),
        **options,
    )


def distance(agent, place, action, last):
    """Kolmogorov-Smirnov distance to the law that is known."""
    found = agent.quantiles(rl.Chain.at(place)[None], LEVELS)[0, action]
    return np.abs(rl.Chain.cdf(found, place, last, 0.9) - LEVELS).max()


@pytest.mark.deep
@pytest.mark.parametrize("loss", ["energy", "kl"])
def test_a_chain_of_known_laws(loss):
    agent = chain(critic_options={"loss": loss})
    agent.learn(8000)
    assert distance(agent, 3, 0, 0) < 0.15
    assert distance(agent, 3, 1, 1) < 0.15
    for action in (0, 1):
        assert distance(agent, 0, action, 1) < 0.15
    means, _ = rl.Chain.law(0, 1, 0.9)
    values = agent.critic.mean(rl.Chain.at(0)[None], tf.constant([[0.0, 1.0]]))
    assert float(values[0]) == pytest.approx(means.mean(), abs=0.3)
    assert agent.act(rl.Chain.at(3)[None])[0] == 1


@pytest.mark.deep
def test_the_wary_learn_from_what_others_did():
    generator = np.random.default_rng(0)
    actions = generator.integers(2, size=2000)
    coin = generator.choice([4.0, -1.0], size=2000)
    rewards = np.where(actions == 1, coin, 1.0) + 0.5 * generator.standard_normal(2000)
    seen = np.repeat(rl.Chain.at(3)[None], 2000, axis=0)
    ended = np.ones(2000, bool)
    agent = chain(worst=0.25)
    agent.learn_from(seen, actions, rewards, seen, ended, updates=800)
    assert agent.steps == 0
    assert distance(agent, 3, 0, 0) < 0.15
    assert agent.act(seen[:1])[0] == 0
    with pytest.raises(tff.InputError, match="whole numbers from 0 to 1"):
        agent.learn_from(seen, actions + 1, rewards, seen, ended, updates=1)
    with pytest.raises(tff.InputError, match="rewards hold NaN"):
        agent.learn_from(seen, actions, rewards * np.nan, seen, ended, updates=1)

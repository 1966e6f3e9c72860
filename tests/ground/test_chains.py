"""Trajectories that would come back to where they began do not hold the chains there."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.chains import RandomisedHamiltonian

LEAPFROGS = 10
# The step of which ten make one whole turn of the leapfrog map of a standard normal.
TURN = float(np.sqrt(2 * (1 - np.cos(2 * np.pi / LEAPFROGS))))
SCALES = np.float32([1.0, 0.7])


def drawn(kernel, count, chains, adapt=0):
    start = tf.random.stateless_normal([chains, 2], (0, 1)) * SCALES
    if adapt:
        kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(kernel, adapt, target_accept_prob=0.75)
    sampled = tf.function(
        lambda: tfp.mcmc.sample_chain(
            count, start, kernel=kernel, num_burnin_steps=adapt, trace_fn=None, seed=(0, 2)
        ),
        autograph=False,
    )
    return sampled().numpy()


def density(scales):
    return tfp.distributions.MultivariateNormalDiag(scale_diag=scales).log_prob


def test_a_whole_turn_does_not_hold_them():
    log_prob, step = density([1.0, 1.0]), tf.constant(TURN)
    still = tfp.mcmc.HamiltonianMonteCarlo(log_prob, step, LEAPFROGS)
    moved = {}
    for name, kernel in (("still", still), ("ours", RandomisedHamiltonian(log_prob, step, 10))):
        draws = drawn(kernel, 40, 8)
        moved[name] = np.abs(np.diff(draws, axis=0)).mean()
    assert moved["still"] < 1e-3
    assert moved["ours"] > 0.5


@pytest.mark.deep
def test_the_law_is_kept_while_steps_are_adapted():
    kernel = RandomisedHamiltonian(density(SCALES), tf.fill([64, 1], 0.3), LEAPFROGS)
    draws = drawn(kernel, 200, 64, adapt=50).reshape(-1, 2)
    # 12,800 draws, their errors below 0.02 where as few as a quarter are independent.
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(draws.std(axis=0), SCALES, rtol=0.05)

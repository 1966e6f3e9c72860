"""Flows of angles: periodic, normalised, without a seam."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from rows import contexts, randomise

import tfp_flows as tff


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("context_shape", [None, 2])
def test_density_is_periodic_and_samples_are_angles(dims, context_shape):
    flow = tff.flows.circular_nsf(
        event_shape=dims,
        context_shape=context_shape,
        num_layers=3,
        hidden_units=[8],
        dtype=tf.float64,
        seed=0,
    )
    randomise(flow, scale=0.5)
    context = None if context_shape is None else contexts((50,), tf.float64)
    x = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(50, dims))
    turns = 2 * np.pi * np.random.default_rng(1).integers(-3, 4, size=x.shape)
    log_prob = flow.log_prob(x, context)
    assert np.std(log_prob) > 0.05
    np.testing.assert_allclose(flow.log_prob(x + turns, context), log_prob, atol=1e-8)
    samples = flow.sample(() if context_shape else 50, context, seed=(0, 1)).numpy()
    assert samples.shape == (50, dims)
    assert np.abs(samples).max() <= np.pi
    back = flow.from_latent(flow.to_latent(x, context), context)
    np.testing.assert_allclose(np.exp(1j * back.numpy()), np.exp(1j * x), atol=1e-8)


def test_density_integrates_to_one_on_the_torus_and_has_no_seam():
    flow = tff.flows.circular_nsf(event_shape=2, num_layers=4, hidden_units=[8], seed=0)
    randomise(flow, scale=0.25)
    axis = np.pi * (2 * (np.arange(400) + 0.5) / 400 - 1)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).astype(np.float32)
    density = np.exp(flow.log_prob(grid).numpy().astype(np.float64))
    assert density.mean() * (2 * np.pi) ** 2 == pytest.approx(1, abs=2e-3)
    edge = np.stack([np.full(200, np.pi), np.linspace(-3, 3, 200)], axis=1)
    inside = flow.log_prob(edge - [2e-4, 0.0])
    outside = flow.log_prob(edge - [2 * np.pi - 2e-4, 0.0])
    np.testing.assert_allclose(inside, outside, atol=0.02)


@pytest.mark.deep
def test_fit_learns_angles_across_the_seam():
    generator = np.random.default_rng(0)
    # Half of a von Mises distribution on either side of pi.
    angles = generator.vonmises(np.pi, 4.0, size=(4000, 1)).astype(np.float32)
    data = np.concatenate([angles, generator.vonmises(angles - 2.0, 8.0)], axis=1)
    flow = tff.flows.circular_nsf(event_shape=2, num_layers=4, seed=0)
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(5e-3))
    model.fit(data[:3000].astype(np.float32), epochs=15, verbose=0)

    def log_von_mises(x, centre, kappa):
        return kappa * np.cos(x - centre) - np.log(2 * np.pi * np.i0(kappa))

    held_out = data[3000:]
    exact = log_von_mises(held_out[:, 0], np.pi, 4.0)
    exact += log_von_mises(held_out[:, 1], held_out[:, 0] - 2.0, 8.0)
    gap = exact.mean() - model.predict(held_out.astype(np.float32), verbose=0).mean()
    assert gap < 0.1


def test_a_base_of_angles_may_be_given():
    one = tf.ones([2])
    base = tfp.distributions.Independent(tfp.distributions.VonMises(0 * one, 2 * one), 1)
    flow = tff.flows.circular_nsf(event_shape=2, num_layers=2, base=base, seed=0)
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(9, 2)).astype(np.float32)
    np.testing.assert_allclose(
        flow.log_prob(angles + 2 * np.float32(np.pi)), flow.log_prob(angles), atol=1e-4
    )


def test_data_that_are_no_angles_are_brought_into_the_circle():
    data = np.random.default_rng(0).normal(50.0, 20.0, size=(500, 2)).astype(np.float32)
    flow = tff.flows.circular_nsf(event_shape=2, standardize=True, num_layers=2, seed=0)
    flow.adapt(data)
    latent = flow.to_latent(data)
    assert np.abs(latent).max() <= np.pi
    np.testing.assert_allclose(flow.from_latent(latent), data, rtol=1e-3)
    samples = flow.sample(1000, seed=(0, 1)).numpy()
    middle, half = (data.max(axis=0) + data.min(axis=0)) / 2, np.ptp(data, axis=0) / 2
    assert (np.abs(samples - middle) <= half / 0.8 * 1.001).all()

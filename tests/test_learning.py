"""Flows learn two moons, and what they have learned is a density."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff

RECIPES = {
    "maf": ({}, 3e-3),
    "realnvp": ({}, 3e-3),
    "planar": ({"num_layers": 24}, 1e-2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_two_moons(name):
    options, rate = RECIPES[name]
    x, held_out = (tff.datasets.two_moons(n, seed=s) for n, s in ((8000, 0), (4000, 1)))
    tf.keras.utils.set_random_seed(0)
    flow = tff.flows.get(name)(event_shape=2, seed=0, **options)
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(rate, global_clipnorm=5.0))
    model.fit(x, epochs=20, verbose=0)
    mean, covariance = x.mean(axis=0), np.cov(x.T)
    centred = held_out - mean
    gaussian = -0.5 * (
        np.einsum("ni,ij,nj->n", centred, np.linalg.inv(covariance), centred).mean()
        + np.linalg.slogdet(2 * np.pi * covariance)[1]
    )
    log_prob = model.predict(held_out, verbose=0)
    assert log_prob.mean() > gaussian + 0.8

    cells = 800
    edges = np.linspace(-5, 5, cells + 1)
    centres = ((edges[1:] + edges[:-1]) / 2).astype(np.float32)
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    density = np.exp(model.predict(grid, verbose=0, batch_size=16_000))
    assert density.sum(dtype=np.float64) * (10 / cells) ** 2 == pytest.approx(1, abs=0.01)

    # Samples lie where the data lie: nearly all of them closer to a data point than 0.25.
    samples = flow.sample(500, seed=(0, 1)).numpy()
    distance = np.linalg.norm(samples[:, None] - held_out[None], axis=-1).min(axis=1)
    assert np.mean(distance < 0.25) > 0.93
    # And no region of the data is left out.
    distance = np.linalg.norm(held_out[:500, None] - flow.sample(4000).numpy()[None], axis=-1)
    assert np.mean(distance.min(axis=1) < 0.25) > 0.97

"""Flows learn two moons, and what they have learned is a density."""

import numpy as np
import pytest
import tensorflow as tf
from depth import quick

import tfp_flows as tff

RECIPES = {
    "maf": ({}, 3e-3),
    "realnvp": ({}, 3e-3),
    "planar": ({"num_layers": 24}, 1e-2),
}


SMALL = {
    "nsf": {"num_layers": 2, "hidden_units": [32, 32]},
    "circular_nsf": {"num_layers": 3, "hidden_units": [32, 32], "standardize": True},
    "naf": {"num_layers": 2, "hidden_units": [32, 32]},
    "bnaf": {"num_layers": 1},
    "sos": {"num_layers": 3, "hidden_units": [32, 32]},
    "bernstein": {"num_layers": 2, "hidden_units": [32, 32]},
    "gaussianization": {"num_layers": 2, "hidden_units": [32, 32]},
    "sylvester": {"num_layers": 8},
    "residual": {"num_layers": 4, "hidden_units": [32, 32]},
    "ffjord": {"hidden_units": [32, 32], "solver": "rk4", "num_steps": 6},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", quick(SMALL, "nsf"))
def test_eight_gaussians(name):
    x, held_out = (tff.datasets.eight_gaussians(n, seed=s) for n, s in ((6000, 0), (2000, 1)))
    tf.keras.utils.set_random_seed(0)
    flow = tff.flows.get(name)(event_shape=2, seed=0, **SMALL[name])
    model = tff.FlowModel(flow)
    # Without XLA: its programs stay in the memory of a test process for good.
    model.compile(tf.keras.optimizers.Adam(1e-2, global_clipnorm=5.0), jit_compile=False)
    model.fit(x, epochs=6 if name == "nsf" else 12, verbose=0)
    exact = tff.datasets.eight_gaussians_log_prob(held_out).mean()
    variance = np.var(x, axis=0)
    gaussian = -0.5 * (np.log(2 * np.pi * variance) + held_out**2 / variance).sum(axis=1).mean()
    log_prob = model.predict(held_out, verbose=0).mean()
    # More than half of the way from a normal distribution to the truth, and not beyond.
    assert gaussian + 0.5 * (exact - gaussian) < log_prob < exact + 0.05


@pytest.mark.deep
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

"""Products of networks in bfloat16: densities stay those of the map as it is computed."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick

import tfp_flows as tff

B = tff.bijectors
LAYERS = {
    "coupling": lambda **o: B.Coupling(event_shape=6, hidden_units=[16], seed=0, **o),
    "autoregressive": lambda **o: B.MaskedAutoregressive(
        event_shape=6, hidden_units=[16], seed=0, **o
    ),
    "inverse_autoregressive": lambda **o: B.InverseAutoregressive(
        event_shape=6, hidden_units=[16], seed=0, **o
    ),
    "spline": lambda **o: B.Coupling(
        event_shape=6,
        hidden_units=[16],
        transformer=tff.transformers.RationalQuadraticSpline(),
        seed=0,
        **o,
    ),
}


def layer_of(name):
    return rows.randomise(LAYERS[name](compute_dtype="bfloat16"))


def points(n=40):
    return tf.constant(np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32))


@pytest.mark.parametrize("name", LAYERS)
def test_the_log_det_is_that_of_the_jacobian(name):
    layer, x = layer_of(name), points()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z, log_det = layer.inverse_and_log_det(x)
        entries = tf.unstack(z, axis=-1)
    jacobian = np.stack([tape.gradient(entry, x) for entry in entries], axis=1)
    expected = np.linalg.slogdet(jacobian.astype(np.float64))[1]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(log_det, expected, atol=1e-5)
    assert z.dtype == log_det.dtype == tf.float32


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_inverts_itself(name):
    layer, x = layer_of(name), points()
    z, log_det = layer.inverse_and_log_det(x)
    back, forward = layer.forward_and_log_det(z)
    np.testing.assert_allclose(back, x, atol=2e-4)
    np.testing.assert_allclose(forward, -log_det, atol=2e-4)
    # Which is none of full precision.
    full = LAYERS[name]()
    for mine, other in zip(full.variables, layer.variables, strict=True):
        mine.assign(other)
    assert np.abs(full.inverse(x) - z).max() > 1e-3


@pytest.mark.parametrize("name", quick(["maf", "realnvp", "nsf"], "realnvp"))
def test_a_trained_flow_inverts(name):
    x = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    x[:, 1:] += np.sin(2 * x[:, :-1])
    options = {"num_layers": 3, "hidden_units": [16], "seed": 0, "compute_dtype": "bfloat16"}
    flow = getattr(tff.flows, name)(event_shape=4, **options)
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(x, batch_size=200, epochs=10, verbose=0)
    gaps = np.abs(flow.from_latent(flow.to_latent(x)) - x).max(axis=-1)
    assert np.quantile(gaps, 0.99) < 2e-5
    # A float32 rounding can tip one of bfloat16, in a rare row.
    assert gaps.max() < 0.05

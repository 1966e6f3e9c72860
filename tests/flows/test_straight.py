"""Recipes that cannot bend at the size that they are given say so."""

import warnings

import numpy as np
import pytest
import rows

import tfp_flows as tff
from tfp_flows.errors import DataWarning

SMALL = {"hidden_units": [8], "num_layers": 2, "seed": 0}


@pytest.mark.parametrize("context_shape", [None, 2])
@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("maf", SMALL, 1),
        ("iaf", SMALL, 1),
        ("maf", SMALL | {"normalization": "batch"}, 1),
        ("nice", SMALL | {"hidden_units": []}, 2),
        ("nice", SMALL | {"activation": "linear"}, 3),
    ],
)
def test_gaussians_say_that_they_are(name, options, size, context_shape):
    with pytest.warns(DataWarning, match=f"{name} with .* can only be a Gaussian, given the conte"):
        flow = tff.flows.get(name)(event_shape=size, context_shape=context_shape, **options)
    # And they are: their log-density is a parabola along any line.
    rows.randomise(flow, scale=0.3)
    x = np.linspace(-1, 1, 9)[:, None].astype(np.float32) * np.ones(size, np.float32)
    context = None if context_shape is None else np.full((9, 2), 0.3, np.float32)
    third = np.diff(flow.log_prob(x, context), 3)
    np.testing.assert_allclose(third, 0, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("maf", SMALL, 2),
        ("realnvp", SMALL, 2),
        ("nice", SMALL, 2),
        ("nsf", SMALL | {"mode": "autoregressive"}, 1),
        ("naf", SMALL, 1),
        ("sos", SMALL, 1),
        ("bernstein", SMALL, 1),
        ("gaussianization", SMALL, 1),
        ("planar", {"num_layers": 2}, 1),
        ("radial", {"num_layers": 2}, 1),
        ("sylvester", {"num_layers": 2}, 1),
        ("bnaf", {"hidden_units": [4]}, 1),
        ("residual", {"num_layers": 2, "hidden_units": [8]}, 1),
    ],
)
def test_what_bends_says_nothing(name, options, size):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        tff.flows.get(name)(event_shape=size, **options)


def test_a_base_that_bends_will_do():
    base = tff.bases.GaussianMixture(event_shape=1, num_components=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        tff.flows.maf(event_shape=1, base=base, **SMALL)

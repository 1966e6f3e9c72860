"""Offsets, kinds of arrays and outliers on their way into a model, and the right density after."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras_support import compiled, small

import tfp_flows as tff
from tfp_flows.errors import DataWarning

pytestmark = pytest.mark.keras
NORMAL = np.random.default_rng(0).normal(size=(1000, 2))
SECONDS = NORMAL * [60.0, 1.0] + [1.7e9, 0.0]


@pytest.mark.parametrize(
    "x", [SECONDS, np.rint(SECONDS).astype(np.int64), NORMAL + 1e8], ids=["seconds", "whole", "1e8"]
)
def test_a_large_offset_is_refused_wherever_it_comes_in(x):
    message = r"column 0 has a standard deviation of .* but float32 numbers of its size lie"
    with pytest.raises(ValueError, match=f"x: {message}"):
        compiled(small()).fit(x, verbose=0)
    with pytest.raises(ValueError, match=f"x: {message}"):
        compiled(small(standardize=False)).fit(pd.DataFrame(x), verbose=0)
    with pytest.raises(ValueError, match=f"data: {message}"):
        small().adapt(x)
    with pytest.raises(ValueError, match=f"data: {message}"):
        compiled(small()).fit(tf.data.Dataset.from_tensor_slices(x).batch(500), verbose=0)
    for on in (True, False):
        model = compiled(small(context_shape=2, standardize_context=on))
        with pytest.raises(ValueError, match=f"context: {message}"):
            model.fit(NORMAL, x, verbose=0)
    with pytest.raises(ValueError, match=f"context: {message}"):
        small(context_shape=2).adapt(NORMAL, x)


def test_float64_holds_the_offset():
    model = compiled(small("realnvp", dtype="float64"), rate=0.0)
    model.fit(SECONDS, verbose=0)
    mean, deviation = SECONDS.mean(axis=0), SECONDS.std(axis=0)
    truth = -0.5 * ((SECONDS - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))
    loss = model.evaluate(SECONDS, verbose=0, return_dict=True)["loss"]
    # A flow that was not trained is near the identity.
    assert loss == pytest.approx(-truth.sum(axis=1).mean(), abs=0.05)
    samples = model.flow.sample(2000, seed=(0, 1)).numpy()
    np.testing.assert_allclose(samples.std(axis=0), deviation, rtol=0.1)


KINDS = {
    "complex": (NORMAL + 1j, "complex numbers"),
    "text": (NORMAL.astype(str), "text"),
    "objects": (NORMAL.astype(str).astype(object), "str objects"),
    "dates": (np.zeros((1000, 2), "datetime64[s]"), "dates"),
    "masked": (np.ma.masked_less(NORMAL, 0), "masked values; drop or fill"),
    "frame": (pd.DataFrame({"a": NORMAL[:, 0], "b": "x"}), "str objects"),
    "truth": (NORMAL > 0, "true/false values, which have no density"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_anything_but_real_numbers_is_refused_wherever_it_comes_in(kind):
    x, what = KINDS[kind]
    model = compiled(small("realnvp"))
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=f"x must be an array of numbers, but holds .*{what}"):
            call(x, verbose=0)
    with pytest.raises(ValueError, match=what):
        model.flow.adapt(x)
    conditional = small("realnvp", context_shape=2)
    if kind == "truth":
        conditional.adapt(NORMAL, x)
        assert conditional.log_prob(NORMAL, x).shape == (1000,)
        return
    with pytest.raises(ValueError, match=what):
        compiled(conditional).fit(NORMAL, x, verbose=0)
    with pytest.raises(ValueError, match=what):
        conditional.adapt(NORMAL, x)
    with pytest.raises(ValueError, match=what):
        model.flow.log_prob(x)
    with pytest.raises(ValueError, match=what):
        model.flow.to_latent(x)
    with pytest.raises(ValueError, match=what):
        conditional.log_prob(NORMAL, x)


def test_streams_of_complex_numbers_are_refused_in_the_step():
    stream = tf.data.Dataset.from_tensor_slices(NORMAL + 1j).batch(500)
    model = compiled(small(standardize=False))
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="must hold real numbers, got complex128"):
            call(stream, verbose=0)
    pairs = tf.data.Dataset.from_tensor_slices((NORMAL, NORMAL + 1j)).batch(500)
    with pytest.raises(ValueError, match="must hold real numbers, got complex128"):
        compiled(small(context_shape=2)).evaluate(pairs, verbose=0)


def test_outliers_do_not_rule_a_training():
    x = np.random.default_rng(0).normal(size=(4000, 2))
    x[[17, 1234]] = 1e5
    test = np.random.default_rng(1).normal(size=(4000, 2))
    model = compiled(small(hidden_units=[16]), rate=3e-3)
    with pytest.warns(DataWarning, match="a few values far from all others"):
        model.fit(x, epochs=4, verbose=0)
    truth = 0.5 * (test**2).sum(axis=1).mean() + np.log(2 * np.pi)
    assert model.evaluate(test, verbose=0, return_dict=True)["loss"] < truth + 0.1
    samples = model.flow.sample(4000, seed=(0, 1)).numpy()
    quartiles = np.quantile(samples, [0.25, 0.75], axis=0)
    np.testing.assert_allclose(np.diff(quartiles, axis=0), 1.349, rtol=0.15)


def test_a_remark_points_at_the_line_of_the_user():
    with pytest.warns(DataWarning) as found:
        tff.flows.maf(event_shape=1)
    assert found[0].filename == __file__

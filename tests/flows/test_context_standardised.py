"""The context is standardised: units and offsets of it change nothing, classes stay classes."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick
from keras_support import compiled

import tfp_flows as tff
from tfp_flows import serialization
from tfp_flows.models.tracking import KERAS3

keras = tf.keras
pytestmark = pytest.mark.keras
GENERATOR = np.random.default_rng(0)
X, C = GENERATOR.normal(size=(500, 2)), GENERATOR.normal(size=(500, 3))
VECTORS = ("maf", "iaf", "nice", "realnvp", "nsf", "circular_nsf", "naf", "bnaf", "sos")
VECTORS += ("bernstein", "gaussianization", "planar", "radial", "sylvester", "residual", "ffjord")
IMAGES = {
    "glow": {"num_levels": 1, "depth": 1, "hidden_units": [4], "bins": None},
    "realnvp_image": {"num_levels": 1, "num_couplings": 1, "hidden_units": [4], "bins": None},
}


def flow_of(name, **options):
    if name in IMAGES:
        options = IMAGES[name] | options
        return tff.flows.get(name)(event_shape=(4, 4, 1), context_shape=3, seed=0, **options)
    options = rows.FLOWS.get(name, {"hidden_units": [8], "num_layers": 2}) | options
    return tff.flows.get(name)(event_shape=2, context_shape=3, seed=0, **options)


def small(**options):
    return flow_of("maf", **options)


@pytest.mark.parametrize("name", quick([*VECTORS, *IMAGES], "maf", "nsf", "planar", "glow"))
def test_units_and_offsets_of_a_context_change_nothing(name):
    x = X[:20] if name in VECTORS else GENERATOR.uniform(size=(20, 4, 4, 1))
    context = C[:20]
    results = []
    for of in (lambda c: c, lambda c: 1e6 * c + 1e8, lambda c: 1e-25 * c):
        flow = flow_of(name, dtype="float64")
        rows.randomise(flow, scale=0.2)
        assert flow.needs_adapt
        flow.adapt(x, of(context))
        assert not flow.needs_adapt
        results.append(flow.log_prob(x, of(context)).numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-6, atol=1e-6)
    without = flow_of(name, dtype="float64", standardize_context=False)
    assert without.context_standardizer is None
    rows.randomise(without, scale=0.2)
    without.adapt(x, context)
    assert np.abs(without.log_prob(x, 1e6 * context) - results[0]).max() > 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_method_sees_the_standardised_context(dtype):
    flow, context = small(dtype=dtype), 50 * C[:20] + 7
    rows.randomise(flow)
    flow.adapt(X[:20], context)
    seen = flow.standardized_context(context.astype(dtype))
    np.testing.assert_allclose(np.mean(seen, axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(seen, axis=0), 1, atol=1e-5)
    inner, x = tff.Flow(flow.distribution, flow.bijector), X[:20].astype(dtype)
    expected = inner.log_prob(x, seen)
    np.testing.assert_allclose(flow.log_prob(x, context), expected, rtol=1e-5)
    np.testing.assert_allclose(flow.given(context).log_prob(x), expected, rtol=1e-5)
    layer = tff.FlowLayer(flow)
    np.testing.assert_allclose(layer(x, context)[:, 0], expected, rtol=1e-5)
    z = flow.to_latent(x, context)
    np.testing.assert_allclose(z, inner.to_latent(x, seen), rtol=1e-5)
    np.testing.assert_allclose(flow.from_latent(z, context), x, rtol=1e-3, atol=1e-3)
    draws, density = flow.sample_and_log_prob((), context, seed=(0, 1))
    np.testing.assert_allclose(flow.sample((), context, seed=(0, 1)), draws, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(density, flow.log_prob(draws, context), rtol=1e-3, atol=1e-3)


def test_classes_and_constants_stay_what_they_are():
    one_hot = np.eye(3, dtype=np.float32)[np.repeat([0, 1], [499, 1])]
    flow = small()
    flow.adapt(X, one_hot)
    # Also a class that was never there.
    for context in np.eye(3, dtype=np.float32):
        np.testing.assert_array_equal(flow.standardized_context(context), context)
    flow = small()
    flow.adapt(X, np.stack([np.full(500, 7.0), C[:, 0], 5.0 * (C[:, 1] > 2)], axis=1))
    seen = flow.standardized_context(np.array([[7.0, 0.0, 0.0], [9.0, 0.0, 5.0]]))
    np.testing.assert_allclose(seen[:, 0], [0, 2])
    np.testing.assert_allclose(seen[:, 2], [0, 1])


def test_outliers_of_a_context_do_not_rule_and_are_drawn_in():
    context = C.copy()
    context[3] = 1e6
    flow = small()
    flow.adapt(X, context)
    seen = flow.standardized_context(context).numpy()
    np.testing.assert_allclose(np.delete(seen, 3, axis=0).std(axis=0), 1, atol=0.2)
    assert 16 < seen[3].min() <= seen[3].max() < 32


def network_of_three():
    picture = keras.Input([4, 4, 2], name="picture")
    kind = keras.Input([1], name="kind", dtype="int32")
    number = keras.Input([2], name="number")
    flat = keras.layers.Flatten()(keras.layers.Conv2D(2, 3)(picture))
    known = keras.layers.Flatten()(keras.layers.Embedding(5, 2)(kind))
    joined = keras.layers.Concatenate()([flat, known, number])
    inputs = {"kind": kind, "picture": picture, "number": number}
    return keras.Model(inputs, keras.layers.Dense(3)(joined))


@pytest.mark.deep
def test_maps_by_channel_and_dicts_by_name(tmp_path):
    raw = {
        "picture": GENERATOR.normal(size=(500, 4, 4, 2)) * [1e-3, 1e3] + [0, 1e4],
        "kind": GENERATOR.integers(5, size=(500, 1)),
        "number": 1e7 * C[:, :2],
    }
    inner = small()
    flow = tff.Flow(
        inner.distribution, inner.bijector, embedding=network_of_three(), standardize_context=True
    )
    model = compiled(flow)
    model.fit(X, raw, verbose=0)
    assert not flow.needs_adapt
    seen = flow.standardized_context({n: np.asarray(v) for n, v in raw.items()})
    np.testing.assert_array_equal(seen["kind"], raw["kind"])
    np.testing.assert_allclose(np.mean(seen["picture"], axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(np.std(seen["picture"], axis=(0, 1, 2)), 1, rtol=1e-4)
    np.testing.assert_allclose(np.std(seen["number"], axis=0), 1, rtol=1e-4)
    embedded = flow.embedding({n: tf.convert_to_tensor(v) for n, v in seen.items()})
    plain = tff.Flow(inner.distribution, inner.bijector)
    expected = plain.log_prob(X, embedded)
    np.testing.assert_allclose(model.predict((X, raw), verbose=0), expected, rtol=1e-3, atol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras").flow
    assert not loaded.needs_adapt
    np.testing.assert_allclose(loaded.log_prob(X, raw), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(
        ValueError, match=r"context\['number'\] has shape .*, expected \[\.\.\., 2\]"
    ):
        flow.log_prob(X, raw | {"number": C})


def test_wrong_contexts_are_refused_and_nothing_is_broadcast():
    flow = small()
    with pytest.raises(ValueError, match=r"context has shape \(500, 1\), expected \[n, 3\]"):
        flow.adapt(X, C[:, :1])
    with pytest.raises(ValueError, match="needs a context"):
        flow.adapt(X)
    with pytest.raises(ValueError, match="context must be finite"):
        flow.adapt(X, C * np.nan)
    assert flow.needs_adapt
    flow.adapt(X, C)
    with pytest.raises(ValueError, match=r"context has shape .*, expected \[\.\.\., 3\]"):
        flow.log_prob(X, C[:, :1])
    plain = tff.flows.maf(event_shape=2, hidden_units=[8], seed=0)
    assert plain.context_standardizer is None
    with pytest.raises(ValueError, match="takes no context, so there is none to standardise"):
        tff.Flow(plain.distribution, plain.bijector, standardize_context=True)


def test_what_was_saved_without_one_has_none(tmp_path):
    flow = small(standardize_context=False)
    rows.randomise(flow)
    flow.adapt(X, 100 * C)
    expected = flow.log_prob(X, 100 * C)
    # As written before there was the argument.
    again = tff.Flow(flow.distribution, flow.bijector)
    assert "standardize_context" not in again.get_config()
    rebuilt = serialization.decode(serialization.encode(again))
    assert rebuilt.context_standardizer is None
    # Weights of that time in a flow that a recipe makes today.
    path = tmp_path / "old.weights.h5"
    tff.FlowModel(flow).save_weights(path)
    model = tff.FlowModel(small())
    model.load_weights(path)
    assert not model.flow.needs_adapt
    np.testing.assert_allclose(model.flow.log_prob(X, 100 * C), expected, rtol=1e-5)
    assert KERAS3 or model.built


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.keras(cases=("of2",))
@pytest.mark.parametrize("of", [(1.0, 0.0), (1.0, 1e4), (1e6, 0.0), (1e-6, 0.0)])
def test_a_posterior_is_learned_in_any_unit(of):
    scale, offset = of
    generator = np.random.default_rng(0)
    theta = generator.normal(size=(7000, 1))
    context = scale * (theta + 0.2 * generator.normal(size=(7000, 1))) + offset
    flow = tff.flows.nsf(
        event_shape=1,
        context_shape=1,
        mode="autoregressive",
        num_layers=2,
        hidden_units=[32, 32],
        seed=0,
    )
    model = compiled(flow, rate=3e-3)
    model.fit(theta[:5000], context[:5000], epochs=10, verbose=0)
    variance = 0.04 / 1.04
    miss = theta[5000:] - ((context[5000:] - offset) / scale) / 1.04
    truth = np.mean(miss**2 / variance + np.log(2 * np.pi * variance)) / 2
    loss = model.evaluate(theta[5000:], context[5000:], verbose=0, return_dict=True)["loss"]
    # The prior alone has 1.4.
    assert loss == pytest.approx(truth, abs=0.1)

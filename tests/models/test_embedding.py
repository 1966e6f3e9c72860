"""A flow whose raw context, an array or several by name, goes through a network first."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from keras_support import compiled

import tfp_flows as tff

keras = tf.keras
pytestmark = pytest.mark.keras


def network_of_two():
    """A picture and a class, to a vector of 2."""
    image = keras.Input([4, 4, 1], name="image")
    kind = keras.Input([1], name="kind", dtype="int32")
    seen = keras.layers.Flatten()(keras.layers.Conv2D(3, 3, activation="relu")(image))
    known = keras.layers.Flatten()(keras.layers.Embedding(5, 3)(kind))
    joined = keras.layers.Dropout(0.5)(keras.layers.Concatenate()([seen, known]))
    return keras.Model({"kind": kind, "image": image}, keras.layers.Dense(2)(joined))


def flow_of_two():
    inner = tff.flows.maf(event_shape=2, context_shape=2, hidden_units=[8], num_layers=2, seed=0)
    return tff.Flow(inner.distribution, inner.bijector, embedding=network_of_two())


def raw(*batch, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "image": generator.normal(size=(*batch, 4, 4, 1)).astype(np.float32),
        "kind": generator.integers(5, size=(*batch, 1)).astype(np.int32),
    }


def test_every_method_takes_the_raw_context():
    flow, x, context = flow_of_two(), rows.points((6,), tf.float32, event_shape=[2]), raw(6)
    assert flow.context_shape == {"image": (4, 4, 1), "kind": (1,)}
    rows.randomise(flow)
    inner = tff.Flow(flow.distribution, flow.bijector)
    seen = tf.cast(
        flow.embedding({name: tf.constant(v) for name, v in context.items()}), tf.float32
    )
    np.testing.assert_allclose(flow.log_prob(x, context), inner.log_prob(x, seen), rtol=1e-5)
    # Arrays that a function closes over become constants, whose names are not free.
    closed = tf.function(lambda: flow.log_prob(x, context))()
    np.testing.assert_allclose(closed, inner.log_prob(x, seen), rtol=1e-5)
    np.testing.assert_allclose(flow.prob(x, context), inner.prob(x, seen), rtol=1e-5)
    z = flow.to_latent(x, context)
    np.testing.assert_allclose(z, inner.to_latent(x, seen), rtol=1e-5)
    np.testing.assert_allclose(flow.from_latent(z, context), x, rtol=1e-4, atol=1e-4)
    draws = flow.sample(3, context, seed=(0, 1))
    np.testing.assert_allclose(draws, inner.sample(3, seen, seed=(0, 1)), rtol=1e-4, atol=1e-5)
    samples, density = flow.sample_and_log_prob(3, context, seed=(0, 1))
    np.testing.assert_allclose(samples, draws, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(density, flow.log_prob(draws, context), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        flow.given(context).log_prob(x), flow.log_prob(x, context), rtol=1e-5
    )
    # More batch axes, which broadcast against the data's and against each other.
    several = {"image": raw(3, 1)["image"], "kind": raw(6)["kind"]}
    assert flow.log_prob(x, several).shape == (3, 6)
    one = {"image": several["image"][1, 0], "kind": several["kind"][2]}
    np.testing.assert_allclose(flow.log_prob(x, several)[1, 2], flow.log_prob(x[2], one), rtol=1e-4)


def test_the_embedding_runs_once_an_evaluation_and_is_trained():
    calls = []

    class Counted(tf.Module):
        def __init__(self):
            super().__init__()
            self.weight = tf.Variable(tf.ones([3, 2]))

        def __call__(self, x):
            calls.append(x.shape)
            return tf.matmul(x, self.weight)

    inner = tff.flows.realnvp(event_shape=2, context_shape=2, hidden_units=[8], seed=0)
    with pytest.raises(ValueError, match="give context_shape"):
        tff.Flow(inner.distribution, inner.bijector, embedding=Counted())
    counted = Counted()
    flow = tff.Flow(inner.distribution, inner.bijector, embedding=counted, context_shape=3)
    assert any(v is counted.weight for v in flow.trainable_variables)
    x, context = tf.ones([5, 2]), tf.ones([5, 3])
    methods = (flow.log_prob, flow.prob, flow.to_latent, flow.from_latent)
    calls.clear()
    for method in methods:
        method(x, context)
    flow.sample(2, context)
    flow.sample_and_log_prob(2, context)
    flow.given(context)
    flow.adapt(x, context)
    assert calls == [(5, 3)] * (len(methods) + 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(rows.randomise(flow).log_prob(x, context))
    assert np.abs(tape.gradient(loss, counted.weight)).max() > 0


@pytest.mark.deep
def test_fit_evaluate_and_predict_on_arrays_and_streams(tmp_path):
    context = raw(300)
    shift = context["image"].mean(axis=(1, 2, 3)) * 4 + context["kind"][:, 0]
    noise = np.random.default_rng(1).normal(size=(300, 2)) * 0.1
    x = (noise + shift[:, None]).astype(np.float32)
    model = compiled(flow_of_two(), jit_compile=False)
    before = model.flow.embedding.get_weights()
    history = model.fit(
        x, context, epochs=8, batch_size=64, validation_split=0.1, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0] - 0.3
    assert all(
        np.abs(a - b).max() > 0
        for a, b in zip(before, model.flow.embedding.get_weights(), strict=True)
        if a.dtype.kind == "f"
    )
    # Dropout of the embedding is for training alone.
    density = model.predict(x, context, verbose=0)
    np.testing.assert_allclose(density, model.flow.log_prob(x, context), rtol=1e-3, atol=1e-3)
    stream = tf.data.Dataset.from_tensor_slices((x, context)).batch(50)
    np.testing.assert_allclose(model.predict(stream, verbose=0), density, rtol=1e-3, atol=1e-3)
    result = model.evaluate(stream, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(-density.mean(), rel=1e-3)
    model.fit(stream, epochs=1, verbose=0, validation_data=(x, context))
    density = model.predict(x, context, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras")
    assert len(loaded.flow.trainable_variables) == len(model.flow.trainable_variables)
    np.testing.assert_array_equal(loaded.predict(x, context, verbose=0), density)
    with pytest.raises(ValueError, match=r"dict of \['image', 'kind'\], got \['image'\]"):
        model.fit(x, {"image": context["image"]})
    with pytest.raises(ValueError, match=r"context\['image'\] has shape"):
        model.predict(x, {**context, "image": context["image"][:, :3]})
    with pytest.raises(ValueError, match="must be a dict"):
        model.flow.log_prob(x, context["image"])


@pytest.mark.deep
def test_an_exported_flow_takes_the_raw_context_by_name(tmp_path):
    flow, context = rows.randomise(flow_of_two()), raw(5)
    x = rows.points((5,), tf.float32, event_shape=[2])
    tff.models.export(flow, tmp_path)
    exported, density = tf.saved_model.load(str(tmp_path)), flow.log_prob(x, context)
    np.testing.assert_allclose(exported.log_prob(x, context), density, rtol=1e-4, atol=1e-4)
    by_name = exported.signatures["log_prob"](x=x, **context)
    np.testing.assert_allclose(*by_name.values(), density, rtol=1e-4, atol=1e-4)


def test_what_does_not_fit_is_refused():
    inner = tff.flows.maf(event_shape=2, context_shape=3, hidden_units=[8])
    with pytest.raises(ValueError, match=r"returns \(2,\) a row, but .* shape \(3,\)"):
        tff.Flow(inner.distribution, inner.bijector, embedding=network_of_two())
    plain = tff.flows.maf(event_shape=2, hidden_units=[8])
    with pytest.raises(ValueError, match="takes no context"):
        tff.Flow(plain.distribution, plain.bijector, embedding=network_of_two())
    with pytest.raises(TypeError, match="must be a Keras layer"):
        tff.Flow(inner.distribution, inner.bijector, embedding=lambda x: x, context_shape=3)
    with pytest.raises(ValueError, match="build the flow with an embedding"):
        inner.log_prob(np.zeros([1, 2]), {"a": np.zeros([1, 3])})
    with pytest.raises(ValueError, match="takes one array as context"):
        tff.FlowModel(inner).predict(np.zeros([1, 2]), {"a": np.zeros([1, 3])})
    with pytest.raises(ValueError, match="needs a context"):
        flow_of_two().log_prob(np.zeros([1, 2], np.float32))

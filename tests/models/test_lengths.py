"""Training, density and sampling of one model on events of several lengths."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff

keras = tf.keras
pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore:Your input ran out of data"),
]
B = tff.bijectors


def vocoder():
    """Sequences of any even length, given a map of half of it that a network brings to it."""
    mel = keras.Input([None, 3])
    up = keras.layers.UpSampling1D(2)(keras.layers.Conv1D(2, 3, padding="same")(mel))
    squeeze = B.Squeeze(event_shape=(None, 1), context_shape=(None, 2))
    inner = {"event_shape": (None, 2)}
    bijector = B.Chain(
        [
            B.Standardize(event_shape=(None, 1), per_channel=True),
            squeeze,
            B.ActNorm(**inner, per_channel=True),
            B.InvertibleConv1x1(**inner, seed=1),
            B.Coupling(**inner, context_shape=(None, 4), hidden_units=[8], seed=2),
            B.Coupling(**inner, mask="~channel", context_shape=(None, 4), hidden_units=[8], seed=3),
        ]
    )
    return tff.Flow(tff.bases.StandardNormal(**inner), bijector, embedding=keras.Model(mel, up))


def batches(lengths=(8, 12), seed=0):
    """Pairs of sequences and their maps, of two lengths in turn."""
    generator = np.random.default_rng(seed)
    for length in lengths:
        mel = generator.normal(size=(16, length // 2, 3)).astype(np.float32)
        noise = 0.1 * generator.normal(size=(16, length, 1))
        yield (5 + 2 * np.repeat(mel[..., :1], 2, axis=1) + noise).astype(np.float32), mel


def stream(passes=20):
    shapes = (tf.TensorSpec([None, None, 1]), tf.TensorSpec([None, None, 3]))
    return tf.data.Dataset.from_generator(
        lambda: (pair for i in range(passes) for pair in batches(seed=i)), output_signature=shapes
    )


@pytest.mark.deep
@pytest.mark.keras(cases=("False",))
@pytest.mark.parametrize("xla", [False, True])
def test_one_model_at_two_lengths(tmp_path, xla):
    flow = vocoder()
    assert (flow.event_shape.as_list(), flow.context_shape) == ([None, 1], (None, 3))
    model = tff.FlowModel(flow)
    model.compile(keras.optimizers.Adam(4e-2), jit_compile=xla)
    # A stream that does not say how long it is.
    model.fit(stream(), verbose=0)
    densities = []
    for x, mel in batches(seed=99):
        density = model.predict(x, mel, verbose=0)
        np.testing.assert_allclose(density, flow.log_prob(x, mel), rtol=1e-3, atol=1e-3)
        densities.append(density)
        sums = tf.reduce_sum(flow.log_prob_map(x, mel), axis=-1)
        np.testing.assert_allclose(sums, density, rtol=1e-3, atol=1e-3)
        bits = model.evaluate(x, mel, verbose=0, return_dict=True)["bits_per_dim"]
        assert bits == pytest.approx(-density.mean() / (x.shape[1] * np.log(2)), rel=1e-3)
        # The map that the samples follow: whose length they have, and whose values.
        drawn = flow.sample(200, mel[:1], seed=(0, 1)).numpy()[:, 0]
        assert drawn.shape == (200, *x.shape[1:])
        other = flow.log_prob(x, mel[::-1].copy())
        assert np.mean(density) > np.mean(other) + 3
    assert model.predict(stream(1), verbose=0).shape == (32,)
    model.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras")
    for (x, mel), density in zip(batches(seed=99), densities, strict=True):
        np.testing.assert_array_equal(loaded.predict(x, mel, verbose=0), density)
    with pytest.raises(ValueError, match=r"expected \[n, None, 1\]"):
        model.predict(np.zeros([2, 8, 2]), np.zeros([2, 4, 3]))
    if not xla:
        return
    tff.models.export(flow, tmp_path / "exported")
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    for (x, mel), density in zip(batches(seed=99), densities, strict=True):
        np.testing.assert_allclose(exported.log_prob(x, mel), density, rtol=1e-3, atol=1e-3)
        assert exported.sample(2, [0, 1], mel).shape == (2, *x.shape)


def test_lengths_are_told_apart_before_any_training():
    flow = vocoder()
    model = tff.FlowModel(flow)
    model.compile(keras.optimizers.Adam(4e-2), jit_compile=False)
    for x, mel in batches(seed=99):
        density = model.predict(x, mel, verbose=0)
        np.testing.assert_allclose(density, flow.log_prob(x, mel), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"expected \[n, None, 1\]"):
        model.predict(np.zeros([2, 8, 2]), np.zeros([2, 4, 3]))

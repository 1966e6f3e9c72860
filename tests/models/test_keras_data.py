"""What `fit`, `evaluate` and `predict` take."""

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from depth import quick
from keras_support import (
    compiled,
    context_data,
    gaussian,
    small,
)

import tfp_flows as tff
from tfp_flows.keras_worlds import KERAS3
from tfp_flows.models.data import ADAPT_IMAGES, adapt_sample

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
pytestmark = pytest.mark.keras


@pytest.mark.parametrize(
    "form",
    [
        "pair",
        *(pytest.param(f, marks=pytest.mark.deep) for f in ("keyword", "second", "y", "dataset")),
    ],
)
def test_context_in_every_form(form):
    x, context = context_data()
    model = compiled(small("realnvp", context_shape=1))
    options = {"epochs": 12, "verbose": 0}
    if form == "keyword":
        model.fit(x, context=context, **options)
    elif form == "second":
        model.fit(x, context, **options)
    elif form == "y":
        model.fit(x, y=context, **options)
    elif form == "pair":
        model.fit((x, context), validation_data=(x, context), **options)
    else:
        data = tf.data.Dataset.from_tensor_slices((x.astype(np.float32), context)).batch(128)
        model.fit(data, validation_data=data, **options)
    # Without the context the best possible loss is far higher.
    unconditional = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.cov(x.T))[1]
    assert model.evaluate(x, context, verbose=0, return_dict=True)["loss"] < unconditional - 0.2
    np.testing.assert_allclose(
        model.predict((x, context), verbose=0), model.flow.log_prob(x, context), rtol=1e-3
    )


@pytest.mark.deep
def test_streams_of_other_dtypes_and_iterators():
    x, context = context_data()
    model = compiled(small("realnvp", context_shape=1))
    wide = tf.data.Dataset.from_tensor_slices((x.astype(np.float64), context.astype(np.float64)))
    history = model.fit(wide.batch(100), verbose=0, epochs=2).history
    assert history["loss"][1] < history["loss"][0]
    assert model.predict(wide.batch(100), verbose=0).shape == (600,)

    def batches():
        while True:
            yield x[:100].astype(np.float32), context[:100]

    fresh = compiled(small("realnvp", context_shape=1))
    with pytest.raises(ValueError, match="An iterator can be read only once"):
        fresh.fit(batches(), steps_per_epoch=3, verbose=0)
    fresh.flow.adapt(x, context)
    assert len(fresh.fit(batches(), steps_per_epoch=3, verbose=0).history["loss"]) == 1
    with pytest.raises(ValueError, match="carries its context"):
        fresh.fit(wide.batch(100), context=context, verbose=0)


def test_sample_weights_weigh():
    x = np.concatenate([gaussian(300), gaussian(300) + 40.0])
    weights = np.repeat([1.0, 0.0], 300)
    model = compiled(small(), rate=0.0)
    model.fit(x, epochs=1, verbose=0)
    history = model.fit(x, sample_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(-np.mean(model.flow.log_prob(x[:300])), rel=1e-4)


def test_weights_reach_the_gradient():
    x, ends = gaussian(64), []
    for rows_, weights in ((x, np.repeat([1.0, 0.0], 32)), (x[:32], None)):
        flow = small()
        flow.adapt(gaussian(300))
        model = tff.FlowModel(flow)
        model.compile(tf.keras.optimizers.SGD(0.1), jit_compile=False)
        model.fit(rows_, sample_weight=weights, batch_size=64, epochs=1, shuffle=False, verbose=0)
        ends.append([variable.numpy() for variable in flow.trainable_variables])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_validation_split_holds_the_last_rows_out():
    x = np.concatenate([gaussian(900), gaussian(100) + 7.0])
    model = compiled(small(), rate=0.0)
    history = model.fit(x, verbose=0, validation_split=0.1).history
    assert history["val_loss"][0] == pytest.approx(-np.mean(model.flow.log_prob(x[900:])), rel=1e-4)
    # The standardiser has not seen them.
    shift = model.flow.bijector.bijectors[0].variables
    means = [v.numpy() for v in shift if v.name.startswith("shift")]
    np.testing.assert_allclose(means[0], x[:900].mean(axis=0), rtol=1e-4)


def test_float64_is_kept_through_fit_and_predict():
    x = gaussian(300).astype(np.float64) + 1e7
    model = compiled(small("realnvp", dtype="float64"))
    model.fit(x, epochs=2, verbose=0)
    prediction = model.predict(x, verbose=0)
    assert prediction.dtype == np.float64
    np.testing.assert_allclose(prediction, model.flow.log_prob(x), rtol=1e-12)


def test_bad_data_is_refused_in_one_sentence():
    model = compiled(small())
    x = gaussian(20)
    with pytest.raises(ValueError, match=r"x has shape \(20, 3\), expected \[n, 2\]"):
        model.fit(np.zeros((20, 3)), verbose=0)
    with pytest.raises(ValueError, match="takes no context"):
        model.fit(x, np.zeros((20, 1)), verbose=0)
    with pytest.raises(ValueError, match="needs a context"):
        compiled(small(context_shape=1)).fit(x, verbose=0)
    with pytest.raises(ValueError, match=r"x has 20 rows, but its context or weights 19"):
        compiled(small(context_shape=1)).fit(x, np.zeros((19, 1)), verbose=0)
    broken = x.copy()
    broken[7, 1] = np.nan
    with pytest.raises(ValueError, match=r"1 NaN or infinite values, the first at index \(7, 1\)"):
        model.fit(broken, verbose=0)
    with pytest.raises(ValueError, match="x must be an array of numbers"):
        model.fit([["a", "b"]], verbose=0)
    with pytest.raises(ValueError, match="leaves no training or validation rows"):
        model.fit(x, validation_split=1.5, verbose=0)
    with pytest.raises(TypeError, match="epoch"):
        model.fit(x, epoch=3, verbose=0)
    with pytest.raises(TypeError, match="optimiser"):
        model.compile(optimiser="adam")
    with pytest.raises(ValueError, match="batch_size is for arrays"):
        model.fit(tf.data.Dataset.from_tensors(x), batch_size=3, verbose=0)
    with pytest.raises(TypeError, match="needs a tfp_flows Flow"):
        tff.FlowModel(tff.flows.standard_normal(2))


def test_weights_in_evaluation_and_validation():
    x, weights = gaussian(400), np.repeat([1.0, 0.0], 200)
    x[200:] += 50.0
    model = compiled(small(), rate=0.0)
    model.fit(gaussian(100), verbose=0)
    loss = -np.mean(model.flow.log_prob(x[:200]))
    result = model.evaluate(x, sample_weight=weights, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(loss, rel=1e-4)
    history = model.fit(gaussian(100), validation_data=(x, None, weights), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(loss, rel=1e-4)
    with pytest.raises(TypeError, match="no classes to weigh"):
        model.fit(x, class_weight={0: 1.0}, verbose=0)


@pytest.mark.deep
def test_validation_split_keeps_rows_and_contexts_together():
    x, context = context_data(500)
    context = np.random.default_rng(3).normal(size=context.shape)
    model = compiled(small("realnvp", context_shape=1), rate=0.0)
    rows.randomise(model.flow)
    history = model.fit(x, context, validation_split=0.2, verbose=0).history
    expected = -np.mean(model.flow.log_prob(x[400:], context[400:]))
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    expected = -np.mean(model.flow.log_prob(x[:400], context[:400]))
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.deep
def test_sequences_of_batches():
    x, context = context_data(60)
    base = keras.utils.PyDataset if KERAS3 else keras.utils.Sequence

    class Batches(base):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            part = slice(20 * i, 20 * i + 20)
            return x[part].astype(np.float32), context[part]

    model = compiled(small("realnvp", context_shape=1))
    assert len(model.fit(Batches(), epochs=2, verbose=0).history["loss"]) == 2
    with pytest.raises(ValueError, match="got a dict"):
        compiled(small()).fit(tf.data.Dataset.from_tensors({"x": x}), verbose=0)


def test_few_images_are_enough_to_adapt_to():
    images = np.arange(2000, dtype=np.float32)[:, None, None, None] * np.ones([4, 4, 1], np.float32)
    sample, _ = adapt_sample((images,))
    assert 400 < len(sample) <= ADAPT_IMAGES
    # From all over the data, which may be sorted.
    assert sample.numpy().max() > 1900
    stream, _ = adapt_sample(tf.data.Dataset.from_tensor_slices(images).batch(100))
    assert ADAPT_IMAGES <= len(stream) < ADAPT_IMAGES + 100
    vectors, _ = adapt_sample((images[:, 0, 0],))
    assert len(vectors) == 2000
    # Of large ones, whose way through a flow takes gigabytes, fewer are.
    large, _ = adapt_sample((np.zeros([600, 64, 64, 3], np.float32),))
    assert 60 <= len(large) <= 64


def test_forms_that_are_taken():
    x, context = context_data(60)
    model = compiled(small(context_shape=1))
    np.testing.assert_allclose(
        model.predict([x, context], verbose=0), model.flow.log_prob(x, context), rtol=1e-5
    )
    model.fit([x, context], validation_data=[x, context], verbose=0)
    plain = compiled(small())
    plain.fit(list(x), verbose=0)
    plain.fit(tf.cast(x, tf.int32), verbose=0)
    plain.fit(tf.data.Dataset.from_tensor_slices(tf.cast(x, tf.int32)).batch(20), verbose=0)


@pytest.mark.parametrize("jit", quick([True, False], "False"))
def test_weights_of_a_stream_without_a_context(jit):
    x, weight = gaussian(100), np.repeat(np.float32([1, 0]), 50)
    x[50:] += 40
    stream = tf.data.Dataset.from_tensor_slices((x, weight)).batch(50)
    model = compiled(small(), rate=0.0, jit_compile=jit)
    model.flow.adapt(x)
    expected = -np.mean(model.flow.log_prob(x[:50]))
    empty = stream.map(lambda x, w: (x, tf.zeros([tf.shape(x)[0], 0]), w))
    for weighted in (empty, stream.map(lambda x, w: (x, None, w))):
        history = model.fit(weighted, validation_data=weighted, verbose=0).history
        assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
        assert history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    with pytest.raises(ValueError, match=r"second part of shape \(None,\).*\(x, None, w\)"):
        model.fit(stream, verbose=0)


def test_forms_that_cannot_be_taken_say_the_way_out():
    x, context = context_data(60)
    slices = tf.data.Dataset.from_tensor_slices
    model, conditional = compiled(small()), compiled(small(context_shape=1))
    with pytest.raises(TypeError, match=r"as in fit\(\*\*data\)"):
        conditional.fit({"x": x, "context": context}, verbose=0)
    with pytest.raises(TypeError, match=r"a dict of \['a', 'b'\].*np.stack"):
        model.fit({"a": x[:, 0], "b": x[:, 1]}, verbose=0)
    with pytest.raises(ValueError, match=r"single events of shape \(2,\); batch it"):
        model.fit(slices(x), verbose=0)
    with pytest.raises(ValueError, match="validation_data is a stream of single events"):
        model.fit(x, validation_data=slices(x), verbose=0)
    with pytest.raises(ValueError, match=r"Batches of x have the shape \(None, 3\), expected"):
        model.evaluate(slices(np.zeros((9, 3), np.float32)).batch(3), verbose=0)
    with pytest.raises(ValueError, match=r"must be pairs \(x, context\)"):
        conditional.fit(slices(x).batch(5), verbose=0)
    for size in (0, -1, 2.5, "a", True):
        with pytest.raises(ValueError, match="batch_size must be a whole number of rows above 0"):
            model.predict(x, batch_size=size, verbose=0)
    with pytest.raises(ValueError, match="validation_batch_size must be a whole number"):
        model.fit(x, validation_data=x, validation_batch_size=0, verbose=0)
    with pytest.raises(TypeError, match=r"int32.*cast it, as in tf.cast\(y, 'float32'\)\.$"):
        model.flow.log_prob(tf.cast(x, tf.int32))


@pytest.mark.parametrize("jit", quick([True, False], "True"))
def test_epochs_of_any_number_of_steps(jit):
    model = compiled(small(), jit_compile=jit)
    history = model.fit(
        gaussian(100), batch_size=30, epochs=3, steps_per_epoch=7, verbose=0
    ).history
    assert len(history["loss"]) == 3
    assert int(model.optimizer.iterations.numpy()) == 21

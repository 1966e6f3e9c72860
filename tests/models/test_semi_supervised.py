"""Autoencoders of data and classes: bounds by hand, learning from few labels, files, bad input."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows import noise

keras = tf.keras
pytestmark = pytest.mark.keras


def network(size, outputs, hidden=16):
    layers = [keras.Input([size]), keras.layers.Dense(hidden, "tanh"), keras.layers.Dense(outputs)]
    return keras.Sequential(layers)


def data(n, seed=0):
    """Three classes of nine zeros and ones each: where most ones are, and noise."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=n)
    likely = np.where(np.arange(9) // 3 == labels[:, None], 0.85, 0.15)
    return (generator.uniform(size=(n, 9)) < likely).astype(np.float32), labels


def model(**options):
    keras.utils.set_random_seed(0)
    parts = network(9, 6), network(2 + 3, 9), network(9, 3)
    given = {"classes": 3, "latent_size": 2, "seed": 0, **options}
    return tff.models.SemiSupervisedVAE(*parts, **given)


def test_the_bound_by_hand():
    """Known labels choose a class, missing ones weigh all by the classifier, with its entropy."""
    x, labels = data(6)
    vae = model(label_weight=2.0)
    told = vae._told(np.where(np.arange(6) < 3, labels, -1), 6)
    log_q = vae.layer.classify(tf.constant(x)).numpy()
    with noise.seeded(0, 0):
        loss = float(vae._batch_loss((tf.constant(x), tf.constant(told)), False))
    with noise.seeded(0, 0):
        reconstruction, divergence = vae._by_class(tf.constant(x), False)
    bounds = reconstruction.numpy() - divergence.numpy() + np.log(1 / 3)
    expected = [bounds[i, labels[i]] for i in range(3)]
    expected += [np.sum(np.exp(log_q[i]) * (bounds[i] - log_q[i])) for i in range(3, 6)]
    np.testing.assert_allclose(loss, -np.mean(expected), rtol=1e-5)
    # In training, what the classifier says of known labels is added.
    with noise.seeded(0, 0):
        trained = float(vae._batch_loss((tf.constant(x), tf.constant(told)), True))
    cross = -np.mean([log_q[i, labels[i]] for i in range(3)])
    np.testing.assert_allclose(trained, loss + 2 * cross, rtol=1e-4)


def test_batches_in_parts_are_refused():
    vae = model()
    vae.compile("adam", accumulate=2, jit_compile=False)
    with pytest.raises(tff.InputError, match="accumulate is 2, and what labels cost is a mean"):
        vae.fit(*data(8), batch_size=4, verbose=0)


def test_each_class_has_its_own_bound():
    """Of one class the bound is that of the conditional autoencoder, by the same noise."""
    x, _ = data(5)
    vae = model(posterior="iaf", posterior_options={"num_layers": 1, "hidden_units": [8]})
    generator = np.random.default_rng(1)
    for variable in vae.layer.trainable_variables:
        variable.assign_add(0.1 * generator.standard_normal(variable.shape))
    x = tf.constant(x)
    with noise.seeded(0, 0):
        reconstruction, divergence = vae._by_class(x, False)
    told = [tf.repeat(tf.eye(3)[label : label + 1], 5, axis=0) for label in range(3)]
    with noise.seeded(0, 0):
        z, log_q = vae.layer.draw(tf.stack([vae.layer.encode(x, each) for each in told]))
    for label in range(3):
        own = vae.layer.reconstruction(x, z[label], told[label])
        np.testing.assert_allclose(reconstruction[:, label], own, rtol=1e-5)
        log_p = vae.flow.distribution.log_prob(z[label])
        np.testing.assert_allclose(divergence[:, label], log_q[label] - log_p, rtol=1e-4)


def test_bounds_with_and_without_labels():
    """Of data alone the likelihood is the mean over classes; all parts take labels."""
    x, labels = data(8)
    vae = model()
    each = np.stack([vae.bound(x, np.full(8, label), draws=50) for label in range(3)])
    np.testing.assert_allclose(
        vae.bound(x, draws=50), np.log(np.mean(np.exp(each), axis=0)), rtol=1e-5
    )
    assert np.abs(each[0] - each[1]).max() > 1e-4
    told = np.eye(3, dtype=np.float32)[labels]
    own = super(tff.models.SemiSupervisedVAE, vae)._rows  # labels become rows of zeros and a one
    np.testing.assert_array_equal(own(x, labels)[1], told)
    assert vae.encode(x, labels).shape == (8, 2)
    assert vae.reconstruct(x, labels).shape == vae.decode(np.zeros([8, 2]), labels).shape == (8, 9)
    vae.compile()
    assert vae.predict(x, labels, verbose=0).shape == (8,)


@pytest.mark.deep
def test_few_labels_are_enough(tmp_path):
    x, labels = data(1500)
    x_test, labels_test = data(500, seed=1)
    few = np.where(np.arange(1500) < 30, labels, -1)
    vae = model(label_weight=5.0)
    vae.compile(keras.optimizers.Adam(0.01))
    history = vae.fit(
        x, few, epochs=12, batch_size=64, validation_data=(x_test, labels_test), verbose=0
    ).history
    assert {"accuracy", "val_accuracy", "kl", "loss"} <= set(history)
    share = (vae.classify(x_test).argmax(-1) == labels_test).mean()
    assert share > 0.9
    np.testing.assert_allclose(vae.classify(x_test).sum(-1), 1, rtol=1e-5)
    *_, told = vae.evaluate(x_test, labels_test, verbose=0)
    np.testing.assert_allclose(told, share, atol=1e-6)
    drawn = vae.sample(300, np.full(300, 1)).mean(0)
    assert drawn[3:6].min() > drawn[[0, 1, 2, 6, 7, 8]].max()
    vae.save(tmp_path / "vae.keras")
    loaded = tff.load(tmp_path / "vae.keras")
    assert type(loaded) is tff.models.SemiSupervisedVAE
    assert (loaded.label_weight, loaded.classes, loaded.labelled_share) == (5.0, 3, 0.2)
    np.testing.assert_array_equal(loaded.classify(x_test), vae.classify(x_test))
    np.testing.assert_array_equal(loaded.sample(3, seed=1), vae.sample(3, seed=1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda x, y: model().fit(x, np.full(len(x), -1)), "No label is known"),
        (lambda x, y: model().fit(x), "No label is known"),
        (lambda x, y: model().fit(x, y + 1), "integers from 0 to 2, or -1.*from 1 to 3"),
        (lambda x, y: model().fit(x, y.astype(float)), "got float64"),
        (lambda x, y: model().fit(x, y[:5]), r"got int64 of shape \(5,\)"),
        (lambda x, y: model().fit(x, y, validation_split=0.1), "in place of validation_split"),
        (lambda x, y: model().encode(x), "needs its class here"),
        (lambda x, y: model().predict(x, np.where(y > 0, y, -1)), "needs its class here"),
        (lambda x, y: model().evaluate(3 * x, y), "values from 0 to 3"),
        (lambda x, y: model(classes=4), r"a decoder fails at events of shape \(6,\)"),
        (lambda x, y: model(labelled_share=1.0), "labelled_share between 0 and 1"),
        (lambda x, y: model(label_weight=-1.0), "label_weight must not be negative"),
    ],
)
def test_what_will_not_do(build, message):
    with pytest.raises(tff.InputError, match=message):
        build(*data(20))


def test_unknown_arguments():
    with pytest.raises(TypeError, match="posteriour"):
        model(posteriour="iaf")

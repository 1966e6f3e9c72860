"""What `save` writes `load` reads, under every policy; what `export` writes needs no package."""

import os
import subprocess
import sys

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick
from keras_support import compiled, small

import tfp_flows as tff
from tfp_flows.models.tracking import KERAS3

keras = tf.keras
pytestmark = pytest.mark.keras
POLICIES = ["float32", "float64", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16"]
X = np.random.default_rng(0).normal(size=(64, 2))


@pytest.fixture
def policy():
    def choose(name):
        if KERAS3:
            keras.config.set_dtype_policy(name)
        else:
            keras.mixed_precision.set_global_policy(name)

    yield choose
    choose("float32")


@pytest.mark.parametrize("dtype", quick([tf.float32, tf.float64], "float32", ids=lambda d: d.name))
@pytest.mark.parametrize(
    "name",
    quick(POLICIES, "bfloat16"),
)
@pytest.mark.keras(cases=("float32",))
def test_what_is_saved_under_a_policy_is_read(name, dtype, policy, tmp_path):
    policy(name)
    network = keras.Sequential(
        [keras.Input([1]), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]
    )
    coupling = tff.bijectors.Coupling(event_shape=2, conditioner=network, dtype=dtype)
    flow = tff.Flow(tff.flows.standard_normal(2, dtype=dtype), coupling)
    model = compiled(flow)
    x = X.astype(dtype.as_numpy_dtype)
    model.fit(x, epochs=3, verbose=0)
    inputs = keras.Input([2], dtype=dtype.name)
    layer = tff.FlowLayer(flow)
    larger = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    larger.save(tmp_path / "larger.keras")
    expected = flow.log_prob(x)
    # Whoever reads it may have another policy.
    for other in (name, "float32"):
        policy(other)
        loaded = tff.load(tmp_path / "m.keras")
        assert [v.dtype for v in loaded.flow.variables] == [v.dtype for v in flow.variables]
        np.testing.assert_array_equal(loaded.flow.log_prob(x), expected)
        moments = zip(_numbers(loaded.optimizer), _numbers(model.optimizer), strict=True)
        assert all(np.array_equal(a, b) for a, b in moments)
        loaded.fit(x, verbose=0)
        rows.randomise(loaded.flow)
        loaded.load_weights(tmp_path / "m.weights.h5")
        np.testing.assert_array_equal(loaded.flow.log_prob(x), expected)
        again = tff.load(tmp_path / "larger.keras")
        np.testing.assert_array_equal(again(x)[:, 0], expected)


def _numbers(optimizer):
    return [np.asarray(v.numpy(), np.float64) for v in optimizer.variables]


def test_running_means_count_beyond_the_range_of_a_policy(policy):
    policy("bfloat16")
    model = compiled(small(), rate=0.0)
    x = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)
    loss = model.evaluate(x, batch_size=2, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(loss, -np.mean(model.flow.log_prob(x)), rtol=1e-5)


@pytest.mark.parametrize("ending", ["model.h5", "model.hdf5", "folder", "model.weights"])
def test_other_endings_are_refused_before_anything_is_written(ending, tmp_path):
    model = tff.FlowModel(small())
    with pytest.raises(tff.InputError, match=r"to a \.keras file, got .*use export\(folder\)"):
        model.save(tmp_path / ending)
    assert not list(tmp_path.iterdir())


@pytest.mark.deep
@pytest.mark.parametrize("name", ["maf", "residual", "nsf_mixed"])
def test_a_layer_in_a_model_of_the_ending_h5(name, tmp_path):
    network = keras.Sequential([keras.Input([1]), keras.layers.Dense(8), keras.layers.Dense(4)])
    first = tff.Flow(
        tff.flows.standard_normal(3),
        tff.bijectors.Coupling(event_shape=3, mask=[True, False, False], conditioner=network),
    )
    inputs = keras.Input([3])
    hidden = tff.FlowLayer(first, output="latent", name="first")(keras.layers.Dense(3)(inputs))
    layer = tff.FlowLayer(rows.randomise(rows.flow(name)), nll_weight=1.0, name="second")
    model = keras.Model(inputs, layer(hidden))
    model.compile("adam", loss=keras.losses.MeanSquaredError())
    x, y = np.random.default_rng(0).normal(size=(2, 32, 3)).astype(np.float32)
    model.fit(x, y[:, :1], batch_size=8, epochs=2, verbose=0)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)


READER = """
import sys
import numpy as np, tensorflow as tf

folder = sys.argv[1]
x, context = np.load(f"{folder}/x.npy"), np.load(f"{folder}/context.npy")
plain, given = (tf.saved_model.load(f"{folder}/{name}") for name in ("plain", "given"))
results = {
    "log_prob": plain.log_prob(x),
    "served": plain.signatures["serving_default"](x=tf.constant(x))["log_prob"],
    "sample": plain.sample(7, [0, 1]),
    "given_log_prob": given.log_prob(x, context),
    "given_sample": given.sample(7, [0, 1], context),
}
np.savez(f"{folder}/results.npz", **{name: value.numpy() for name, value in results.items()})
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"tfp_flows", "tensorflow_probability"}
"""


@pytest.mark.deep
def test_an_exported_flow_runs_without_the_package(tmp_path):
    plain, given = rows.flow("maf"), rows.flow("nsf", context_shape=rows.CONTEXT)
    x, context = (np.asarray(f((5,), tf.float32)) for f in (rows.points, rows.contexts))
    tff.FlowModel(plain).export(tmp_path / "plain")
    model = tff.FlowModel(given)
    model.compile("adam")
    model.fit(x, context, verbose=0)
    model.export(str(tmp_path / "given"), verbose=False)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "context.npy", context)
    # From an empty folder, so that the package is not found.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results = np.load(tmp_path / "results.npz")
    expected = {
        "log_prob": plain.log_prob(x),
        "served": plain.log_prob(x),
        "sample": plain.sample(7, seed=[0, 1]),
        "given_log_prob": given.log_prob(x, context),
        "given_sample": given.sample(7, context, seed=[0, 1]),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, rtol=1e-5, atol=1e-5, err_msg=name)


def test_other_formats_of_an_export_are_refused(tmp_path):
    with pytest.raises(tff.InputError, match="did you mean 'onnx'"):
        tff.FlowModel(small()).export(tmp_path / "flow", format="onxn")
    with pytest.raises(tff.InputError, match=r"got \['input_signature'\]"):
        tff.FlowModel(small()).export(tmp_path / "flow", input_signature=[])
    assert not list(tmp_path.iterdir())


@pytest.mark.deep
def test_a_model_inside_of_another(tmp_path):
    inner = tff.FlowModel(small("realnvp", context_shape=1))
    rows.randomise(inner.flow)
    inputs, context = keras.Input([2]), keras.Input([1])
    outer = keras.Model([inputs, context], inner(inputs, context=context))
    x, c = X.astype(np.float32), X[:, :1].astype(np.float32)
    np.testing.assert_allclose(
        outer.predict([x, c], verbose=0), inner.flow.log_prob(x, c), rtol=1e-5, atol=1e-5
    )
    assert len(outer.trainable_variables) == len(inner.flow.trainable_variables)
    outer.compile("adam", loss=_negative)
    before = float(tf.reduce_mean(inner.flow.log_prob(x, c)))
    outer.fit([x, c], np.zeros(64), epochs=20, verbose=0)
    assert float(tf.reduce_mean(inner.flow.log_prob(x, c))) > before + 0.01
    outer.save(tmp_path / "outer.keras")
    loaded = keras.models.load_model(
        tmp_path / "outer.keras", custom_objects={"_negative": _negative}
    )
    np.testing.assert_array_equal(
        loaded.predict([x, c], verbose=0), outer.predict([x, c], verbose=0)
    )
    clone = keras.models.clone_model(outer)
    assert clone.predict([x, c], verbose=0).shape == (64,)
    assert not {id(v) for v in clone.trainable_variables} & {
        id(v) for v in outer.trainable_variables
    }
    outer.export(str(tmp_path / "outer"))
    served = tf.saved_model.load(str(tmp_path / "outer"))
    np.testing.assert_allclose(
        served.serve([x, c]), inner.flow.log_prob(x, c), rtol=1e-5, atol=1e-5
    )


@keras.utils.register_keras_serializable(package="tests")
def _negative(target, log_prob):
    return -tf.reduce_mean(log_prob)

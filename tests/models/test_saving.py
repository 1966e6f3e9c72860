"""Saved flows are bit-exact in a new process, custom compositions included."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows import serialization
from tfp_flows.bijectors import sweep
from tfp_flows.keras_worlds import KERAS3

tfd, tfb = tfp.distributions, tfp.bijectors
pytestmark = pytest.mark.keras

READER = """
import json, sys
import numpy as np
import tensorflow as tf
import tfp_flows as tff
from tfp_flows import serialization
from tfp_flows.keras_worlds import KERAS3
import user_module

folder = sys.argv[1]
for name in json.load(open(f"{folder}/names.json")):
    inputs = np.load(f"{folder}/{name}.inputs.npz")
    context = inputs["context"] if "context" in inputs else None
    if name.startswith("model:"):
        flow = tff.load(f"{folder}/{name}.keras").flow
        result = flow.log_prob(inputs["x"], context)
    elif name.startswith("weights:"):
        flow = serialization.decode(json.load(open(f"{folder}/{name}.json")))
        tff.FlowModel(flow).load_weights(f"{folder}/{name}.weights.h5")
        result = flow.log_prob(inputs["x"], context)
    elif name.startswith("checkpoint:"):
        flow = serialization.decode(json.load(open(f"{folder}/{name}.json")))
        tf.train.Checkpoint(flow=flow).restore(f"{folder}/{name}-1").assert_consumed()
        result = flow.log_prob(inputs["x"], context)
    else:
        bijector = serialization.decode(json.load(open(f"{folder}/{name}.json")))
        weights = np.load(f"{folder}/{name}.weights.npz")
        for i, variable in enumerate(bijector.variables):
            variable.assign(weights[str(i)])
        result = tf.concat([tf.reshape(part, [-1]) for part in
                            bijector.forward_and_log_det(inputs["x"], context)], 0)
    np.save(f"{folder}/{name}.result.npy", result)
"""

USER_MODULE = """
import tensorflow as tf
import tfp_flows as tff

class Cubic(tff.bijectors.Bijector):
    def __init__(self, *, event_shape, strength=1.0, dtype=tf.float32):
        super().__init__(event_shape=event_shape, dtype=dtype)
        self.strength = tf.Variable(strength, dtype=self.dtype)

    def _forward_and_log_det(self, x, context, training):
        a = tf.square(self.strength)
        return x + a * x**3, tf.reduce_sum(tf.math.log1p(3 * a * x**2), axis=-1)

    def _inverse_and_log_det(self, y, context, training):
        x = y
        for _ in range(60):
            a = tf.square(self.strength)
            x = x - (x + a * x**3 - y) / (1 + 3 * a * x**2)
        return x, -self._forward_and_log_det(x, context, training)[1]
"""


def user_flow(cubic):
    """A composition of a user's own class, TFP's bijectors and a base with variables."""
    base = tfd.MultivariateNormalDiag(
        loc=tf.Variable([0.5, -0.5, 1.0]),
        scale_diag=tfp.util.TransformedVariable([1.0, 2.0, 0.5], tfb.Softplus()),
    )
    chain = tff.bijectors.Chain(
        [
            cubic(event_shape=3, strength=0.4),
            tfb.Shift([1.0, 2.0, 3.0]),
            tff.bijectors.Coupling(
                event_shape=3, conditioner=rows._keras_network(tf.float32), dtype=tf.float32
            ),
        ]
    )
    return rows.randomise(tff.Flow(base, chain))


# One of each way in which variables and drawn numbers are kept.
FEW = ("actnorm", "chain", "coupling_keras3", "maf_additive", "multiscale", "permutation")
FEW_FLOWS = ("maf_normalised", "realnvp_mixed")


@pytest.mark.keras(cases=("few",))
@pytest.mark.parametrize("rows_of", ["few", pytest.param("all", marks=pytest.mark.deep)])
def test_everything_is_bit_exact_in_a_new_process(rows_of, tmp_path, monkeypatch):
    (tmp_path / "user_module.py").write_text(USER_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import user_module

    # The new process traces its graphs for these sizes; graphs left from other tests, traced for
    # any size, may round otherwise.
    sweep._as_functions.cache_clear()
    expected, x = {}, rows.points((5,), tf.float32).numpy()

    def remember(name, result, context, x=x):
        extra = {} if context is None else {"context": context}
        np.savez(tmp_path / f"{name}.inputs.npz", x=x, **extra)
        expected[name] = result.numpy()

    for name in FEW if rows_of == "few" else rows.BIJECTORS:
        bijector = rows.randomise(rows.BIJECTORS[name].build(tf.float32))
        context = rows.context_of(bijector, (5,))
        (tmp_path / f"{name}.json").write_text(json.dumps(serialization.encode(bijector)))
        weights = {str(i): v.numpy() for i, v in enumerate(bijector.variables)}
        np.savez(tmp_path / f"{name}.weights.npz", **weights)
        z = rows.latents(bijector, (5,)).numpy()
        parts = bijector.forward_and_log_det(z, context)
        remember(name, tf.concat([tf.reshape(part, [-1]) for part in parts], 0), context, z)
    names = FEW_FLOWS if rows_of == "few" else rows.FLOWS
    flows = {name: rows.flow(name) for name in names}
    flows["context"] = rows.flow("maf", context_shape=rows.CONTEXT)
    flows["user"] = user_flow(user_module.Cubic)
    for key, flow in flows.items():
        context = None if flow.context_shape is None else rows.contexts((5,), tf.float32)
        name = f"model:{key}"
        tff.FlowModel(flow).save(tmp_path / f"{name}.keras")
        remember(name, flow.log_prob(x, context), context)
        for way in ("checkpoint", "weights"):
            name = f"{way}:{key}"
            (tmp_path / f"{name}.json").write_text(json.dumps(serialization.encode(flow)))
            remember(name, flow.log_prob(x, context), context)
        tf.train.Checkpoint(flow=flow).save(str(tmp_path / f"checkpoint:{key}"))
        tff.FlowModel(flow).save_weights(tmp_path / f"weights:{key}.weights.h5")
    (tmp_path / "names.json").write_text(json.dumps(list(expected)))
    root = str(Path(tff.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", f"{root}:{tmp_path}")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name, value in expected.items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.result.npy"), value, name)


def test_save_weights_and_load_into_another_flow(tmp_path):
    source, target = rows.flow("maf", seed=4), rows.flow("maf", seed=5)
    x = rows.points((5,), tf.float32)
    assert not np.allclose(source.log_prob(x), target.log_prob(x))
    tff.FlowModel(source).save_weights(tmp_path / "flow.weights.h5")
    tff.FlowModel(target).load_weights(tmp_path / "flow.weights.h5")
    np.testing.assert_array_equal(source.log_prob(x), target.log_prob(x))


def test_weights_of_another_flow_are_refused_and_nothing_changes(tmp_path):
    tff.FlowModel(rows.flow("realnvp")).save_weights(tmp_path / "flow.weights.h5")
    target = rows.flow("maf")
    before = [v.numpy() for v in target.variables]
    with pytest.raises(ValueError, match="weights of another flow"):
        tff.FlowModel(target).load_weights(tmp_path / "flow.weights.h5")
    for variable, value in zip(target.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_checkpoint_of_a_model(tmp_path):
    source, target = (tff.FlowModel(rows.flow("realnvp", seed=seed)) for seed in (4, 5))
    x = rows.points((5,), tf.float32)
    path = tf.train.Checkpoint(model=source).save(str(tmp_path / "model"))
    tf.train.Checkpoint(model=target).restore(path).assert_existing_objects_matched()
    np.testing.assert_array_equal(source.flow.log_prob(x), target.flow.log_prob(x))


def test_bad_model_files(tmp_path):
    with pytest.raises(tff.InputError, match="No model file"):
        tff.load(tmp_path / "absent.keras")
    with pytest.raises(tff.InputError, match=r"No model file at .*model\.keras"):
        tff.load(tmp_path)
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(tff.InputError, match=r"not a \.keras model file"):
        tff.load(tmp_path / "text.keras")
    path = tmp_path / "good.keras"
    tff.FlowModel(rows.flow("nice")).save(path)
    data = path.read_bytes()
    (tmp_path / "short.keras").write_bytes(data[: len(data) // 2])
    with pytest.raises(tff.InputError, match=r"not a \.keras model file"):
        tff.load(tmp_path / "short.keras")
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 0xFF
    (tmp_path / "damaged.keras").write_bytes(bytes(damaged))
    with pytest.raises(tff.InputError, match=r"damaged|not a \.keras model file|Cannot load"):
        tff.load(tmp_path / "damaged.keras")


def test_unknown_classes_in_a_file_are_not_imported():
    with pytest.raises(tff.InputError, match="Unknown class 'os>system'"):
        serialization.decode({"$object": "os>system", "config": {"$dict": []}})
    with pytest.raises(tff.InputError, match="Unknown TFP class"):
        serialization.decode({"$tfp": "distributions.math", "parameters": {}})
    with pytest.raises(tff.InputError, match="Unknown entry"):
        serialization.decode({"$call": "print"})


def test_functions_have_no_written_form():
    coupling = tff.bijectors.Coupling(event_shape=2, activation=lambda x: x)
    assert coupling.forward(np.zeros((1, 2))).shape == (1, 2)
    with pytest.raises(tff.InputError, match=r"has no written form; give functions by name"):
        serialization.encode(coupling)


def test_a_bijector_that_stands_twice_is_saved_once(tmp_path):
    twice = tff.bijectors.Coupling(event_shape=3, seed=0)
    shift = tf.Variable([0.1, 0.2, 0.3])
    base = tfd.MultivariateNormalDiag(loc=shift)
    permutation = tff.bijectors.Permutation(event_shape=3)
    chain = tff.bijectors.Chain([twice, permutation, tfb.Shift(shift), twice])
    flow = rows.randomise(tff.Flow(base, chain))
    assert len(flow.variables) == 6 + 1
    tff.FlowModel(flow).save(tmp_path / "m.keras")
    loaded = tff.load(tmp_path / "m.keras").flow
    assert len(loaded.variables) == 6 + 1
    x = rows.points((5,), tf.float32)
    np.testing.assert_array_equal(loaded.log_prob(x), flow.log_prob(x))
    loaded.bijector.bijectors[0].trainable_variables[0].assign_add(
        tf.ones_like(loaded.bijector.bijectors[0].trainable_variables[0])
    )
    assert loaded.bijector.bijectors[0] is loaded.bijector.bijectors[3]


def test_arguments_in_other_forms_are_saved(tmp_path):
    flow = tff.Flow(
        tff.flows.standard_normal(2),
        tff.bijectors.Coupling(
            event_shape=np.int64(2), activation=tf.nn.relu, dtype=np.float32, seed=np.int64(3)
        ),
    )
    tff.FlowModel(flow).save(tmp_path / "m.keras")
    loaded = tff.load(tmp_path / "m.keras").flow
    x = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(loaded.log_prob(x), flow.log_prob(x))


def test_a_model_without_a_flow_is_refused(tmp_path):
    dense = tf.keras.Sequential([tf.keras.Input([2]), tf.keras.layers.Dense(1)])
    dense.save(tmp_path / "dense.keras")
    with pytest.raises(tff.InputError, match="holds no flow"):
        tff.load(tmp_path / "dense.keras")


def test_keras_configurations_cannot_name_modules_to_import(tmp_path, monkeypatch):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for library in ("keras", "tf_keras"):
        config = {
            "module": "evil_module",
            "class_name": "Evil",
            "config": {},
            "registered_name": "evil>Evil",
        }
        nested = {
            "module": "keras.layers",
            "class_name": "TimeDistributed",
            "config": {"layer": config},
            "registered_name": None,
        }
        for written in (config, nested):
            with pytest.raises(tff.InputError, match="Unknown Keras class 'evil>Evil'"):
                serialization.decode({"$keras": library, "config": written})


OTHER = """
import sys
import numpy as np, tensorflow as tf, rows, tfp_flows as tff
from keras_support import conditioner, coupling_flow

folder = sys.argv[1]
x = np.ones((2, 3), np.float32)
flow = rows.flow("maf")
model = tff.FlowModel(flow)
model.compile("adam", run_eagerly=True)
model.fit(rows.points((64,), tf.float32), verbose=0)
model.save(f"{folder}/m.keras")
model.save_weights(f"{folder}/m.weights.h5")
np.save(f"{folder}/y.npy", flow.log_prob(x))
network = rows.randomise(coupling_flow(conditioner()))
tff.FlowModel(network).save(f"{folder}/network.keras")
np.save(f"{folder}/network.npy", network.log_prob(x[:, :2]))
inputs = tf.keras.Input([3])
layer = tff.FlowLayer(flow)
larger = tf.keras.Model(inputs, tf.keras.layers.Dense(1)(layer(inputs)))
larger.save(f"{folder}/larger.keras")
tf.keras.Model(inputs, layer(inputs)).save_weights(f"{folder}/layer.weights.h5")
"""


@pytest.mark.deep
@pytest.mark.keras
def test_models_of_the_other_keras(tmp_path):
    other = "1" if KERAS3 else "0"
    paths = f"{Path(tff.__file__).parents[1]}{os.pathsep}{Path(rows.__file__).parent}"
    done = subprocess.run(
        [sys.executable, "-c", OTHER, str(tmp_path)],
        env={**os.environ, "TF_USE_LEGACY_KERAS": other, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    x, expected = np.ones((2, 3), np.float32), np.load(tmp_path / "y.npy")
    loaded = tff.load(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.flow.log_prob(x), expected)
    assert getattr(loaded, "optimizer", None) is None
    # A network stays one of the Keras that it was made with.
    network = tff.load(tmp_path / "network.keras").flow
    np.testing.assert_array_equal(network.log_prob(x[:, :2]), np.load(tmp_path / "network.npy"))
    model = tff.FlowModel(rows.flow("maf", seed=9))
    model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.flow.log_prob(x), expected)
    inputs = tf.keras.Input([3])
    layer = tff.FlowLayer(rows.flow("maf", seed=9))
    tf.keras.Model(inputs, layer(inputs)).load_weights(tmp_path / "layer.weights.h5")
    np.testing.assert_array_equal(layer.flow.log_prob(x), expected)
    way_out = rf"TF_USE_LEGACY_KERAS={other} .*\) and save its flow by itself, tff.FlowModel\("
    with pytest.raises(tff.InputError, match=way_out):
        tff.load(tmp_path / "larger.keras")
    # What comes from there goes back.
    loaded.save(tmp_path / "again.keras")
    np.testing.assert_array_equal(tff.load(tmp_path / "again.keras").flow.log_prob(x), expected)

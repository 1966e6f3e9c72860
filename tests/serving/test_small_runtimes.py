"""Densities in TFLite and ONNX, against their own runtimes."""

import json
import sys
import types

import numpy as np
import pytest
import rows
import tensorflow as tf
from depth import quick
from keras_support import small

import tfp_flows as tff
from tfp_flows.serving.graphs import REPLACED

CASES = [f"{name}_{given}" for name in ("maf", "realnvp", "nsf") for given in ("alone", "given")]
pytestmark = pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")


def case(name):
    """A flow that has seen data, and rows with one far out and one that is no number."""
    name, _, given = name.partition("_")
    generator = np.random.default_rng(0)
    options = {"context_shape": 2} if given == "given" else {}
    flow = rows.randomise(small(name, event_shape=3, **options))
    x = (3 * generator.normal(size=(9, 3)) + [2, -1, 40]).astype(np.float32)
    inputs = {"x": x}
    if options:
        inputs["context"] = generator.normal(size=(9, 2)).astype(np.float32)
    flow.adapt(*inputs.values())
    x[7] *= 30
    x[8, 1] = np.nan
    return flow, inputs


def check(values, flow, inputs):
    expected = flow.log_prob(**{"value": inputs["x"], "context": inputs.get("context")}).numpy()
    assert np.isnan(values[-1])
    np.testing.assert_allclose(values[:-1], expected[:-1], rtol=1e-5, atol=1e-5)


@pytest.mark.deep
@pytest.mark.parametrize("name", CASES)
def test_a_lite_interpreter_says_the_same(name, tmp_path):
    flow, inputs = case(name)
    tff.export(flow, tmp_path / "lite", format="tflite")
    assert {path.name for path in (tmp_path / "lite").iterdir()} == {"log_prob.tflite", "flow.json"}
    interpreter = tf.lite.Interpreter(str(tmp_path / "lite" / "log_prob.tflite"))
    run = interpreter.get_signature_runner("log_prob")
    check(run(**inputs)["log_prob"], flow, inputs)
    # The batch size is free.
    one = {key: value[:1] for key, value in inputs.items()}
    np.testing.assert_allclose(
        run(**one)["log_prob"], flow.log_prob(*one.values()), rtol=1e-5, atol=1e-5
    )


@pytest.mark.deep
@pytest.mark.parametrize("name", CASES)
def test_an_onnx_runtime_says_the_same(name, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    flow, inputs = case(name)
    tff.export(flow, tmp_path / "onnx", format="onnx")
    about = json.loads((tmp_path / "onnx" / "flow.json").read_text())
    session = runtime.InferenceSession(str(tmp_path / "onnx" / about["file"]))
    assert {each.name for each in session.get_inputs()} == set(inputs)
    (values,) = session.run(["log_prob"], inputs)
    check(values, flow, inputs)
    (one,) = session.run(["log_prob"], {key: value[:1] for key, value in inputs.items()})
    np.testing.assert_allclose(one, values[:1], rtol=1e-5, atol=1e-5)


@pytest.mark.deep
def test_an_operation_that_lacks_is_named(tmp_path):
    flow = tff.flows.nsf(event_shape=2, hidden_units=[4], num_layers=1, mixing="linear")
    flow.adapt(np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32))
    with pytest.raises(tff.InputError, match=r"it lacks .*MatrixTriangularSolve.*; export it as"):
        tff.export(flow, tmp_path / "lite", format="tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", quick(["tf2onnx", "onnx"], "tf2onnx"))
def test_a_missing_package_is_named(name, tmp_path, monkeypatch):
    for other in {"tf2onnx", "onnx"} - {name}:
        monkeypatch.setitem(sys.modules, other, types.ModuleType(other))
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(tff.InputError, match=rf"needs {name}, .*pip install .tfp-flows\[onnx\]"):
        tff.export(small(), tmp_path / "onnx", format="onnx")
    assert not list(tmp_path.iterdir())


def test_replaced_operations_have_the_same_values():
    x = np.array([-0.999, -1e-3, -1e-9, 0, 1e-12, 1e-7, 0.3, 7, 1e30, np.inf, np.nan], np.float32)
    np.testing.assert_allclose(REPLACED["Log1p"](tf.constant(x)), np.log1p(x), rtol=3e-7)
    clipped = REPLACED["ClipByValue"](tf.constant(x), -0.5, 2.0)
    np.testing.assert_array_equal(clipped, np.clip(x, -0.5, 2.0))
    for one, other in [([], [3, 1]), ([1], [0]), ([4, 1, 3], [2, 1]), ([5], [5])]:
        shape = REPLACED["BroadcastArgs"](tf.constant(one, tf.int32), tf.constant(other, tf.int32))
        assert tuple(shape.numpy()) == np.broadcast_shapes(tuple(one), tuple(other))

"""What an export says, where nothing of the package is, is what the flow says."""

import functools
import inspect
import json
import os
import subprocess
import sys
import warnings

import autoencoders
import numpy as np
import pytest
import rows
import tensorflow as tf
from keras_support import small
from recipes import build

import tfp_flows as tff
from tfp_flows.errors import DataWarning
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.serving.signatures import remark_if_random

pytestmark = pytest.mark.keras
# As TensorFlow Serving has it: no package, and requests of its REST interface, by rows or inputs.
SERVER = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tfp_flows", "tensorflow_probability"}:
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Block())
import json
import tensorflow as tf

def columns(body, names):
    # The inputs by name, and how many rows: None where they do not come by rows.
    if "inputs" in body:
        given = body["inputs"]
        return (given if isinstance(given, dict) else {names[0]: given}), None
    rows = [row if isinstance(row, dict) else {names[0]: row} for row in body["instances"]]
    assert len({tuple(sorted(row)) for row in rows}) == 1
    return {name: [row[name] for row in rows] for name in rows[0]}, len(rows)

folder, requests = sys.argv[1], json.load(open(sys.argv[2]))
answers = []
for name, body in requests:
    served = tf.saved_model.load(f"{folder}/{name}")
    served = served.signatures[body.get("signature_name", "serving_default")]
    specs = served.structured_input_signature[1]
    inputs, count = columns(body, list(specs))
    assert set(specs) == set(inputs), (specs, inputs)
    answer = served(**{key: tf.constant(inputs[key], specs[key].dtype) for key in specs})
    # Rows come back as rows, so that each output must have as many.
    assert count is None or all(value.shape[0] == count for value in answer.values())
    answers.append({key: value.numpy().tolist() for key, value in answer.items()})
json.dump(answers, open(sys.argv[2] + ".answers", "w"))
assert not {"tfp_flows", "tensorflow_probability"} & set(sys.modules)
"""


def served(folder, requests):
    """The answers of another process, which cannot import the package."""
    path = folder / "requests.json"
    path.write_text(json.dumps(requests))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", SERVER, str(folder), str(path)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads((folder / "requests.json.answers").read_text())


@pytest.mark.deep
def test_a_server_without_the_package_says_the_same(tmp_path):
    generator = np.random.default_rng(0)
    context = generator.normal(size=(5, 1)).astype(np.float32)
    requests, expected = [], []
    for name, given in [("maf", None), ("realnvp", context), ("nsf", context)]:
        options = {} if given is None else {"context_shape": 1}
        flow = rows.randomise(small(name, event_shape=3, num_layers=1 + (name == "nsf"), **options))
        x = (3 * generator.normal(size=(5, 3)) + [2, -1, 40]).astype(np.float32)
        if flow.needs_adapt:
            flow.adapt(x, given)
        tff.FlowModel(flow).export(tmp_path / name, format="tf_saved_model")
        more = {} if given is None else {"context": given.tolist()}
        whole = {"x": x.tolist(), **more}
        by_rows = [{key: whole[key][i] for key in whole} for i in range(5)]
        requests += [
            [name, {"inputs": whole}],
            [name, {"signature_name": "log_prob", "instances": by_rows[:2]}],
            [name, {"signature_name": "to_latent", "instances": by_rows}],
            [name, {"signature_name": "sample", "inputs": {"count": 4, "seed": [7, 9], **more}}],
        ]
        log_prob = flow.log_prob(x, given)
        expected += [
            {"log_prob": log_prob},
            {"log_prob": log_prob[:2]},
            {"latent": flow.to_latent(x, given)},
            {"sample": flow.sample(4, given, seed=[7, 9])},
        ]
        if given is None:  # the only input needs no name
            requests += [[name, {"instances": whole["x"]}], [name, {"inputs": whole["x"]}]]
            expected += [{"log_prob": log_prob}] * 2
    for request, answer, right in zip(requests, served(tmp_path, requests), expected, strict=True):
        assert set(answer) == set(right)
        for key, value in right.items():
            np.testing.assert_allclose(
                answer[key], value, rtol=1e-6, atol=1e-6, err_msg=str(request)
            )


@pytest.fixture
def without_gradients(monkeypatch):
    """Exports as they are but for gradients of gradients, which take most of the time to write."""
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    save = functools.partial(tf.saved_model.save, options=options)
    monkeypatch.setattr(tf.saved_model, "save", save)


@pytest.mark.usefixtures("without_gradients")
@pytest.mark.deep
@pytest.mark.keras(cases=("glow", "maf", "residual"))
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_says_what_the_flow_says(name, tmp_path):
    known = inspect.signature(tff.flows.FLOWS[name]).parameters
    options = {name: value for name, value in (("bins", None), ("num_layers", 1)) if name in known}
    flow = rows.randomise(build(name, max(RECIPES[name].smallest, 2), **options), scale=0.1)
    generator = np.random.default_rng(0)

    def filled(shape, length):
        return tf.constant(
            generator.normal(size=[2, *(length if n is None else n for n in shape)]), flow.dtype
        )

    # Recordings of two frames of 32 samples.
    x = filled(flow.event_shape, 64)
    shape = flow.context_shape
    given = {} if shape is None else {"context": filled(shape, 2)}
    if flow.needs_adapt:
        flow.adapt(x, **given)
    tff.export(flow, tmp_path / name)
    about = json.loads((tmp_path / name / "flow.json").read_text())
    assert not about["estimated"]
    served = tf.saved_model.load(str(tmp_path / name)).signatures
    told = served["log_prob"](x=x, **given)["log_prob"]
    np.testing.assert_allclose(told, flow.log_prob(x, **given), rtol=1e-5, atol=1e-5)
    latent = served["to_latent"](x=x, **given)["latent"]
    np.testing.assert_allclose(latent, flow.to_latent(x, **given), rtol=1e-5, atol=1e-5)


def test_names_and_shapes_are_told(tmp_path):
    flow = small("realnvp", event_shape=3, context_shape=2)
    tff.export(flow, tmp_path / "flow")
    about = json.loads((tmp_path / "flow" / "flow.json").read_text())
    assert about["event_shape"] == [3]
    assert about["context_shape"] == [2]
    rows_in = {"x": ["float32", None, 3], "context": ["float32", None, 2]}
    assert about["signatures"] == {
        "log_prob": {"inputs": rows_in, "outputs": {"log_prob": ["float32", None]}},
        "to_latent": {"inputs": rows_in, "outputs": {"latent": ["float32", None, 3]}},
        "sample": {
            "inputs": {
                "count": ["int32"],
                "seed": ["int32", 2],
                "context": ["float32", None, 2],
            },
            "outputs": {"sample": ["float32", None, None, 3]},
        },
    }
    # Whatever was there before goes as a whole, and only if it was an export.
    (tmp_path / "flow" / "stray").touch()
    tff.export(flow, tmp_path / "flow")
    assert not (tmp_path / "flow" / "stray").exists()
    with pytest.raises(tff.InputError, match="holds an export"):
        tff.export(flow, tmp_path / "flow", overwrite=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("kept")
    for path, words in [("notes", "holds other files"), ("notes/diary.txt", "is a file")]:
        with pytest.raises(tff.InputError, match=words):
            tff.export(flow, tmp_path / path)
    assert (tmp_path / "notes" / "diary.txt").read_text() == "kept"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["flow", "notes"]


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    errors = [
        OSError(28, "No space left on device"),
        # As TensorFlow raises it on a full disk, with the name of its own temporary file.
        tf.errors.ResourceExhaustedError(
            None, None, "/x/.1b-down/saved_model.pb.tmp95; No space left on device"
        ),
    ]
    for error in errors:

        def failing(*_, raised=error, **__):
            raise raised

        monkeypatch.setattr(tf.saved_model, "save", failing)
        with pytest.raises(
            tff.InputError, match=r"Cannot write \S+down: No space left on device\.$"
        ):
            tff.export(small(), tmp_path / "deep" / "down")
        assert not list(tmp_path.iterdir())


def test_what_is_no_flow_is_refused(tmp_path):
    with pytest.raises(tff.InputError, match="got dict"):
        tff.export({}, tmp_path / "flow")
    with pytest.raises(tff.InputError, match="No model file"):
        tff.export(tmp_path / "gone.keras", tmp_path / "flow")


def labelled():
    dense = autoencoders.dense
    return tff.models.SemiSupervisedVAE(
        dense(6, 4), dense(4, 6), dense(6, 2), classes=2, latent_size=2, seed=0
    )


def test_what_draws_noise_is_named_by_its_family():
    noisy = tf.function(lambda: tf.random.normal([])).get_concrete_function()
    with pytest.warns(DataWarning, match=r"estimate with noise.*; Variational draws it"):
        assert remark_if_random(labelled().flow, noisy)
    with pytest.warns(DataWarning, match=r"in the export as it does here\.$"):
        assert remark_if_random(small(), noisy)
    assert not remark_if_random(small(), tf.function(lambda: 1.0).get_concrete_function())


@pytest.mark.deep
def test_noise_in_a_density_is_said_with_the_switch(tmp_path):
    flow = tff.flows.glow(event_shape=(2, 2, 1), num_levels=1, depth=1, hidden_units=[2])
    with pytest.warns(DataWarning, match=r"Dequantize draws it: build the flow with bins=None"):
        tff.export(flow, tmp_path / "glow")
    assert json.loads((tmp_path / "glow" / "flow.json").read_text())["estimated"] is True
    # Of a VAE, and of one of a class of its own, there is no exact density.
    for model in (autoencoders.small(), labelled()):
        with pytest.warns(DataWarning, match=r"Variational draws it: .*, and never exact\.$"):
            tff.export(model, tmp_path / "vae")
        assert json.loads((tmp_path / "vae" / "flow.json").read_text())["estimated"] is True
    # Estimated in training alone: evaluation has the exact trace, which says the same each time.
    estimator = rows.randomise(
        tff.flows.ffjord(event_shape=3, hidden_units=[4], trace="hutchinson", seed=0)
    )
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        tff.export(estimator, tmp_path / "ffjord")
    exported = tf.saved_model.load(str(tmp_path / "ffjord"))
    np.testing.assert_array_equal(exported.log_prob(x), exported.log_prob(x))
    assert json.loads((tmp_path / "ffjord" / "flow.json").read_text())["estimated"] is False

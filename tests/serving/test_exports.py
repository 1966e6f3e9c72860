"""What an export says, where nothing of the package is, is what the flow says."""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import rows
import tensorflow as tf
from keras_support import small

import tfp_flows as tff
from tfp_flows.errors import DataWarning

pytestmark = pytest.mark.keras
# As a server has it: TensorFlow alone, and named tensors as JSON writes them.
SERVER = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tfp_flows", "tensorflow_probability"}:
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Block())
import json
import tensorflow as tf

folder, requests = sys.argv[1], json.load(open(sys.argv[2]))
answers = []
for name, signature, inputs in requests:
    served = tf.saved_model.load(f"{folder}/{name}").signatures[signature]
    specs = served.structured_input_signature[1]
    assert set(specs) == set(inputs), (specs, inputs)
    answer = served(**{key: tf.constant(inputs[key], specs[key].dtype) for key in specs})
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
        first = {"x": x[:2].tolist(), **({} if given is None else {"context": more["context"][:2]})}
        seeds = {"count": 4, "seed": [7, 9]}
        for signature, inputs in [
            ("serving_default", {"x": x.tolist(), **more}),
            ("log_prob", first),
            ("to_latent", {"x": x.tolist(), **more}),
            ("sample", {**seeds, **more}),
        ]:
            requests.append([name, signature, inputs])
        log_prob = flow.log_prob(x, given)
        expected += [
            {"log_prob": log_prob},
            {"log_prob": flow.log_prob(x[:2], None if given is None else given[:2])},
            {"latent": flow.to_latent(x, given)},
            {"sample": flow.sample(4, given, seed=[7, 9])},
        ]
    for request, answer, right in zip(requests, served(tmp_path, requests), expected, strict=True):
        assert set(answer) == set(right)
        for key, value in right.items():
            np.testing.assert_allclose(
                answer[key], value, rtol=1e-6, atol=1e-6, err_msg=str(request[:2])
            )


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


@pytest.mark.deep
def test_noise_in_a_density_is_said_with_the_switch(tmp_path):
    flow = tff.flows.glow(event_shape=(2, 2, 1), num_levels=1, depth=1, hidden_units=[2])
    with pytest.warns(DataWarning, match=r"Dequantize draws it: build the flow with bins=None"):
        tff.export(flow, tmp_path / "glow")
    assert json.loads((tmp_path / "glow" / "flow.json").read_text())["estimated"] is True
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

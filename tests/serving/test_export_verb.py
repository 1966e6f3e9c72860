"""The command `export`: what it writes, and what it refuses in one sentence."""

import json

import kind_rows
import numpy as np
import pytest
import tensorflow as tf
from commands import bad, good

import tfp_flows as tff
from tfp_flows import kinds
from tfp_flows.tables.model import TableModel


def test_kinds_that_can_be_exported():
    able = {kind.name for kind in kinds.every() if "export" in {verb.name for verb in kind.verbs}}
    assert able == {"tables", "images", "targets", "speech"}


def test_mixed_columns_say_why_not(tmp_path):
    model = TableModel.__new__(TableModel)
    with pytest.raises(tff.InputError, match=r"not exported, as its schema.*with --flow maf"):
        model.export(tmp_path / "served")
    assert not list(tmp_path.iterdir())


@pytest.mark.deep
def test_a_run_is_exported(tmp_path):
    row = next(row for row in kind_rows.ROWS if row.name == "tables")
    data, run = row.write(tmp_path), tmp_path / "run"
    good("fit", data, "--epochs", "1", "--no-plots", *row.options, "--out", run)
    out = tmp_path / "served" / "1"
    assert "Written to" in good("export", run, "-o", out).stdout
    flow, x = tff.open_run(run).model.flow, np.load(data)[:5].astype(np.float32)
    served = tf.saved_model.load(str(out))
    np.testing.assert_allclose(served.log_prob(x), flow.log_prob(x), rtol=1e-6, atol=1e-6)
    assert json.loads((out / "flow.json").read_text())["kind"] == "tables"
    before = sorted(path.stat().st_mtime_ns for path in out.iterdir())
    assert "give another folder, or --overwrite" in bad("export", run, "-o", out)
    assert "holds other files" in bad("export", run, "-o", run, "--overwrite")
    assert sorted(path.stat().st_mtime_ns for path in out.iterdir()) == before
    good("export", run, "-o", out, "--format", "tflite", "--overwrite")
    assert {path.name for path in out.iterdir()} == {"log_prob.tflite", "flow.json"}
    # A run, or its file, will do in Python too.
    tff.export(run, tmp_path / "again")
    tff.export(run / "model.keras", tmp_path / "again")

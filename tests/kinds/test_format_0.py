"""Runs that the first version has written."""

import json
import shutil

import numpy as np
import pytest
from commands import bad, good, run
from depth import quick
from kind_rows import FIXTURES

import tfp_flows as tff


def old(name, tmp_path):
    """A copy of a run of format 0, which finds its images."""
    out = tmp_path / name
    shutil.copytree(FIXTURES / "format0" / name, out)
    for record in out.glob("*.json"):
        images = FIXTURES / "format0" / "images.npz"
        record.write_text(record.read_text().replace("/data/images.npz", str(images)))
    return out


@pytest.mark.parametrize(("kind", "headline"), [("tables", "nats"), ("images", "bits")])
def test_finished_runs_of_format_0(tmp_path, kind, headline):
    out = old(kind, tmp_path)
    opened = tff.open_run(out)
    assert opened.kind == kind
    assert opened.settings.minutes is None
    assert headline in good("runs", tmp_path).stdout
    good("sample", out, "-n", 2, "-o", tmp_path / "samples.npy")
    assert np.isfinite(np.load(tmp_path / "samples.npy").astype(float)).all()
    good("plot", out, "-o", tmp_path / "picture.png")
    # The scores of the test part are those of the record.
    source = opened.source()
    again = opened.work.measure(opened.model, source)["test"]["headline"]["value"]
    before = {"tables": "mean_nats", "images": "bits_per_dim"}[kind]
    tolerance = {"tables": 1e-5, "images": 0.02}[kind]  # images get noise
    assert again == pytest.approx(opened.metrics["test"][before], abs=tolerance)
    assert "nothing to resume" in good("fit", "--resume", "--out", out).stderr


@pytest.mark.parametrize("kind", quick(["tables", "images"], "tables"))
def test_interrupted_runs_of_format_0_go_on(tmp_path, kind):
    out = old(f"killed_{kind}", tmp_path)
    with np.load(out / "training_state.npz") as archive:
        state = json.loads(str(archive["state"]))
    good("fit", "--resume", "--out", out)
    opened = tff.open_run(out)
    assert opened.kind == kind
    assert len(opened.history["loss"]) == opened.settings.epochs == {"tables": 5, "images": 3}[kind]
    assert opened.history["val_loss"][:2] == state["history"]["val_loss"]
    if kind == "tables":
        whole = json.loads((FIXTURES / "format0" / "whole_tables.json").read_text())
        expected = whole["training"]["history"]["val_loss"]
        np.testing.assert_allclose(opened.history["val_loss"], expected, rtol=1e-3)


def test_options_of_no_kind(tmp_path):
    result = run("fit", "two_moons", "--kind", "tabels", "--out", tmp_path / "run")
    assert "Unknown kind of work 'tabels'; did you mean 'tables'?" in result.stderr
    said = bad("interpolate", old("tables", tmp_path), "a.png", "b.png", "-o", tmp_path / "c.png")
    assert "interpolate is of images; " in said
    assert "is of tables" in said
    said = bad(
        "score", old("images", tmp_path), "x.npy", "--drop-invalid", "-o", tmp_path / "s.csv"
    )
    assert "--drop-invalid is of tables; " in said

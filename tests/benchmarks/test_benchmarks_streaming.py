"""The benchmark of streamed tables: its law, its report, and a tiny run."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import isolated
from benchmarks.streaming import report, table, worker
from benchmarks.streaming.__main__ import app


def test_the_law_is_that_of_the_rows(tmp_path):
    x, kind = table.rows(20_000, 3, 0)
    assert x[kind == 2, 0].mean() - x[kind == 0, 0].mean() == pytest.approx(4, abs=0.1)
    # On a grid of the first two columns, the others as they are: mass one.
    grid = np.stack(np.meshgrid(np.linspace(-7, 7, 281), np.linspace(-7, 7, 281)), -1)
    density = np.exp(table.log_prob(grid.reshape(-1, 2)))
    assert density.sum() * (14 / 280) ** 2 == pytest.approx(1, abs=1e-3)
    size = table.folder(tmp_path / "t", 250, 3, 100)
    parts = sorted((tmp_path / "t").iterdir())
    assert [p.name for p in parts] == [f"part-{k:04d}.parquet" for k in range(3)]
    assert size == sum(p.stat().st_size for p in parts)


def test_the_report():
    fit = {"status": "ok", "train_rows": 1234567, "epochs": 7, "memory": 1.5, "all_seconds": 99.0}
    fit["test"] = {"value": -1.5, "standard_error": 0.01}
    found = {"fit, streamed": fit, "held out, streamed": {"status": "ok", "gap_nats": [0.25, 0.01]}}
    found["score, streamed"] = {"status": "ok", "rows": 4000, "seconds": 2.0, "memory": 1.0}
    found["score, in memory"] = {"status": "failed", "message": "x"}
    settings = {"threads": 1, "rows": 10**6, "columns": 20, "minutes": 4.0}
    record = {"settings": settings, "machine": {"processor": "P"}, "bytes": 3e9, "results": found}
    record["difference_nats"] = [-0.001, 0.002]
    text = report.markdown(record)
    assert "1,000,000 rows of 20 numbers and a category, 3.00 GB" in text
    row = "| streamed | 1,234,567 | 7 | -1.500 ± 0.020 | 0.250 ± 0.010 | 1.50 | 99 |"
    assert row in text.splitlines()
    assert "| streamed | 4,000 | 2,000 | 1.00 |" in text
    assert "-0.0010 ± 0.0020 nats" in text
    assert report.mean(np.array([1.0, 3.0])) == pytest.approx([2.0, 2.0])


@pytest.mark.deep
def test_a_tiny_run(tmp_path, monkeypatch):
    # In this process: each of its own would import TensorFlow.
    monkeypatch.setattr(isolated, "launch", lambda module, job, needs, threads: worker.run(job))
    sizes = {"rows": 6000, "part": 2000, "sample": 2000, "scored": 4000, "whole": 2000}
    options = [str(part) for name, n in sizes.items() for part in (f"--{name}", n)]
    options += [
        "--columns",
        "3",
        "--minutes",
        "0.01",
        "--no-mixed",
        "--folder",
        str(tmp_path / "f"),
    ]
    done = CliRunner().invoke(app, [*options, "--out", str(tmp_path / "s.json")])
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "s.json").read_text())["results"]
    assert {one["status"] for one in results.values()} == {"ok"}
    assert results["score, streamed"]["rows"] == 4000

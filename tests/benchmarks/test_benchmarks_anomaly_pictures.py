"""The benchmark of pictures: detectors without a flow, and what the tables say."""

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.anomaly import baselines, pictures
from benchmarks.anomaly.__main__ import app

SHAPES = [(4, 4, 80), (2, 2, 60)]


def features(count, odd=False):
    generator = np.random.default_rng(int(odd))
    maps = [generator.normal(size=(count, *shape)) for shape in SHAPES]
    if odd:
        maps[0][:, 0, 0] += 2.0
    return np.concatenate([one.reshape(count, -1) for one in maps], axis=1).astype(np.float32)


@pytest.mark.parametrize("name", ["padim", "neighbours", "pooled_gaussian"])
def test_scores_are_larger_for_what_is_odd(name, monkeypatch):
    monkeypatch.setattr(baselines, "_REMEMBERED", 400)
    detect = getattr(baselines, name)(features(200), SHAPES, (8, 8), 0)
    scores, maps = detect(features(20, odd=True))
    usual, _ = detect(features(21)[1:])
    assert scores.shape == (20, 4)
    assert (np.median(scores, axis=0) > np.quantile(usual, 0.8, axis=0)).all()
    if name != "pooled_gaussian":
        assert maps["latents"].shape == (20, 8, 8)
        assert (maps["latents"][:, 0, 0] > maps["latents"][:, -1, -1]).mean() > 0.9


def result(value):
    figure = {"value": value, "low": value, "high": value}
    types = {name: {"image_auroc": figure, "found": 0.5} for name in ("all", "a", "b")}
    types["b"] = {"image_auroc": figure | {"value": value - 0.1}, "found": 0.5}
    return {
        "status": "ok",
        "seconds": 3.0,
        "types": types,
        "pictures": {"good": 4, "a": 2, "b": 3},
        "false_alarms": 0.04,
        "image_auroc_by_score": {"latents_max": figure},
    }


def test_tables():
    failed = {"status": "failed", "message": "no memory"}
    entry = {"models": {"fastflow": [result(0.9), result(0.8)], "padim": [failed]}}
    lines = pictures.markdown(entry)
    assert "| fastflow | 0.850 [0.800, 0.900] | 0.750 (b) |" in lines[2]
    assert "4.0 [4.0, 4.0] | 50.0 [50.0, 50.0] | 3 |" in lines[2]
    assert "| padim | failed: no memory |" in lines[3]
    assert "| fastflow | 0.850 | 0.750 |" in lines
    assert pictures.counts(entry) == "4 good pictures and 5 with defects"


def test_asks_for_one_thing():
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    assert "give --tables or --pictures TREE" in done.output

"""The benchmark of mixed tables: laws, judges, and a short run."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.tables import coding, measures, peers
from benchmarks.tables.__main__ import app
from benchmarks.tables.laws import LAWS
from benchmarks.tables.report import targets
from benchmarks.tables.sources import load

SCHEMA = {
    "id": {"type": "left_out"},
    "kind": {"type": "categorical", "values": ["a", "b"]},
    "grade": {"type": "ordinal", "values": [1, 2, 3]},
    "paid": {"type": "positive", "step": 0.5, "atoms": [0.0]},
    "share": {"type": "bounded", "low": 0.0, "high": 1.0},
    "count": {"type": "integer", "low": 0.0},
    "day": {"type": "date", "form": "%Y-%m-%d", "step": 86_400.0},
    "unit": {"type": "constant", "value": "kg"},
}


def volume(law, inside, shares=1.0):
    """The mean of 1 / p over draws of p in a box, which is its volume; and its standard error."""
    weights = np.where(inside, np.exp(-law), 0) / shares
    return weights.mean(), weights.std() / np.sqrt(len(weights))


def test_orders_have_a_density():
    table, law = LAWS["orders"](200_000, 0)
    assert table.notna().to_numpy().all()
    box = table["group"].eq("a") & table["x"].between(-1.5, -0.5) & table["items"].isin([1, 2])
    # The curve of the second branch is at 3.5 to 4, the first at -1 to -0.5.
    for paid, width in ((table["paid"] == 0, 1), (table["paid"].between(0.5, 2.5), 2)):
        inside = box & paid & table["branch"].between(3.4, 4.2)
        found, error = volume(law, inside)
        assert abs(found - 1 * 2 * width * 0.8) < 4 * error
        assert error < 0.2


def test_rides_have_a_density():
    table, law = LAWS["rides"](200_000, 0)
    curve = 2 + 1.5 * np.sqrt(10 * table["length"]) + table["share"]
    inside = table["hour"].between(7, 9) & table["kind"].eq("bus")
    inside &= table["share"].between(0.4, 0.9) & table["length"].between(2.95, 6.05)
    inside &= (table["price"] - curve).abs() < 0.5
    found, error = volume(law, inside)
    assert abs(found - 3 * 0.5 * 3.1 * 1) < 4 * error
    assert error < 0.2


def test_what_is_there_of_a_clinic_has_a_density():
    table, law = LAWS["clinic"](200_000, 0)
    age = table["age"].between(53, 55)
    old = 0.3 / (1 + np.exp((table["age"] - 54) / 5))
    both = table["first"].between(-0.3, 0.3) & table["second"].between(-1, 1)
    alone = table["first"].isna() & table["second"].between(-1, 1)
    graded, ill = table["grade"].eq(1), table["outcome"].eq("ill")
    for inside, shares, expected in (
        (both & graded, (1 - old) * 0.8 * 0.9, 3 * 0.6 * 2),
        (alone & graded, old * 0.8 * 0.9, 3 * 2),
        (both & table["grade"].isna(), (1 - old) * 0.8 * 0.1, 3 * 0.6 * 2),
    ):
        found, error = volume(law, age & ill & inside, shares)
        assert abs(found - expected) < 4 * error
        assert error < 0.2 * expected


def test_cells_that_cannot_be():
    good = {
        "kind": ["a", "b"],
        "grade": [1, 3],
        "paid": [0.0, 2.5],
        "share": [0.25, 0.75],
        "count": [0, 12],
        "day": ["2020-01-31", "2024-02-29"],
        "unit": ["kg", "kg"],
    }
    assert coding.impossible(pd.DataFrame(good), SCHEMA) == {}
    for name, values, count in (
        ("kind", ["a", "c"], 1),
        ("grade", [1.5, 4], 2),
        ("paid", [-0.5, 0.3], 2),
        ("share", [0.0, 1.0], 2),
        ("count", [1.5, -1], 2),
        ("day", ["2023-02-29", "31.01.2023"], 2),
        ("unit", ["kg", "g"], 1),
        ("count", [1, None], 1),
    ):
        found = coding.impossible(pd.DataFrame({**good, name: values}), SCHEMA)
        assert found == {name: count}
    lacking = {key: value for key, value in good.items() if key != "kind"}
    assert coding.impossible(pd.DataFrame(lacking), SCHEMA) == {"kind": 2}


def test_codes():
    code = coding.Coding.of(SCHEMA)
    frame = pd.DataFrame(
        {
            "kind": ["b", None],
            "grade": [2.0, np.nan],
            "paid": [0.5, np.nan],
            "share": [0.1, 0.2],
            "count": [3, 4],
            "day": ["1970-01-02", None],
        }
    )
    nan = np.nan
    expected = [[1, 1, 0.5, 0.1, 3, 86_400], [nan, nan, nan, 0.2, 4, nan]]
    np.testing.assert_array_equal(code.encode(frame), expected)
    assert code.is_class.tolist() == [True, True, False, False, False, False]
    assert code.steps == [None, None, 0.5, None, 1, 86_400]
    rounded = code.rounded(np.array([[1.7, -0.6, 0.3, 0.3, 2.7, 90_000.0]]))
    np.testing.assert_array_equal(rounded, [[1, 0, 0.5, 0.3, 3, 86_400]])


def test_trees_tell_apart_what_differs_alone():
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, 800, 2))
    gaps = rng.uniform(size=two.shape) < 0.3
    two[gaps] = np.nan
    is_class = np.array([False, False])
    same = measures.two_samples(one, two, is_class, rng)
    assert abs(same["accuracy"] - 0.5) < 4 * same["error"]
    other = measures.two_samples(one + 3, two, is_class, rng)
    assert other["accuracy"] > 0.8
    assert other["auc"] > 0.85


def test_the_score_of_draws():
    # Of a standard normal law at 0: E|X| - E|X - X'| / 2 = (2 - sqrt(2)) / sqrt(2 pi).
    rng = np.random.default_rng(0)
    draws = np.stack([2 * rng.standard_normal((400, 50)), rng.integers(0, 2, (400, 50))], axis=-1)
    truth = np.zeros((50, 2))
    truth[0, 0] = np.nan
    found = measures.crps(draws, truth, np.array([False, True]), np.array([2.0, 9.0]))
    expected = [(2 - np.sqrt(2)) / np.sqrt(2 * np.pi), 0.5 - 0.25]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_chained_regressions_find_a_line():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(500)
    values = np.stack([x, 10 + 3 * x + 0.1 * rng.standard_normal(500)], axis=1)
    holes = np.array([[1.0, np.nan], [np.nan, 10.0]])
    drawn = peers.chained(values, holes, 10, 0)
    np.testing.assert_allclose(drawn[:, 0, 1], 13, atol=0.5)
    np.testing.assert_allclose(drawn[:, 1, 0], 0, atol=0.2)
    assert drawn[:, 0, 1].std() > 0.02


def test_a_gaussian_copula():
    pytest.importorskip("copulas")
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    values = np.stack([x, x > 0], axis=1).astype(float)
    drawn = peers.gaussian_copula(values, np.array([False, True]), 400, 0)
    assert drawn.shape == (400, 2)
    assert np.corrcoef(drawn.T)[0, 1] > 0.5


def test_targets_count_tables():
    def table(accuracy, gap=None, checking=60):
        return {
            "status": "ok",
            "fit": {"seconds": 100},
            "score": {"seconds": 1} | ({} if gap is None else {"gap": gap}),
            "samples": {"count": 10, "invalid": {}, "seconds": 10},
            "check": {"seconds": checking},
            "c2st": {"ours": {"accuracy": accuracy}, "copula": {"accuracy": 0.7}},
            "imputation": {"ours": 0.2, "chained": 0.3},
        }

    tables = {"a": table(0.55, 0.01), "b": table(0.7), "c": {"status": "failed"}}
    lines = targets(tables)
    assert lines[0].endswith("2 of 3, missed.")
    slow = targets({"a": table(0.55, checking=601)})
    assert slow[0].endswith("0 of 1, missed.")
    assert lines[1] == "no invalid cell in 20 samples: 2 of 2, met."
    assert lines[2] == "within 0.05 nats of the bound: 1 of 1, met."
    assert lines[3] == "C2ST below 0.6: 1 of 2, missed."
    assert lines[4] == "C2ST below that of the copula: 1 of 2."


def test_a_table_of_a_package():
    parts = load("wine", 0, 100)
    assert len(parts.seen) == 80  # a fifth is held out
    assert parts.law is None


def test_a_short_run_and_its_resumption(tmp_path):
    name = "clinic"
    out = tmp_path / "new" / "tables.json"
    arguments = ["--only", name, "--minutes", 0.1, "--rows", 400, "--samples", 500, "--out", out]
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())["tables"][name]
    assert found["rows"] == len(load(name, 0, 400).seen)
    assert found["samples"]["count"] == 500
    assert found["samples"]["invalid"] == {}
    assert 0.3 < found["c2st"]["ours"]["accuracy"] < 1
    assert found["imputation"]["ours"] < 1
    assert "gap" in found["score"]
    assert found["check"]["rows"] == 40  # of those that the fit has kept back
    assert found["check"]["ok"] == (not found["check"]["wrong"])
    text = out.with_suffix(".md").read_text()
    assert "no invalid cell in 500 samples: 1 of 1, met." in text
    before = out.read_text()
    again = CliRunner().invoke(app, [str(each) for each in arguments])
    assert again.exit_code == 0
    assert out.read_text() == before
    arguments[3] = 0.2
    other = CliRunner().invoke(app, [str(each) for each in arguments])
    assert other.exit_code == 2
    assert "holds results of --minutes 0.1, not 0.2" in other.output


def test_an_unknown_table_is_refused(tmp_path):
    done = CliRunner().invoke(app, ["--only", "wines", "--out", str(tmp_path / "x.json")])
    assert done.exit_code == 2
    assert "did you mean 'wine'" in done.output

"""Rows beside the held-out ones of a run: p-values, verdicts, columns that speak against them."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from commands import bad, good
from kind_rows import FIXTURES

import tfp_flows as tff
from tfp_flows import conformal
from tfp_flows.datasets import save_table
from tfp_flows.kinds.tables.held_out_rows import held_out_log_prob, kept
from tfp_flows.models.evaluation import log_density

COLUMNS = ["speed", "power", "a,b"]


def rows(count, seed):
    x = np.random.default_rng(seed).standard_normal((count, 3))
    x[:, 1] = 100 * (x[:, 0] + 0.1 * x[:, 1])
    return x


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with a run, new rows, and among these one whose power is not that of its speed."""
    place = tmp_path_factory.mktemp("held_out")
    save_table(place / "table.csv", rows(400, 0), COLUMNS)
    quick = ["--epochs", "10", "--layers", "2", "--hidden", "16", "--batch-size", "32"]
    good("fit", place / "table.csv", "--out", place / "run", *quick, "--no-plots")
    new = rows(30, 1)
    new[4, 1] = 100 * (new[4, 0] - 1)
    save_table(place / "new.csv", new, COLUMNS)
    return place


def scored(fitted, *options, run="run"):
    said = good("score", fitted / run, fitted / "new.csv", "-o", fitted / "s.csv", *options)
    return said.stderr, pd.read_csv(fitted / "s.csv")


def test_p_values_are_those_of_the_test_rows(fitted):
    run = tff.open_run(fitted / "run")
    test = run.source().parts.test
    held_out = run.metrics["held_out"]["log_prob"]
    np.testing.assert_allclose(held_out, log_density(run.model.flow, test), rtol=1e-5)
    said, found = scored(fitted, "--p-values")
    assert list(found) == ["log_prob", "p_value"]
    assert said == ""
    expected = [(1 + (np.array(held_out) <= one).sum()) / 41 for one in found["log_prob"]]
    np.testing.assert_allclose(found["p_value"], expected, rtol=1e-12)
    assert found["p_value"][4] == found["p_value"].min()


def test_verdicts_at_a_rate(fitted):
    said, found = scored(fitted, "--false-alarms", "0.05")
    assert list(found) == ["log_prob", "p_value", "alarm"]
    np.testing.assert_array_equal(found["alarm"], found["p_value"] <= 0.05)
    assert found["alarm"][4] == 1
    assert f"{found['alarm'].sum():.0f} of 30 rows have a log-density below" in said
    assert "at most 0.05, by 40 held-out rows" in said


def test_further_normal_rows_allow_lower_rates(fitted):
    save_table(fitted / "normal.csv", rows(60, 2), COLUMNS)
    said, found = scored(fitted, "--false-alarms", "0.01", "--normal", fitted / "normal.csv")
    assert "at most 0.01, by 100 held-out rows" in said
    assert found["p_value"].min() >= 1 / 101
    arguments = ("score", fitted / "run", fitted / "new.csv", "-o", fitted / "no.csv")
    said = bad(*arguments, "--normal", fitted / "normal.csv")
    assert "--normal is for --p-values and --false-alarms" in said
    assert "there is no such file" in bad(*arguments, "--p-values", "--normal", fitted / "gone.csv")


def test_the_columns_that_speak_against_a_row(fitted):
    _, found = scored(fitted, "--false-alarms", "0.05", "--explain", "2")
    names = [f"drop {name}" for name in COLUMNS]
    assert list(found) == ["against", "log_prob", "p_value", "alarm", *names]
    drops = found[names].to_numpy()
    flagged = found["alarm"].to_numpy() == 1
    assert np.isfinite(drops[flagged]).all()
    assert np.isnan(drops[~flagged]).all()
    assert found["against"].isna().to_numpy().tolist() == (~flagged).tolist()
    # Speed and power contradict each other.
    assert drops[4, :2].min() > max(2, drops[4, 2])
    first = COLUMNS[int(np.argmax(drops[4]))]
    assert found["against"][4].startswith(f"{first} +{drops[4].max():.1f} (expected ")
    assert "a,b" not in found["against"][4]
    _, all_rows = scored(fitted, "--explain", "1")
    np.testing.assert_allclose(all_rows[names].to_numpy()[flagged], drops[flagged], rtol=1e-4)
    assert np.isfinite(all_rows[names].to_numpy()).all()


def test_numbers_alone(fitted):
    output = fitted / "s.npy"
    said = good("score", fitted / "run", fitted / "new.csv", "-o", output, "--explain", 1).stderr
    assert "holds no names; its last columns are the nats of each column" in said
    assert np.load(output).shape == (30, 4)


def test_what_cannot_hold_is_refused(fitted):
    arguments = ("score", fitted / "run", fitted / "new.csv", "-o", fitted / "no.csv")
    said = bad(*arguments, "--false-alarms", "0.01")
    assert "needs 99 held-out normal cases or more, and there are 40" in said
    assert "give a share between 0 and 1" in bad(*arguments, "--false-alarms", "2")
    assert not (fitted / "no.csv").exists()


def test_runs_that_did_not_keep_them(fitted, tmp_path):
    """They are computed again from the data; without these it is said."""
    shutil.copytree(FIXTURES / "format0" / "tables", tmp_path / "run")
    data = tmp_path / "new.npy"
    np.save(data, np.zeros((1, 2)))
    good("score", tmp_path / "run", data, "-o", tmp_path / "s.csv", "--p-values")
    assert 0 < pd.read_csv(tmp_path / "s.csv")["p_value"][0] <= 1
    out = tmp_path / "older"
    shutil.copytree(fitted / "run", out)
    record = json.loads((out / "metrics.json").read_text())
    before = np.array(record.pop("held_out")["log_prob"])
    (out / "metrics.json").write_text(json.dumps(record))
    np.testing.assert_allclose(held_out_log_prob(tff.open_run(out)), before, rtol=1e-5)
    record["settings"]["data"] = str(tmp_path / "gone.csv")
    (out / "metrics.json").write_text(json.dumps(record))
    said = bad("score", out, fitted / "new.csv", "-o", tmp_path / "s.csv", "--p-values")
    assert "is of an older tfp-flows" in said
    assert "gone.csv" in said
    assert said.endswith("fit anew.")
    record["held_out"] = {"log_prob": ["x"]}
    (out / "metrics.json").write_text(json.dumps(record))
    said = bad("score", out, fitted / "new.csv", "-o", tmp_path / "s.csv", "--p-values")
    assert "are damaged" in said


def test_what_is_kept():
    values = np.array([-1.1, np.nan, -np.inf, 2.0], np.float32)
    assert kept(values, 0) == {"log_prob": [-1.1, None, None, 2.0]}
    many = np.random.default_rng(0).standard_normal(30_000)
    part = kept(many, 0)["log_prob"]
    assert len(part) == 9_999
    assert set(part) <= set(many.tolist())
    assert conformal.needed_for(1e-4) == 9_999

"""`--flow auto` with a time: what is tried on a table, the choice, and a fit killed meanwhile."""

import dataclasses
import json
import types

import numpy as np
import pandas as pd
import programs
import pytest
from commands import bad, good, run

import tfp_flows as tff
from tfp_flows.config import DEFAULTS
from tfp_flows.kinds.tables import auto, settings
from tfp_flows.kinds.tables.settings import COLUMNS, TableSettings
from tfp_flows.runs import trials
from tfp_flows.training_state import TrainingState


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("auto"), np.random.default_rng(0)
    np.save(folder / "plain.npy", rng.standard_normal((120, 2)))
    np.save(folder / "wide.npy", rng.standard_normal((120, 33)))
    mixed = {"kind": rng.choice(["ant", "bee"], 120), "weight": rng.gamma(2.0, size=120)}
    pd.DataFrame(mixed).to_csv(folder / "mixed.csv", index=False)
    return folder


def tried_on(path, **options):
    asked = TableSettings(data=str(path), **options).check()
    return (
        [one.in_words() for one in auto.candidates(asked)] if asked.flow == "auto" else asked.flow
    )


def test_what_is_tried(place):
    plain = ["maf", "nsf, mode=autoregressive"]
    assert tried_on(place / "plain.npy", minutes=4) == [*plain, "columns"]
    assert tried_on("two_moons", minutes=4) == [*plain, "columns"]
    assert tried_on(place / "wide.npy", minutes=4) == plain
    sizes = [f"columns, hidden {size},{size}" for size in (256, 128, 64)]
    assert tried_on(place / "mixed.csv", minutes=4) == sizes
    assert tried_on(place / "plain.npy", minutes=4, table_schema="schema.toml") == sizes


def test_when_nothing_is_tried(place):
    for options in (
        {},
        {"minutes": 3.9},
        {"minutes": 9, "layers": 2},
        {"minutes": 9, "hidden": [8]},
    ):
        assert tried_on(place / "plain.npy", **options) == "maf"
    assert tried_on(place / "mixed.csv", minutes=3.9) == "columns"
    assert tried_on(place / "mixed.csv", minutes=9, hidden=[8]) == "columns"
    assert tried_on(place / "mixed.csv", minutes=9, layers=2) == "maf"


def test_candidates_have_their_own_rates(place):
    asked = TableSettings(data=str(place / "plain.npy"), minutes=4).check()
    rates = {one.flow: (one.learning_rate, one.batch_size) for one in auto.candidates(asked)}
    assert rates == {"maf": (5e-3, 256), "nsf": (5e-3, 256), "columns": (1e-3, None)}
    asked = dataclasses.replace(asked, learning_rate=0.1)
    assert {one.learning_rate for one in auto.candidates(asked)} == {0.1}


def test_the_best_of_a_stage():
    rows = [(-2.0, 1), (None, 1), (0.0, 2), (-1.0, 2)]
    tried = [{"validation_nats": nats, "stages": stages} for nats, stages in rows]
    assert trials._best(tried, 0) == [0, 1, 2, 3]
    assert trials._best(tried, 1) == [2, 3, 0]
    assert trials._best(tried, 2) == [2, 3]


# Of three the best two are tried longer; if the best has ended, the next gets what is left.
FIRST = [(0, 30), (1, 30), (2, 30)]
STEPS = {(): [(1, 90), (2, 90)], (2,): [(1, 90), (1, 540)], (1,): [(2, 90)], (1, 2): []}


@pytest.mark.parametrize("ended", STEPS, ids=str)
def test_stages_and_what_is_left_of_the_time(tmp_path, monkeypatch, ended):
    """The times are of 600 seconds, of which 150 are spent before the rest is given away."""
    asked, done = TableSettings(data="two_moons", minutes=10).check(), []
    nats = [-3.0, -2.0, -1.0]

    def trying(kind, fit, place, file, until, found):
        k = int(file[6]) - 1
        done.append((k, until))
        (place / file).write_text(str(k))
        found |= {"stages": found["stages"] + 1, "seconds": until, "ended": k in ended}
        found["validation_nats"] = nats[k] + (2 if found["stages"] == 3 else 0)

    source = types.SimpleNamespace(digest=lambda form: "digest")
    work = types.SimpleNamespace(source=lambda: source, build=lambda source: "model")
    monkeypatch.setattr(trials, "_try", trying)
    monkeypatch.setattr(trials, "load", lambda name: lambda settings: work)
    begun = trials.Fit(auto.AutoWork(asked), asked, source, "model")
    about = {"defaults": DEFAULTS, "settings": asked.record()}
    fit = trials.best_of(types.SimpleNamespace(name="tables", work=""), begun, tmp_path, about)
    assert done == FIRST + STEPS[ended]
    best = 1 if ended == (2,) else 2
    assert [one["chosen"] for one in fit.tried] == [k == best for k in range(3)]
    record = json.loads((tmp_path / "training_settings.json").read_text())
    assert record["settings"]["flow"] == ["maf", "nsf", "columns"][best]
    assert record["asked"]["flow"] == "auto"
    assert {path.name for path in tmp_path.glob("*.npz")} == {"training_state.npz"}
    assert (tmp_path / "training_state.npz").read_text() == str(best)


@pytest.fixture
def tiny(monkeypatch):
    """Three tiny flows are tried at once, whatever the minutes."""

    def candidates(asked):
        own = [("maf", {"layers": 1}), ("nsf", {"layers": 1}), (COLUMNS, {})]
        return [dataclasses.replace(asked, hidden=[4], **more).of_flow(flow) for flow, more in own]

    monkeypatch.setattr(auto, "candidates", candidates)
    monkeypatch.setattr(settings, "TRIED_FROM", 1.0)
    # In graphs, as tests are that are not deep.
    programs.choose(types.SimpleNamespace(get_closest_marker=lambda mark: None))


FIT = ["--minutes", 9, "--batch-size", 64, "--no-plots"]


@pytest.mark.deep
@pytest.mark.keras
def test_a_fit_that_tries_is_killed_and_goes_on(place, tiny, tmp_path, monkeypatch):
    """In the second trial, and again after the choice; nothing is tried twice."""
    out, save, fit = tmp_path / "run", TrainingState.save, ["fit", place / "plain.npy", *FIT]
    whole = good(*fit, "--epochs", 4, "--out", tmp_path / "whole")
    assert "is the best." in whole.stderr

    def interrupted_after(count):
        def saving(self, arrays):
            nonlocal count
            save(self, arrays)
            count -= 1
            if not count:
                raise KeyboardInterrupt

        monkeypatch.setattr(TrainingState, "save", saving)

    interrupted_after(6)
    assert run(*fit, "--epochs", 4, "--out", out).exit_code == 130
    assert {path.name for path in out.iterdir()} == {
        *("training_settings.json", "trial_1.npz", "trial_2.npz")
    }
    assert "not finished" in bad("plot", out)
    assert "begun with minutes 9" in bad("fit", "--resume", "--minutes", 5, "--out", out)
    monkeypatch.setattr(TrainingState, "save", save)
    done = good("fit", "--resume", "--flow", "auto", "--out", out)
    assert "trying maf" not in done.stderr.partition("trying columns")[0]
    one, two = (tff.open_run(path).metrics for path in (out, tmp_path / "whole"))
    assert {path.name for path in out.iterdir()} == {"model.keras", "metrics.json"}
    names = ("name", "epochs", "chosen", "stages")
    for first, second in zip(one["tried"], two["tried"], strict=True):
        assert [first[name] for name in names] == [second[name] for name in names]
        assert first["validation_nats"] == pytest.approx(second["validation_nats"], rel=1e-4)
    best = max(one["tried"], key=lambda found: found["validation_nats"])
    assert best["chosen"]
    assert one["flow"]["name"] == one["settings"]["flow"] == best["name"].partition(",")[0]
    assert one["test"]["mean_nats"] == pytest.approx(two["test"]["mean_nats"], rel=1e-4)


@pytest.mark.deep
def test_a_fit_killed_after_its_choice_goes_on(place, tiny, tmp_path, monkeypatch):
    out, best_of = tmp_path / "run", trials.best_of

    def chosen(*arguments):
        best_of(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("tfp_flows.runs.engine.best_of", chosen)
    # A time that ends each trial before its last epoch.
    monkeypatch.setattr(trials, "STAGES", ((3, 1e-6), (2, 2e-6)))
    begun = run("fit", place / "plain.npy", *FIT, "--epochs", 5, "--by", "x0", "--out", out)
    assert begun.exit_code == 2  # too many values: nothing is left behind
    assert not out.exists()
    assert run("fit", place / "plain.npy", *FIT, "--epochs", 5, "--out", out).exit_code == 130
    assert {path.name for path in out.iterdir()} == {"training_settings.json", "training_state.npz"}
    record = json.loads((out / "training_settings.json").read_text())
    assert (record["asked"]["flow"], len(record["tried"])) == ("auto", 3)
    assert "begun with seed 0, not 5" in bad("fit", "--resume", "--seed", 5, "--out", out)
    done = good("fit", "--resume", "--out", out)
    assert "trying" not in done.stderr
    found = tff.open_run(out)
    assert found.metrics["tried"] == record["tried"]
    assert "chosen" in done.stdout
    (trial,) = [one for one in record["tried"] if one["chosen"]]
    assert trial["epochs"] < len(found.history["loss"]) == 5
    assert -min(found.history["val_loss"][: trial["epochs"]]) == pytest.approx(
        trial["validation_nats"], rel=0.5
    )


@pytest.mark.deep
def test_candidates_are_compared_in_the_units_of_the_table(place, tiny, tmp_path):
    """Losses of columns are of cells: what the comparison adds makes them log-densities."""
    out = tmp_path / "run"
    path = tmp_path / "far.npy"
    np.save(path, 1e3 * np.load(place / "plain.npy"))
    good("fit", path, *FIT, "--flow", COLUMNS, "--hidden", 4, "--epochs", 2, "--out", out)
    opened = tff.open_run(out)
    source, best = opened.source(), opened.metrics["training"]["best_validation_nats"]
    nats = opened.model.log_prob(source.parts.validation).mean()
    assert best == pytest.approx(nats, abs=1e-3)
    assert nats < -14

"""Whether `tables.check` finds what is wrong with a model, and says it."""

import collections
import json
import math
import sys
import types

import numpy as np
import pandas as pd
import pytest
from planted_tables import Planted, rows, with_gaps

from tfp_flows import plotting
from tfp_flows.errors import InputError
from tfp_flows.tables.checking import check, densities, joint, marginals
from tfp_flows.tables.checking.dependence import dependence, normal_scores
from tfp_flows.tables.checking.flips import Flips
from tfp_flows.tables.checking.subject import Compared, Subject
from tfp_flows.tables.vectors import Quantiles

_FAULTS = {None: set(), "shuffled": {"dependence"}, "cut": {"coverage", "marginals", "possible"}}


@pytest.fixture(scope="module")
def verdicts():
    held, train = rows(1_000, 1), rows(1_000, 2)
    return {fault: check(Planted(fault), held, train, seed=3) for fault in _FAULTS}


@pytest.mark.parametrize("fault", _FAULTS, ids=str)
def test_planted_faults_are_found(verdicts, fault):
    verdict = verdicts[fault]
    found = {measure.name for measure in verdict.wrong}
    assert verdict.ok == (fault is None)
    assert found >= _FAULTS[fault]
    assert not found & {"copies", "overfit"}
    severities = [measure.severity for measure in verdict.wrong]
    assert severities == sorted(severities, reverse=True)
    assert json.loads(json.dumps(verdict.to_dict()))["ok"] == (fault is None)


def test_the_verdict_is_in_words(verdicts):
    assert str(verdicts[None]).startswith(
        "Nothing found: 1,000 samples cannot be told from as many"
    )
    text = str(verdicts["shuffled"])
    assert text.startswith("Wrong by ")
    assert "Correlations differ: 'a' and 'b': 0." in text
    worst = verdicts["shuffled"].measure("dependence").details["pairs"][0]
    held = rows(1_000, 1)
    assert worst["columns"] == ("a", "b")
    assert worst["held_out"] == pytest.approx(held["a"].corr(held["b"]), abs=0.03)
    assert abs(worst["samples"]) < 0.15
    above = (held["a"] > 1.645).sum()
    assert f"{above} of 1,000 held-out rows are impossible for the model." in str(verdicts["cut"])
    assert "'a': " in str(verdicts["cut"])


def test_figures_of_a_right_model(verdicts):
    measure = verdicts[None].measure
    levels = measure("coverage").details["levels"]
    for level, share in levels.items():
        p = float(level) / 100
        # Both the quantile and the share are of 1,000 rows.
        assert share == pytest.approx(p, abs=4 * math.sqrt(2 * p * (1 - p) / 1_000))
    accuracy, band = (
        measure("classifier").details["accuracy"],
        measure("classifier").details["band"],
    )
    assert band[0] < accuracy < band[1]
    assert band[1] - 0.5 == pytest.approx(2.77 * 0.5 / math.sqrt(2_000), rel=0.01)
    assert measure("copies").details == {"held_out": 0.0, "samples": 0.0}


def test_marginal_distances_are_those_of_the_textbook():
    numbers = Compared("x", np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6]))
    assert marginals.distance(numbers) == 0.5
    classes = Compared("k", np.array([0.0, 0, 1, 2]), np.array([0.0, 1, 1, 1]), ("p", "q", "r"))
    assert marginals.distance(classes) == 0.5


def test_exchanged_rows_judge_exactly():
    """Of one quantity of -1, 0 and 1 the signs give a binomial distribution."""
    differences = np.concatenate([np.ones(16), np.zeros(30), -np.ones(4)])[:, None]
    judged = Flips(50, 0).judge(differences, 0.05, tolerance=0.0)
    assert judged.worst == pytest.approx(12 / math.sqrt(20))
    exact = 2 * sum(math.comb(20, k) for k in range(16, 21)) / 2**20
    assert judged.p_values()[0] == pytest.approx(exact, abs=0.008)
    signed = Flips(50, 0).judge(-differences, 0.05, signed=True, tolerance=0.0)
    assert signed.p_values()[0] > 0.99
    allowed = Flips(50, 0).judge(differences, 0.05, tolerance=0.3)
    assert allowed.threshold - judged.threshold == pytest.approx(0.3 * 5)
    assert allowed.p_values()[0] > 0.2


def test_dependence_alone_is_seen_where_marginals_are_wrong():
    generator = np.random.default_rng(0)
    a, noise = generator.standard_normal([2, 2, 1_000])
    b = 0.9 * a + math.sqrt(1 - 0.81) * noise
    columns = [Compared("a", a[0], 5 + 3 * a[1]), Compared("b", b[0], np.exp(b[1]))]
    right = dependence(columns, Flips(1_000, 0), 0.01)
    assert right.measure.ok
    assert right.associations[:, 0, 1] == pytest.approx(0.9, abs=0.03)
    weaker = 0.8 * a[1] + 0.6 * noise[1]
    wrong = dependence([columns[0], Compared("b", b[0], weaker)], Flips(1_000, 0), 0.01)
    assert not wrong.measure.ok
    scores = normal_scores(np.array([3.0, 1.0, 1.0, 2.0]))
    assert scores.mean() == pytest.approx(0, abs=1e-12)
    assert scores[1] == scores[2]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda u: u, "Held-out cells lie where their distributions say."),
        (lambda u: u**1.25, "'y', given the columns before it: held-out values lie too low"),
        (lambda u: 0.5 + (u - 0.5) * 0.6, "its distribution is too wide"),
        (lambda u: np.where(u > 0.95, 1.0, u / 0.95), "lie in the upper 2 % of its distribution"),
    ],
)
def test_cells_in_their_distributions(wrong, words):
    u = np.random.default_rng(1).random([800, 2])
    u[:, 1] = wrong(u[:, 1])
    u[::7, 0] = np.nan
    measure, shares = marginals.uniform(Quantiles(["x", "y"], u, u), 0.01, False, 0)
    assert measure.details["wrong"] == ([] if measure.ok else ["y"])
    assert words in " ".join(measure.sentences)
    assert len(shares["x"]) == np.isfinite(u[:, 0]).sum()


def test_classes_are_spread_over_their_stretch():
    """Codes 0 and 1 of probability 0.2 and 0.8, whose ends alone are far from uniform."""
    is_one = np.random.default_rng(2).random(1_000) < 0.8
    low, high = np.where(is_one, 0.2, 0.0), np.where(is_one, 1.0, 0.2)
    quantiles = Quantiles(["k"], low[:, None], high[:, None])
    measure, shares = marginals.uniform(quantiles, 0.01, True, 0)
    assert measure.ok
    assert np.quantile(shares["k"], [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.05)


def test_gaps_of_training_rows_make_no_copies():
    r = np.random.default_rng(0)
    train, held, drawn = (r.standard_normal((count, 2)) for count in (400, 60, 60))
    train[::7, 1] = np.nan
    drawn[0] = train[1]
    measure = densities.copies(train, held, drawn, Flips(60, 0), 0.01)
    assert measure.details == {"held_out": 0.0, "samples": pytest.approx(1 / 60)}
    table = pd.DataFrame(train, columns=["a", "b"])
    plain = types.SimpleNamespace(columns=["a", "b"])
    np.testing.assert_array_equal(Subject(plain, table).numbers(table)[0], train)


def test_copies_and_overfit():
    generator = np.random.default_rng(3)
    train, held, drawn = generator.standard_normal([3, 400, 3])
    drawn[:60] = train[100:160].astype(np.float32)
    held[:3] = train[:3]
    measure = densities.copies(train, held, drawn, Flips(400, 0), 0.01)
    assert not measure.ok
    assert measure.details == {"held_out": 3 / 400, "samples": pytest.approx(60 / 400, abs=0.006)}
    assert densities.copies(train, drawn, held, Flips(400, 0), 0.01).ok
    scores = generator.standard_normal(400)
    assert densities.overfit(scores, scores - 0.05, 0.01).ok
    found = densities.overfit(scores, scores - 0.5, 0.01)
    assert not found.ok
    assert found.value == pytest.approx(0.5, abs=0.03)


def test_the_classifier_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    held = rows(120, 4)
    verdict = check(Planted(), held, seed=1)
    assert joint.MISSING in verdict.notes
    assert "classifier" not in {measure.name for measure in verdict.measures}
    assert "overfit" not in {measure.name for measure in verdict.measures}


def test_rows_with_gaps_are_left_out_where_the_model_fills_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    held = with_gaps(rows(300, 5), 0)
    assert check(Planted(), held, seed=2).rows == len(held.dropna())
    with pytest.raises(InputError, match="9 held-out rows can be compared; give at least 10"):
        check(Planted(), rows(9, 6))
    with pytest.raises(InputError, match="20 samples are given for 60 held-out rows"):
        check(Planted(), rows(60, 6), samples=rows(20, 7))
    few = check(Planted(), rows(60, 6), samples=rows(60, 7))
    assert few.ok
    assert "60 held-out rows show gross faults alone; give 200 or more." in few.notes


@pytest.mark.deep
def test_vectors():
    """A flow with weights of chance is right about its own samples, and wrong about others."""
    from tfp_flows import flows
    from tfp_flows.tables.vectors import Vectors

    vectors = Vectors(
        flows.realnvp(event_shape=2, num_layers=1, hidden_units=(4,), seed=0), ["x", "y"]
    )
    held = vectors.sample(300, seed=9)
    assert list(held.columns) == ["x", "y"]
    quantiles = vectors.quantiles(held)
    assert quantiles.names == ["latent 1", "latent 2"]
    right = check(vectors, held, seed=1)
    assert right.ok, str(right)
    assert {m.name for m in right.measures} >= {"pit_given", "coverage", "classifier"}
    wrong = check(vectors, held * [1.0, 1.5], seed=1)
    assert "pit_given" in {m.name for m in wrong.wrong}
    with pytest.raises(InputError, match=r"events of shape \(2,\), and 1 columns"):
        Vectors(vectors.flow, ["x"])


def test_the_page(verdicts, tmp_path):
    verdict = verdicts["cut"]
    figure = plotting.plot_check(verdict, title="cut")
    titles = [axes.get_title() for axes in figure.axes]
    assert {"a, wrong", "kind", "coverage of the densest regions"} <= set(titles)
    few = plotting.plot_check(verdict, max_columns=2)
    assert few.get_supxlabel() == "2 of 5 columns are shown."
    assert "a, wrong" in [axes.get_title() for axes in few.axes]
    path = plotting.save_figure(figure, tmp_path / "check.png", dpi=40)
    assert path.stat().st_size > 5_000


def test_samples_that_are_no_numbers_are_wrong(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    held, drawn = rows(200, 8), rows(200, 9)
    drawn.loc[:60, "c"] = np.nan
    assert "marginals" in {m.name for m in check(Planted(), held, samples=drawn).wrong}
    assert isinstance(held, pd.DataFrame)


def test_the_verb(tmp_path, monkeypatch, capsys):
    """A run of a flow of vectors: its words, its record and its picture."""
    from tfp_flows import flows
    from tfp_flows.kinds.tables.check_verb import CHECK, CheckOptions

    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    flow = flows.realnvp(event_shape=2, num_layers=1, hidden_units=(4,), seed=0)
    values = np.random.default_rng(0).standard_normal([150, 2])
    parts = collections.namedtuple("Parts", "train test")(values[:90], 3 * values[90:])
    run = types.SimpleNamespace(
        path=tmp_path,
        model=types.SimpleNamespace(flow=flow),
        metrics={"data": {"columns": ["x", "y"], "named": True}},
        settings=types.SimpleNamespace(flow="realnvp", data="points.csv"),
        source=lambda: types.SimpleNamespace(parts=parts, weights=None),
    )
    assert CHECK.name == "check"
    written = CHECK.run(run, CheckOptions())
    assert [path.name for path in written] == ["check.json", "check.png"]
    record = json.loads(written[0].read_text())
    assert not record["ok"]
    assert record["measures"]["coverage"]["details"]["levels"]["50"] < 0.3
    text = capsys.readouterr().out
    assert "coverage of the densest regions" in text
    assert record["verdict"][0] in text.replace("\n", " ")
    table = tmp_path / "new.csv"
    pd.DataFrame(flow.sample(120, seed=5).numpy(), columns=["x", "y"]).to_csv(table, index=False)
    one = tmp_path / "other.json"
    assert CHECK.run(run, CheckOptions(data=str(table), output=one)) == [one]
    assert json.loads(one.read_text())["rows"] == 120
    with pytest.raises(InputError, match=r"other\.txt; give a folder, or a file that ends in"):
        CHECK.run(run, CheckOptions(output=tmp_path / "other.txt"))


def test_rows_are_compared_as_they_weigh(tmp_path, capsys):
    from tfp_flows.kinds.tables.check_verb import parts

    frame = pd.DataFrame({"x": np.arange(40.0), "w": [0.0, 2.0] * 20})
    own = collections.namedtuple("Parts", "train test")
    data, weights = frame[["x"]], frame["w"].to_numpy()
    source = types.SimpleNamespace(parts=own(data, data[:20]), weights=own(weights, weights[:20]))
    run = types.SimpleNamespace(
        model=types.SimpleNamespace(schema=types.SimpleNamespace(names=["x"])),
        settings=types.SimpleNamespace(weights="w"),
        metrics={"data": {"named": True}},
        source=lambda: source,
    )
    held, train = parts(run, None, None)
    assert held["x"].tolist() == list(range(1, 20, 2))
    assert train["x"].tolist() == list(range(1, 40, 2))
    assert "10 of 20 held-out rows are compared" in " ".join(capsys.readouterr().err.split())
    frame.to_csv(tmp_path / "new.csv", index=False)
    data.to_csv(tmp_path / "without.csv", index=False)
    assert len(parts(run, str(tmp_path / "new.csv"), None)[0]) == 20
    assert len(parts(run, str(tmp_path / "without.csv"), None)[0]) == 40
    assert "has no column 'w' of weights" in " ".join(capsys.readouterr().err.split())

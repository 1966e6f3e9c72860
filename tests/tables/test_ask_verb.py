"""`ask` on the command line, without a run's folder."""

import math
import types

import numpy as np
import pandas as pd
import pytest
from test_asking_conditioning import MEAN, SCALE, conditional_gaussian, gaussian_flow
from tiny_tables import tiny_model

import tfp_flows as tff
from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.ask_verb import AskOptions, ask, parse_levels, parse_list
from tfp_flows.kinds.tables.verbs import ImputeOptions, SampleOptions, impute, sample


@pytest.fixture(scope="module")
def run():
    return types.SimpleNamespace(model=tiny_model(), path="run")


def test_quantiles_and_a_density_given_columns(run, tmp_path, capsys):
    path = tmp_path / "answer.csv"
    options = {"column": "mass", "given": "species=gentoo,count=3", "output": path}
    assert ask(run, AskOptions(quantiles=[0.1, 0.5], **options)) == [path]
    given = {"species": "Gentoo", "count": 3}
    expected = tables.quantiles(run.model, "mass", [0.1, 0.5], given)
    np.testing.assert_allclose(pd.read_csv(path)["mass"], expected)
    shown = capsys.readouterr().out
    assert "Quantiles of mass, given species = Gentoo, count = 3" in shown
    assert f"{expected[1]:.6g}" in shown
    ask(run, AskOptions(density_at=["-1", "2.5"], **options))
    found = pd.read_csv(path)
    density = tables.density(run.model, "mass", [-1.0, 2.5], given)
    np.testing.assert_allclose(found["density"], density)
    np.testing.assert_allclose(found["log_density"], np.log(density), rtol=1e-5)
    below = tables.cdf(run.model, "mass", [-1.0, 2.5], given)
    np.testing.assert_allclose(found["at most"], below)


def test_a_column_alone_and_several_questions_at_once(run, tmp_path):
    path = tmp_path / "answer.csv"
    ask(run, AskOptions(column="species", output=path))
    shares = tables.probabilities(run.model, "species")
    np.testing.assert_allclose(pd.read_csv(path)["probability"], shares)
    ask(run, AskOptions(column="day", probability="count > 4 and species == Adelie", output=path))
    found = pd.read_csv(path)
    assert list(found["asked"]) == ["Quantiles of day"] * 5 + ["Probability"]
    expected = tables.probability(run.model, "count > 4 and species == Adelie").value
    assert found["probability"].iloc[-1] == pytest.approx(expected)
    assert found["day"][2] == tables.quantiles(run.model, "day", 0.5)


def test_the_most_probable_row_is_printed_downwards(run, capsys, monkeypatch):
    row = pd.DataFrame({f"column {i}": [3788.0625 + i] for i in range(10)})
    found = types.SimpleNamespace(row=row, log_density=-7.5)
    monkeypatch.setattr("tfp_flows.tables.modes.mode", lambda *_, **__: found)
    ask(run, AskOptions(mode=True))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[2:5]] == ["3789.06", "3790.06", "3791.06"]
    assert len(lines) == 12
    assert lines[-1].split() == ["log_density", "-7.5"]


def test_other_flows_answer_by_draws(capsys):
    rng = np.random.default_rng(0)
    flow = tff.flows.maf(event_shape=2, num_layers=1, seed=0)
    flow.adapt(rng.normal([3.0, -5.0], [2.0, 0.1], (500, 2)).astype(np.float32))
    plain = types.SimpleNamespace(
        model=tff.FlowModel(flow), path="run", metrics={"data": {"columns": ["long", "wide"]}}
    )
    ask(plain, AskOptions(column="long", probability="wide < -5", quantiles=[0.5]))
    shown = capsys.readouterr().out.split()
    assert float(shown[shown.index("0.5") + 1]) == pytest.approx(3.0, abs=0.3)
    assert float(shown[-4]) == pytest.approx(0.5, abs=0.06)
    assert float(shown[-3]) == pytest.approx(0.5 / np.sqrt(4000), rel=0.02)
    assert shown[-2:] == ["4,000", "draws"]
    plain.settings = types.SimpleNamespace(flow="maf")
    with pytest.raises(InputError, match="--compare is of --flow columns alone"):
        ask(plain, AskOptions(compare="other.csv"))


def vectors():
    """A run of a Gaussian flow, given whose first columns draws are exact."""
    names = {"columns": ["a", "b", "c"], "named": True}
    settings = types.SimpleNamespace(flow="maf")
    return types.SimpleNamespace(
        model=tff.FlowModel(gaussian_flow()), path="run", metrics={"data": names}, settings=settings
    )


@pytest.mark.parametrize(
    ("given", "column", "at"), [({}, "a", 2.5), ({"a": 2.0, "b": -1.0}, "c", 1.5)]
)
def test_densities_of_other_flows(given, column, at, tmp_path):
    path, places = tmp_path / "answer.csv", {"abc".index(k): v for k, v in given.items()}
    text = ",".join(f"{k}={v}" for k, v in given.items()) or None
    ask(vectors(), AskOptions(column=column, density_at=[str(at)], given=text, output=path))
    mean, covariance = (
        conditional_gaussian(places)[:2] if given else (MEAN[:1], (SCALE @ SCALE.T)[:1, :1])
    )
    variance = covariance[0, 0]
    log_density = -0.5 * ((at - mean[0]) ** 2 / variance + math.log(2 * math.pi * variance))
    found = pd.read_csv(path).iloc[0]
    assert found["log_density"] == pytest.approx(log_density, abs=0.06)
    assert found["density"] == pytest.approx(np.exp(found["log_density"]))
    assert 0 < found["standard_error_nats"] < 0.05


def test_samples_of_other_flows_given_columns(tmp_path):
    run, path = vectors(), tmp_path / "samples.csv"
    sample(run, SampleOptions(given="a=2.5,b=-2", output=path, count=2000))
    rows = pd.read_csv(path)
    assert (rows["a"] == 2.5).all()
    mean, covariance, _ = conditional_gaussian({0: 2.5, 1: -2.0})
    assert rows["c"].mean() == pytest.approx(mean[0], abs=0.05)
    assert rows["c"].std() == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.06)
    (tmp_path / "some.csv").write_text("b,a\n-2,2.5\n,0.5\n" + "-2,2.5\n" * 60)
    sample(run, SampleOptions(given=str(tmp_path / "some.csv"), output=path))
    rows = pd.read_csv(path)
    assert rows["a"].tolist() == [2.5, 0.5, *[2.5] * 60]
    assert rows["b"].iloc[0] == -2
    assert rows["c"].nunique() == 62
    pd.DataFrame({"c": np.arange(51.0)}).to_csv(tmp_path / "many.csv")
    with pytest.raises(InputError, match="51 different rows are given, and triangular draws"):
        sample(run, SampleOptions(given=str(tmp_path / "many.csv"), output=path))
    with pytest.raises(InputError, match=r"c = 1000 is far outside the data \(-"):
        sample(run, SampleOptions(given="c=1000", output=path))
    with pytest.raises(InputError, match="All columns are given"):
        sample(run, SampleOptions(given="a=1,b=1,c=0", output=path))


def test_gaps_are_filled_by_other_flows(tmp_path):
    (tmp_path / "gaps.csv").write_text("a,b,c\n2.5,-2,\n0.1,0.2,0.3\n2.5,,\n")
    path = tmp_path / "filled.csv"
    impute(vectors(), ImputeOptions(data=str(tmp_path / "gaps.csv"), output=path, count=2))
    rows = pd.read_csv(path)
    assert rows["draw"].tolist() == [1, 1, 1, 2, 2, 2]
    assert rows["row"].tolist() == [1, 2, 3] * 2
    assert rows.iloc[4, 2:].tolist() == [0.1, 0.2, 0.3]
    assert rows["a"].tolist() == [2.5, 0.1, 2.5] * 2
    assert rows["c"].nunique() == 5


@pytest.mark.parametrize("given", [{}, {"c": 1.5}], ids=["alone", "given the last"])
def test_the_most_probable_row_of_other_flows(given, tmp_path):
    path = tmp_path / "mode.csv"
    text = ",".join(f"{name}={value}" for name, value in given.items()) or None
    ask(vectors(), AskOptions(mode=True, given=text, output=path))
    found = pd.read_csv(path).iloc[0]
    mean, covariance, free = conditional_gaussian({2: 1.5} if given else {})
    np.testing.assert_allclose(found.to_numpy()[free], mean, atol=0.01)
    highest = -0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert found["log_density"] == pytest.approx(highest, abs=0.05 if given else 1e-3)
    with pytest.raises(InputError, match="and not all"):
        ask(vectors(), AskOptions(mode=True, given="a=1,b=2,c=3"))


def test_another_table_is_compared_with_held_out_rows(run, tmp_path, capsys):
    held_out = run.model.sample(400, seed=1)
    other, path, answer = run.model.sample(500, seed=2), tmp_path / "o.csv", tmp_path / "a.csv"
    other["mass"] *= 2
    other.to_csv(path, index=False)
    parts = types.SimpleNamespace(test=held_out, train=held_out)
    compared = types.SimpleNamespace(
        **vars(run),
        metrics={"data": {"columns": list(run.model.schema.names), "named": True}},
        settings=types.SimpleNamespace(weights=None, flow="columns"),
        source=lambda: types.SimpleNamespace(parts=parts, weights=None),
    )
    ask(compared, AskOptions(compare=str(path), output=answer))
    expected = tables.compare_tables(run.model, held_out, pd.read_csv(path))
    found = pd.read_csv(answer).set_index("column")
    np.testing.assert_allclose(found["alone"], expected["alone"], atol=5e-4)
    assert list(found["differs"]) == list(expected["differs"])
    assert found["differs"]["mass"]
    assert found["alone"].idxmin() == "mass"
    told = " ".join(capsys.readouterr().out.split())
    assert "Columns that differ from o.csv: mass" in told
    assert "…" not in told
    with pytest.raises(InputError, match="leave out --given and --by"):
        ask(compared, AskOptions(compare=str(path), given="mass=1"))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "Nothing is asked"),
        ({"quantiles": [0.5]}, "Nothing is asked"),
        ({"column": "mas"}, "did you mean 'mass'"),
        ({"column": "mass", "given": "species=Gento"}, "nearest: 'Gentoo'"),
        ({"column": "mass", "density_at": ["heavy"]}, "'heavy' is no value of column 'mass'"),
        ({"probability": "mass > 1 or mass < 0"}, "near 'or'"),
    ],
)
def test_what_is_refused(run, options, match):
    with pytest.raises(InputError, match=match):
        ask(run, AskOptions(**options))


def test_lists():
    assert parse_list('a, "b,c"') == ["a", "b,c"]
    assert parse_levels("0.05,.5") == [0.05, 0.5]
    for parse, text in ((parse_levels, "0.5,1"), (parse_levels, "half"), (parse_list, "a,,b")):
        with pytest.raises(InputError):
            parse(text)

"""`ask` on the command line, without a run's folder."""

import types

import numpy as np
import pandas as pd
import pytest
from tiny_tables import tiny_model

import tfp_flows as tff
from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.ask_verb import AskOptions, ask, parse_levels, parse_list


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
    assert float(shown[-1]) == pytest.approx(0.5, abs=0.06)
    with pytest.raises(InputError, match="fit with --flow columns"):
        ask(plain, AskOptions(column="long", density_at=["1"]))


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

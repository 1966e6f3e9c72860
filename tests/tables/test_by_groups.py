"""Rows by the values of a column: figures of groups, answers and checks given each value."""

import types

import numpy as np
import pandas as pd
import pytest
from tiny_tables import tiny_frame, tiny_model

from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import groups
from tfp_flows.kinds.tables.ask_verb import AskOptions, ask
from tfp_flows.kinds.tables.groups import GroupMeans, Groups
from tfp_flows.tables.checking.subject import Subject
from tfp_flows.tables.quantile_ends import quantiles

COLUMNS = ("mass", "species", "size", "age")


@pytest.fixture(scope="module")
def model():
    return tiny_model(COLUMNS)


def test_means_of_groups(capsys):
    found = Groups.of(pd.Series(["b", None, "a", "b", "b"]), "k")
    assert found.values == ["a", "b", groups.MISSING]
    scores = np.array([-1.0, -7.0, -2.0, -np.inf, -5.0])
    result = found.means(scores, np.array([3.0, 1.0, 1.0, 1.0, 1.0]))
    assert [g["rows"] for g in result["groups"]] == [1, 3, 1]
    assert [g["rows_without_density"] for g in result["groups"]] == [0, 1, 0]
    assert [g["mean_nats"] for g in result["groups"]] == [-2.0, pytest.approx(-2.0), -7.0]
    error = np.sqrt((3 * 1.0) ** 2 + 3.0**2) / 4
    assert result["groups"][1]["standard_error_nats"] == pytest.approx(error)
    means = GroupMeans("k")
    means.add(pd.Series(["b"]), scores[[0]])
    means.add(pd.Series(["b"]), scores[[4]])
    means.tell()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["k", "rows", "nats", "per", "row", "(±", "2", "s.e.)"]
    assert lines[1].split() == ["b", "2", "-3.000", "±", f"{2 * np.sqrt(8) / 2:.3f}"]
    with pytest.raises(InputError, match="k, which has 51 different values; give a column of at"):
        Groups.of(pd.Series(range(51)), "k")


def test_means_of_blocks_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    series = pd.Series(rng.choice(["a", "b", None], 300))
    scores = np.where(rng.random(300) < 0.1, -np.inf, 1e3 + rng.normal(size=300))
    means = GroupMeans("k")
    for start in range(0, 300, 70):
        part = slice(start, start + 70)
        means.add(series[part], scores[part])
    whole, found = Groups.of(series, "k").means(scores), means.means()
    for one, two in zip(whole["groups"], found["groups"], strict=True):
        assert one.pop("value") == two.pop("value")
        assert one == pytest.approx(two, rel=1e-9)
    for number in range(40):
        means.add(pd.Series([str(number)]), np.zeros(1))
    with pytest.raises(InputError, match="which has 51 different values"):
        means.add(pd.Series([f"v{number}" for number in range(9)]), np.zeros(9))


def test_a_file_is_read_by_one_column(tmp_path):
    (tmp_path / "t.csv").write_text("a,k\n1,10\n2,9\n3,\n")
    found = groups.read(str(tmp_path / "t.csv"), "k")
    assert found.values == [9, 10, groups.MISSING]
    assert found.take(np.array([2, 0])).codes.tolist() == [2, 1]
    with pytest.raises(InputError, match="kk"):
        groups.read(str(tmp_path / "t.csv"), "kk")


def test_ask_by_each_value(model, tmp_path, capsys):
    run, path = types.SimpleNamespace(model=model, path="run"), tmp_path / "answer.csv"
    ask(run, AskOptions(column="mass", quantiles=[0.2, 0.5], by="species", output=path))
    found = pd.read_csv(path)
    assert found["species"].tolist() == np.repeat(["Adelie", "Chinstrap", "Gentoo"], 2).tolist()
    expected = tables.quantiles(model, "mass", [0.2, 0.5], {"species": "Gentoo"})
    np.testing.assert_allclose(found["mass"][4:], expected)
    assert "Quantiles of mass, by species" in capsys.readouterr().out
    ask(run, AskOptions(probability="mass > 2", given="age=8", by="size", output=path))
    given = {"size": "small", "age": 8.0}
    expected = tables.probability(model, "mass > 2", given).value
    assert pd.read_csv(path)["probability"][0] == pytest.approx(expected)
    for by, match in (
        ("age", "age, which is positive; give a column of categories"),
        ("sise", "did you mean 'size'"),
        ("species", "in --by and in --given"),
    ):
        with pytest.raises(InputError, match=match):
            ask(run, AskOptions(column="mass", by=by, given="species=Gentoo"))


def test_quantiles_given_a_column(model):
    frame = tiny_frame()[list(COLUMNS)].iloc[:6]
    alone = quantiles(model, frame, alone=True, given=["size"])
    assert alone.names == ["mass", "species", "age"]
    for row, low in enumerate(alone.low[:, 0]):
        given = {"size": frame["size"].iloc[row]}
        assert low == pytest.approx(
            tables.cdf(model, "mass", frame["mass"].iloc[row], given), abs=1e-5
        )
    ordered = quantiles(model, frame, given=["size"])
    known = {name: frame[name].iloc[2] for name in ("mass", "species", "size")}
    below = tables.cdf(model, "age", frame["age"].iloc[2], known)
    assert ordered.low[2, 2] == pytest.approx(below, abs=1e-5)


def test_samples_of_a_check_are_given_columns(model):
    held = tiny_frame()[list(COLUMNS)]
    held = held[held["size"] == "large"]
    subject = Subject(model, held, ["size"])
    assert set(subject.sample(20, 0, held)["size"]) == {"large"}
    assert [c.name for c in subject.compared(held, held) if c.given] == ["size"]
    with pytest.raises(InputError, match="did you mean 'size'"):
        Subject(model, held, ["sise"])
    with pytest.raises(InputError, match="none is left"):
        Subject(model, held, list(COLUMNS))


@pytest.mark.deep
def test_a_wrong_part_is_blamed_for_itself():
    """Rows of the model's own law given one size, then moved."""
    model = tiny_model(("mass", "size"))
    large = model.sample(400, {"size": "large"}, seed=5)
    assert tables.check(model, large, seed=1, given=["size"]).ok
    moved = large.assign(mass=large["mass"] + 3)
    verdict = tables.check(model, moved, seed=1, given=["size"])
    assert "'mass'" in str(verdict)
    assert not verdict.ok

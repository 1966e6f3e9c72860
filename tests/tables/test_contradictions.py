"""Values that cannot be ones of their columns: off a grid, against a schema, given by mistake."""

import numpy as np
import pandas as pd
import pytest
from tiny_tables import tiny_frame, tiny_model

from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.tables import Schema, TableModel
from tfp_flows.tables.grids import on_grid


@pytest.fixture(scope="module")
def model():
    return tiny_model(("count", "tenth", "share"))


def test_between_the_numbers_of_a_grid_there_is_nothing(model):
    rows = tiny_frame(3)[["count", "tenth", "share"]].assign(count=[2, 3, 4], tenth=0.3)
    at = model.parts(rows)
    assert np.isfinite(at).all()
    odd = rows.assign(count=[2.5, 3, 4], tenth=[0.3, 0.25, 0.1 + 0.2])
    expected = at.copy()
    expected[0, 0] = expected[1, 1] = -np.inf
    np.testing.assert_array_equal(np.isneginf(model.parts(odd)), np.isneginf(expected))
    np.testing.assert_array_equal(model.parts(odd)[2], at[2])
    single = rows.assign(tenth=np.float64(np.float32(0.3)))
    np.testing.assert_allclose(model.parts(single), at, rtol=1e-6)
    far = np.float64(np.float32([0.3, -3.3]))
    for question in (tables.density, tables.cdf):
        found = question(model, "tenth", far)
        np.testing.assert_allclose(found, question(model, "tenth", [0.3, -3.3]), rtol=1e-6)
    assert tables.probability(model, f"tenth == {far[0]}").value == pytest.approx(
        tables.probability(model, "tenth == 0.3").value, rel=1e-6
    )
    for value in (2, 2.5):
        found = tables.probability(model, f"count == {value}").value
        assert tables.density(model, "count", value) == pytest.approx(found)
    with pytest.raises(InputError, match=r"Row 2 has 0.25 in column 'tenth'.*; nearest: 0.2\."):
        model.sample(given=odd[["tenth"]])


@pytest.mark.parametrize(
    ("step", "origin"),
    [(1, 0), (0.1, 0), (0.01, 0), (1.15078, 0), (0.18, 0.14), (50, 49), (1e-6, 0)],
)
def test_rounding_leads_off_no_grid(step, origin):
    x = origin + step * np.random.default_rng(0).integers(-9_999, 100_000, 5_000)
    off = x + 0.5 * step
    for made in (x, x + step - step, 3 * (x / 3), np.float64(np.float32(x))):
        assert on_grid(made, step, origin).all()
    assert not on_grid(off, step, origin).any()


def test_rounding_leads_off_no_microsecond():
    moments = 1.6e9 + np.arange(1_000) + 1e-6 * np.arange(1_000)
    assert on_grid(moments, 1e-6, 0.0).all()


def test_an_impossible_context_leaves_no_density():
    model = tiny_model(("count", "tenth"), given=("count",))
    rows = tiny_frame(2)[["count", "tenth"]]
    assert np.isneginf(model.log_prob(rows.assign(count=[2.5, 2]))).tolist() == [True, False]


TABLE = pd.DataFrame(
    {
        "mass": np.arange(40) * 10 + 0.25,
        "kind": ["ant", "bee", "cow", "bee"] * 10,
        "one": 7,
        "turn": np.arange(40) * 9,
        "day": [f"2020-01-{d:02d}" for d in range(1, 21)] * 2,
        "mark": np.tile([1, 2, 3], 14)[:40],
    }
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mass": {"type": "integer"}}, "40 of its values contradict that: 0.25 and others in row"),
        ({"mass": {"type": "real", "step": 0.1}}, "0.25 and others .*; change its type or step"),
        (
            {"kind": {"values": ["ant", "bee"]}},
            "10 .*: 'cow' and others in rows 3, 7, .*add such",
        ),
        ({"mark": {"type": "ordinal", "values": [1, 2]}}, "13 .*: 3 and others in rows 3, 6,"),
        ({"one": {"value": 8}}, r"constant\(value=8\), and 40 .*: 7 and others"),
        ({"turn": {"type": "angle", "period": 180}}, "19 .*: 189 and others in rows 22,"),
        ({"turn": {"type": "angle", "step": 18}}, "20 .*: 9 and others in rows 2, 4"),
        ({"day": {"type": "date", "form": "%d.%m.%Y"}}, "'2020-01-01' and others .*its form"),
        ({"mark": {"type": "integer", "low": "zero"}}, "the low 'zero'; give a number"),
        ({"mass": {"type": "real", "step": -0.1}}, "the step -0.1; give a number above 0"),
        ({"mass": {"type": "real", "step": 0}}, "the step 0; give a number above 0"),
        ({"day": {"type": "date", "form": "%Q"}}, "the form '%Q'; give a format"),
        ({"day": {"type": "time", "form": "%Q"}}, "the form '%Q'; give a format"),
        ({"mass": {"type": "real", "atoms": "zero"}}, "the atoms 'zero'; give a list of numbers"),
        ({"mass": {"type": "bounded", "low": "a", "high": 9}}, "the low 'a'; give a number"),
        ({"kind": {"values": "ant"}}, "the values 'ant'; give a list"),
        ({"mass": "real"}, "Column 'mass' of the schema is 'real'; give its type"),
        ("real", "The schema is 'real'; give types by column"),
    ],
)
def test_a_schema_that_the_table_contradicts_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Schema.infer(TABLE, given)


def test_a_schema_that_files_of_float32_have_is_none():
    frame = pd.DataFrame({"x": np.float32([0.1, 0.7, 0.3] * 10), "y": np.float32([0.7, 0.1] * 15)})
    column = {"type": "bounded", "low": 0.1, "high": 0.7, "step": np.float64(0.1)}
    schema = Schema.infer(frame, {"x": column, "y": {"type": "ordinal", "values": [0.1, 0.7]}})
    schema.fit(frame)
    assert not schema.encode(frame).impossible.any()
    assert schema.column("y").encode(frame["y"].to_numpy()).cells[:2, 0].tolist() == [1, 0]


def test_atoms_of_float32_keep_their_probability():
    x = np.array([0.7] * 20 + list(np.linspace(0.71, 0.99, 40)))
    given = {"type": "bounded", "low": 0.7, "high": 1.0, "atoms": [0.7]}
    frame = pd.DataFrame({"x": x})
    model = TableModel.of(Schema.infer(frame, {"x": given}), frame, hidden_units=[4], seed=0)
    single = float(np.float32(0.7))
    assert single < 0.7
    asked = [tables.density(model, "x", at) for at in (0.7, single)]
    asked += [tables.probability(model, f"x == {at!r}").value for at in (0.7, single)]
    asked += [tables.cdf(model, "x", at) for at in (0.7, single)]
    np.testing.assert_allclose(asked, 20.5 / 61, rtol=3e-3)
    np.testing.assert_allclose(asked, asked[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count=2.5", r"2.5 is no value of column 'count'.*; nearest: 2\."),
        ("count=-3", r"-3 is no value of column 'count'.*; nearest: 0\."),
        ("tenth=0.25", r"0.25 is no value of column 'tenth'.*; nearest: 0.2\."),
        ("share=2", r"2.0 is no value of column 'share'.*; nearest: below 1\."),
        ("one=8", r"'8' is no value of column 'one', which is constant\(value=7\)\."),
        ("id=r1", "'id' cannot be given"),
    ],
)
def test_what_is_given_must_be_possible(text, message):
    frame = tiny_frame().assign(one=7)[["count", "tenth", "share", "one", "id"]]
    schema = Schema.infer(frame, {"share": {"type": "bounded", "low": 0.0, "high": 1.0}})
    with pytest.raises(InputError, match=f"^{message}" if "cannot" not in message else message):
        tables.parse_given(schema, text)
    name, value = text.split("=")
    value = value if name == "id" else float(value)
    message = message.replace("'8'", "8.0").replace("-3 is", "-3.0 is")
    with pytest.raises(InputError, match=message):
        tables.conditions.checked_given(schema, {name: value})
    assert tables.parse_given(schema, "one=7,count=3") == {"one": 7, "count": 3}

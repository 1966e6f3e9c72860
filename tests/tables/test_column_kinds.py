"""Types of columns: what is inferred, what comes back, and log-dets."""

import json

import numpy as np
import pandas as pd
import pytest
from mixed_rows import frame

from tfp_flows.errors import InputError
from tfp_flows.tables import Schema, read_schema
from tfp_flows.tables.inference import infer
from tfp_flows.tables.moments import MONTH, seconds

TYPES = {
    "kind": "categorical(values=[ant, bee, cow])",
    "x": "real",
    "count": "integer(low=0)",
    "rain": "positive(atoms=[0.0])",
    "share": "bounded(low=0, high=1)",
    "score": "ordinal(values=[1, 2, 3, 4, ... 5])",
    "rounded": "positive(step=0.1)",
    "wind_dir": "angle(period=360, low=0)",
    "day": "date(form=%d.%m.%Y, step=86400)",
    "time": "time(form=%H:%M, step=60)",
    "yes": "categorical(values=[False, True])",
    "one": "constant(value=same)",
    "id": "left_out",
    "gap": "real",
}


@pytest.fixture(scope="module")
def table():
    return frame(1000)


@pytest.fixture(scope="module")
def schema(table):
    result = Schema.infer(table)
    result.fit(table)
    return result


def test_types_are_inferred_with_reasons(schema):
    assert {name: kind for name, kind, _ in schema.described()} == TYPES
    reasons = {name: reason for name, _, reason in schema.described()}
    assert reasons["rain"] == "none below 0; 0 again and again"
    assert reasons["id"] == "another text in each row, as of an identifier"
    assert reasons["gap"].endswith("% missing")


@pytest.mark.parametrize("name", [n for n in TYPES if n != "id"])
def test_values_come_back(schema, table, name):
    encoded = schema.encode(table)
    assert not encoded.impossible.any()
    back, given = schema.decode(encoded.cells)[name], table[name]
    if given.dtype.kind == "f":
        np.testing.assert_allclose(back, given, rtol=1e-4, atol=1e-4)
    else:
        assert back.tolist() == given.tolist()


@pytest.mark.parametrize("name", ["x", "rain", "share", "gap"])
def test_log_dets_are_those_of_differences(schema, table, name):
    column = schema.column(name)
    x = table[name].dropna().to_numpy()
    x = x[~np.isin(x, column.atoms)]
    # Not at knots, where the second derivative jumps.
    step = 1e-6
    high, low = (column.marginal.forward(column._support(x + s)[0])[0] for s in (step, -step))
    found = np.log((high - low) / (2 * step))
    np.testing.assert_allclose(column.encode(x).log_det, found, atol=2e-4)


def test_latents_of_the_marginal_map_are_nearly_normal_and_tails_do_not_rule():
    x = np.random.default_rng(0).standard_t(3, 20_000)
    schema = Schema.infer(pd.DataFrame({"x": x}))
    schema.fit(pd.DataFrame({"x": x}))
    coded = schema.columns[0].encode(np.append(x, 1e4))
    z = coded.cells[:-1, 1]
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    density = coded.log_det - 0.5 * coded.cells[:, 1] ** 2
    # A Gaussian gives such a row minus sixteen million nats.
    assert -1000 < density[-1] < -20


@pytest.mark.parametrize("kind", ["line", "heavy"])
def test_the_marginal_map_is_inverted(kind):
    from tfp_flows.tables.marginal import Marginal

    r = np.random.default_rng(1)
    x = r.standard_normal(3000) if kind == "line" else np.exp(3 * r.standard_normal(3000))
    marginal = Marginal.fit(x)
    wide = np.concatenate([x, 3 * x.max() - x, -2 * x])
    z, slope = marginal.forward(wide)
    np.testing.assert_allclose(marginal.inverse(z), wide, rtol=1e-9, atol=1e-9 * np.abs(wide).max())
    assert np.isfinite(slope).all()
    assert (np.diff(z[np.argsort(wide)]) >= 0).all()


def test_whole_numbers_have_probabilities_that_sum_to_one(schema):
    from statistics import NormalDist

    column = schema.column("count")
    values = np.arange(0, 400)
    cells = column.encode(values).cells
    edges = np.vectorize(NormalDist().cdf)(cells[:, 1:3].astype(float))
    assert (edges[:, 1] - edges[:, 0]).sum() == pytest.approx(1.0, abs=1e-6)
    assert cells[0, 1] == -40
    assert column.encode(np.array([-1])).impossible.all()


def test_a_schema_is_written_and_read(schema, table, tmp_path):
    again = Schema.restore(json.loads(json.dumps(schema.record())))
    np.testing.assert_array_equal(again.encode(table).cells, schema.encode(table).cells)
    path = tmp_path / "schema.toml"
    path.write_text(schema.to_toml())
    decided = Schema.infer(table, read_schema(path))
    assert [c.describe() for c in decided.columns] == [c.describe() for c in schema.columns]


def test_a_user_overrules(table):
    given = {"score": {"type": "integer", "low": 1.0}, "kind": {"type": "left_out"}}
    schema = Schema.infer(table, given)
    assert schema.column("score").describe() == "integer(low=1)"
    assert "kind" not in schema.names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kinf": {"type": "real"}}, "did you mean 'kind'"),
        ({"x": {"type": "possitive"}}, "did you mean 'positive'"),
        ({"x": {"type": "positive"}}, "contradict that: -.* in rows"),
        ({"share": {"type": "bounded", "low": 0.2, "high": 1.0}}, "contradict that"),
        ({"share": {"type": "bounded", "low": 2.0, "high": 1.0}}, "finite low below a finite high"),
        ({"x": {"type": "bounded"}}, "give its low and high"),
        ({"x": {"type": "real", "step": 0.1, "atoms": [0.0]}}, "has a step and atoms"),
        ({"x": {"type": "real", "stepp": 1}}, "did you mean 'step'"),
        ({"kind": {"type": "real"}}, "holds texts such as"),
        ({"kind": {"type": "constant"}}, "holds several values"),
        ({"kind": {"type": "date"}}, "give its form"),
        ({"kind": {"values": ["ant"]}}, "two different ones"),
    ],
)
def test_contradictions_are_refused(table, given, message):
    with pytest.raises(InputError, match=message):
        Schema.infer(table, given)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5] * 30, "constant"),
        ([None] * 30, "left_out"),
        (np.arange(30), "left_out"),
        ([f"text {i % 250}" for i in range(2000)], "left_out"),
        ([0, 1] * 40, "categorical"),
        ([-3, 0, 5, 8, 13] * 40, "ordinal"),
        (np.random.default_rng(0).poisson(3, 500), "integer"),
        (np.random.default_rng(0).exponential(size=500), "positive"),
        (100 * np.random.default_rng(0).uniform(size=500), "bounded"),
        (1.7e9 + np.random.default_rng(0).standard_normal(500), "positive"),
        (["2021-03-04", "2022-05-06", None] * 20, "date"),
        (["08:15", "23:59"] * 20, "time"),
        (["08:15", "24:59"] * 20, "categorical"),
    ],
)
def test_rules(values, kind):
    table = pd.DataFrame({"a": pd.Series(values), "b": np.sin(np.arange(len(values)))})
    assert Schema.infer(table).column("a").type == kind


def test_a_table_of_nothing_is_refused():
    with pytest.raises(InputError, match="No column has anything to be learned"):
        Schema.infer(pd.DataFrame({"a": [1, 1, 1], "b": ["x", "y", "z"]}))


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        (["01", "12", "x"], ["01", 12, "x"]),
        ([1, 2, 7], ["1", 2.0, "7"]),
        ([False, True, False], ["False", "True", False]),
    ],
)
def test_values_that_another_file_has_as_another_type(fitted, given):
    table = pd.DataFrame({"a": fitted * 40, "b": np.sin(np.arange(120))})
    column = Schema.infer(table, {"a": {"type": "categorical"}}).column("a")
    coded = column.encode(np.array(given, object))
    assert not coded.impossible.any()
    assert column.decode(coded.cells).tolist() == fitted


def test_words_are_no_dates():
    """pandas reads them as the moment of reading, whatever the format."""
    found = seconds(["today", " Now ", "2020-01-02", None], "%Y-%m-%d")
    np.testing.assert_array_equal(found, [np.nan, np.nan, 1_577_923_200.0, np.nan])
    # Strings of NumPy, which some releases of pandas refuse.
    np.testing.assert_array_equal(
        seconds(np.array(["today", "2020-01-02"]), "%Y-%m-%d"), found[[0, 2]]
    )
    days = pd.DataFrame({"day": [*(f"2020-01-{d:02d}" for d in range(1, 29)), "today"]})
    schema = Schema.infer(days.iloc[:28], {"day": {"type": "date", "form": "%Y-%m-%d"}})
    schema.fit(days.iloc[:28])
    assert schema.encode(days).impossible[:, 0].tolist() == [False] * 28 + [True]


MOMENTS = np.datetime64("2020-01-03") + np.arange(40) * np.timedelta64(100_000, "m")


@pytest.mark.parametrize(
    ("form", "step"),
    [
        ("%d-%m-%Y", 86_400),
        ("%d-%b-%Y", 86_400),
        ("%b %d, %Y", 86_400),
        ("%m/%d/%y", 86_400),
        ("%d/%m/%Y %H:%M", 60),
        ("%m/%d/%Y %I:%M %p", 60),
        ("%Y-%m-%d %H:%M+01:00", 60),
        ("%Y-%m", MONTH),
        ("%B %Y", MONTH),
    ],
)
def test_dates_of_many_forms_come_back(form, step):
    texts = [m.strftime(form) for m in MOMENTS.astype("datetime64[s]").tolist()]
    column = infer(pd.Series(texts), "day")
    assert (column.type, column.form, column.step) == ("date", form, step)
    column.fit(np.array(texts))
    coded = column.encode(np.array(texts))
    assert not coded.impossible.any()
    assert not coded.log_det.any()
    assert column.decode(coded.cells).tolist() == texts


def test_months_are_apart_alike_and_fractions_have_a_density():
    found = seconds(["2020-01", "2020-02", "2021-01"], "%Y-%m")
    assert np.diff(found).tolist() == [MONTH, 11 * MONTH]
    texts = [f"2020-01-{d:02d}T03:04:05.{7 * d:03d}Z" for d in range(1, 29)]
    column = infer(pd.Series(texts), "at")
    assert (column.step, column.digits, column.number) == (None, 3, "line")
    column.fit(np.array(texts))
    assert column.decode(column.encode(np.array(texts)).cells).tolist() == texts
    later = column.numeric(np.array(["2020-01-01T03:04:05.5Z"]))
    assert later[0] - column.numeric(np.array(texts[:1]))[0] == pytest.approx(0.493, abs=1e-6)
    zones = ["2020-01-01 00:00:00+00:00", "2020-01-01 02:00:00+01:00"]
    assert np.diff(seconds(zones, "%Y-%m-%d %H:%M:%S%z")).tolist() == [3600.0]
    berlin = pd.Series(pd.date_range("2020-07-01", periods=30, freq="5h", tz="Europe/Berlin"))
    column = infer(berlin, "at")
    assert column.form == "%Y-%m-%d %H:%M:%S+00:00"
    column.fit(berlin.to_numpy())
    written = column.decode(column.encode(berlin.to_numpy()).cells)
    assert pd.to_datetime(pd.Series(written)).tolist() == berlin.tolist()


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([f"{1 + i % 12:02d}/{1 + i % 11:02d}/2020" for i in range(60)], "%m/%d/%Y or %d/%m/%Y"),
        ([f"{21 + i % 3}-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(60)], "or %y-%m-%d"),
        ([*(f"{1.37 * i:.2f}" for i in range(60)), "<0.5", "12x"], "96.8 % of its cells are num"),
    ],
)
def test_what_cannot_be_told_is_left_out_with_the_reason(texts, reason):
    column = infer(pd.Series(texts), "c")
    assert column.type == "left_out"
    assert reason in column.reason
    if "%Y" in reason:
        frame = pd.DataFrame({"c": texts})
        column = Schema.infer(frame, {"c": {"type": "date", "form": "%d/%m/%Y"}}).columns[0]
        assert column.step == 86_400

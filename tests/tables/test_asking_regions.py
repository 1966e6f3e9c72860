"""Conditions in words, probabilities of regions, the mode, and what is unlike."""

import numpy as np
import pandas as pd
import pytest
from tiny_tables import TYPES, tiny_frame, tiny_model

from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.tables.conditions import parse_given
from tfp_flows.tables.region_text import parse_region

COLUMNS = ["mass", "species", "income", "count", "size"]


@pytest.fixture(scope="module")
def schema():
    return tables.Schema.infer(tiny_frame(), TYPES)


@pytest.fixture(scope="module")
def model():
    return tiny_model(COLUMNS)


@pytest.fixture(scope="module")
def drawn():
    """A model of independent columns, in which all ways to a probability agree, and its samples."""
    model = tiny_model(COLUMNS, independent=True)
    return model, model.sample(2_000, {"mass": 6.0}, seed=4)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("species=Gentoo,count=3", {"species": "Gentoo", "count": 3}),
        (" species = 'gentoo' , mass=-1.5", {"species": "Gentoo", "mass": -1.5}),
        ("day=2020-01-07,hour=07:30", {"day": "2020-01-07", "hour": "07:30"}),
        ('"size"="small"', {"size": "small"}),
    ],
)
def test_what_is_given_has_the_types_of_the_columns(schema, text, given):
    found = parse_given(schema, text)
    assert found == given
    assert [type(v) for v in found.values()] == [type(v) for v in given.values()]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("species=Gento", "'Gento' is no value of column 'species'.*nearest: 'Gentoo'"),
        ("specie=Gentoo", "did you mean 'species'"),
        ("count=many", "'many' is no value of column 'count', which is integer"),
        ("count", "is no condition; write COLUMN=VALUE"),
        ("count=1,count=2", "given twice"),
        ("day=tomorrow", "'tomorrow' is no value of column 'day'"),
        ("mass=inf", "'inf' is no value"),
    ],
)
def test_conditions_that_are_none(schema, text, match):
    with pytest.raises(InputError, match=match):
        parse_given(schema, text)


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("mass > 2", lambda f: f.mass > 2),
        ("2 < mass <= 4 and size == small",
         lambda f: f.mass.between(2, 4) & (f["size"] == "small")),
        ("species in (Gentoo, Adelie) AND 3 >= count",
         lambda f: (f.species != "Chinstrap") & (f["count"] <= 3)),
        ("`count` != 4 and size < large", lambda f: (f["count"] != 4) & (f["size"] != "large")),
        ("day >= 2020-02-01 and hour < '12:00'",
         lambda f: (f.day >= "2020-02-01") & (f.hour < "12:00")),
    ],
)  # fmt: skip
def test_regions_hold_for_the_rows_that_pandas_finds(schema, text, mask):
    frame = tiny_frame(300)
    found = np.all([c.holds(frame) for c in parse_region(schema, text)], axis=0)
    assert 0 < found.sum() < 300
    np.testing.assert_array_equal(found, mask(frame))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("mass > 2 or mass < 1", "near 'or'"),
        ("__import__('os').system('true')", "near"),
        ("mass", "near 'mass'"),
        ("mass >", "near 'mass >'"),
        ("", "near ''"),
        ("mas > 2", "did you mean 'mass'"),
        ("species > Adelie", "has no order"),
        ("mass > 'heavy'", "'heavy' is no value"),
        ("species in ()", "near"),
        ("mass > 1 and", "near ''"),
        ("mass + 1 > 2", "Unknown column"),
    ],
)
def test_what_is_no_region(schema, text, match):
    with pytest.raises(InputError, match=match) as caught:
        parse_region(schema, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "1 < income <= 3",
        "income <= 0",
        "0 < income < 3 and species == Gentoo",
        "count in (2, 3, 40) and count > 2",
        "count != 4 and count >= 2 and size == small",
        "species != Adelie and count == 3",
    ],
)
def test_regions_of_one_column_beside_single_values_are_exact(drawn, text):
    model, frame = drawn
    found = tables.probability(model, text, {"mass": 6.0})
    assert found.how == "exact within the model"
    assert found.standard_error == 0
    held = np.all([c.holds(frame) for c in parse_region(model.schema, text)], axis=0)
    allowed = 4 * np.sqrt(found.value * (1 - found.value) / len(frame))
    assert held.mean() == pytest.approx(found.value, abs=allowed)
    assert 0 < found.value < 1


def test_an_interval_is_a_difference_of_the_distribution_function(model):
    given = {"species": "Adelie"}
    at = tables.cdf(model, "count", [1, 2, 4], given)
    expected = {
        "2 < count <= 4": at[2] - at[1],
        "2 <= count <= 4": at[2] - at[0],
        "2 <= count <= 4 and count != 2": at[2] - at[1],
        "count in (2)": at[1] - at[0],
        "count > 4": 1 - at[2],
        "count > 4 and count < 2": 0.0,
    }
    for text, value in expected.items():
        found = tables.probability(model, text, given).value
        assert found == pytest.approx(value, abs=1e-9), text
    jump = tables.density(model, "income", 0.0, given)
    assert tables.probability(model, "income >= 0", given).value == pytest.approx(1)
    assert tables.probability(model, "income > 0", given).value == pytest.approx(1 - jump)
    one = tables.probabilities(model, "species")["Adelie"]
    both = tables.probability(model, "species == Adelie and count > 4").value
    assert both == pytest.approx(one * (1 - at[2]))


@pytest.mark.deep
def test_regions_of_several_columns_are_of_samples(model):
    text = "mass > 2 and count > 3"
    found = tables.probability(model, text, n=2_000, seed=5)
    frame = model.sample(2_000, seed=5)
    assert found.value == pytest.approx(((frame["mass"] > 2) & (frame["count"] > 3)).mean())
    assert found.standard_error == pytest.approx(
        np.sqrt(found.value * (1 - found.value) / 2_000), rel=0.05
    )
    assert found.how == "2,000 samples"
    assert tables.probability(model, text, n=2_000, seed=5) == found
    never = tables.probability(model, "mass > 1e9 and count > 3", n=100)
    assert never.value == 0 < never.standard_error


def test_the_mode_is_likelier_than_samples_and_a_maximum(model):
    given = {"species": "Gentoo", "income": 0.0}
    found = tables.mode(model, given, n=300, seed=0)
    row = found.row
    assert row.loc[0, "species"] == "Gentoo"
    names = [name for name in model.own if name not in given]
    assert tables.log_density(model, row[names], given)[0] == pytest.approx(
        found.log_density, rel=1e-5
    )
    drawn = model.sample(300, given, seed=0)
    assert found.log_density > tables.log_density(model, drawn[names], given).max()
    for name, step in (("mass", 0.05), ("count", 1)):
        for sign in (-1, 1):
            moved = row.copy()
            moved[name] += sign * step
            assert tables.log_density(model, moved[names], given)[0] <= found.log_density + 0.01


def test_the_column_that_is_odd_is_named(model):
    frame = model.sample(40, seed=6)
    frame.index = range(100, 140)
    frame.loc[103, "mass"] = 45.0
    frame.loc[104, "income"] = -1.7
    frame["count"] = frame["count"].astype("Int64")
    frame.loc[105, "count"] = pd.NA
    found = tables.compare(model, frame, samples=500)
    assert list(found.index) == list(frame.index)
    assert found.loc[103, "against"] == "mass"
    assert found.loc[104, "against"] == "income"
    assert found.loc[104, "drop income"] == np.inf
    assert np.isnan(found.loc[105, "drop count"])
    assert np.isnan(found.loc[105, "share"])
    assert found.loc[103, "share"] == 0
    np.testing.assert_allclose(found["log_prob"], model.log_prob(frame))
    others = [name for name in model.own if name != "mass"]
    row = frame.loc[[110]]
    given = row[others].iloc[0].to_dict()
    usual = found.loc[110, "drop mass"] + tables.density(
        model, "mass", row["mass"].iloc[0], given, log=True
    )
    again = (
        found.loc[103, "drop mass"]
        + model.conditional(frame.loc[[103]], others)[0, model.own.index("mass")]
    )
    assert usual == pytest.approx(again, rel=1e-4)


@pytest.mark.deep
def test_two_tables_differ_where_one_column_was_changed(model):
    first, second = (model.sample(600, seed=seed) for seed in (7, 8))
    same = tables.compare_tables(model, first, second)
    assert list(same.index) == model.own
    assert not same["differs"].any()
    second["mass"] += 12.0
    second.loc[:59, "count"] = -2
    found = tables.compare_tables(model, first, second)
    assert found["differs"]["mass"]
    assert found["alone"]["mass"] < -0.3
    assert found["left out second"]["count"] == pytest.approx(0.1)
    assert abs(found["alone"]["income"]) < 4 * found["alone ± s.e."]["income"]
    with pytest.raises(InputError, match="1 rows cannot be compared"):
        tables.compare_tables(model, first, second[:1])

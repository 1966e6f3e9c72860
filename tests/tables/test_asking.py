"""Densities, distribution functions and quantiles of one column, against sums and integrals."""

import numpy as np
import pandas as pd
import pytest
from depth import quick
from tiny_tables import tiny_model

from tfp_flows import tables
from tfp_flows.errors import InputError

GIVEN = {"species": "Gentoo", "age": 7.5, "hour": "18:30"}
NUMBERS = ["mass", "income", "share", "count", "tenth", "angle", "day"]


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def trapezoid(y, x):
    return np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))


@pytest.mark.parametrize("given", quick([None, GIVEN], "GIVEN", ids=lambda g: "GIVEN" if g else ""))
@pytest.mark.parametrize(
    ("name", "low", "high", "atoms"),
    [
        ("mass", -40.0, 50.0, []),
        ("income", 1e-9, 4_000.0, [0.0]),
        ("share", 0.0, 1.0, []),
        ("angle", 0.0, 360.0, []),
    ],
)
def test_densities_and_jumps_make_one_and_the_distribution_function(
    model, name, low, high, atoms, given
):
    inner = low + (high - low) * np.linspace(0, 1, 8_001)[1:-1] ** (3 if low == 1e-9 else 1)
    density = tables.density(model, name, inner, given)
    jumps = [tables.density(model, name, atom, given) for atom in atoms]
    assert trapezoid(density, inner) + sum(jumps) == pytest.approx(1, abs=2e-3)
    inside = np.quantile(inner, [0.02, 0.3, 0.45, 0.7])
    below = tables.cdf(model, name, inside, given)
    for a, b, p, q in zip(inside, inside[1:], below, below[1:], strict=False):
        own = (inner >= a) & (inner <= b)
        assert q - p == pytest.approx(trapezoid(density[own], inner[own]), abs=2e-3)
    for atom, jump in zip(atoms, jumps, strict=True):
        around = tables.cdf(model, name, [atom - 1e-6, atom], given)
        assert around[1] - around[0] == pytest.approx(jump, rel=1e-4)


@pytest.mark.parametrize(("name", "step"), [("count", 1.0), ("tenth", 0.1)])
def test_grids_go_in_steps_of_their_probabilities(model, name, step):
    column = model.schema.column(name)
    values = np.round(np.arange(column.first, column.last + 1) * step, 1)
    masses = tables.density(model, name, values, GIVEN) * step
    assert masses.sum() == pytest.approx(1, abs=1e-5)
    below = tables.cdf(model, name, values, GIVEN)
    np.testing.assert_allclose(below, np.cumsum(masses), atol=1e-5)
    np.testing.assert_array_equal(tables.cdf(model, name, values + 0.4 * step, GIVEN), below)
    np.testing.assert_allclose(
        tables.cdf(model, name, [values[0] - step, values[-1] + step], GIVEN), [0, 1], atol=1e-12
    )


@pytest.mark.parametrize("name", quick([*NUMBERS, "size"], "income", "tenth", "size"))
def test_quantiles_are_the_least_values_that_reach_a_probability(model, name):
    levels = np.linspace(0.002, 0.998, 60)
    found = tables.quantiles(model, name, levels, GIVEN)
    reached = tables.cdf(model, name, found, GIVEN)
    assert np.all(reached >= levels - 1e-5)
    column = model.schema.column(name)
    if name in ("mass", "share", "angle"):
        np.testing.assert_allclose(reached, levels, atol=1e-5)
    elif name == "size":
        assert tables.quantiles(model, name, reached[0] - 1e-6, GIVEN) == found[0]
        assert list(dict.fromkeys(found)) == [v for v in column.values if v in set(found)]
    else:
        before = {"count": 1, "tenth": 0.1, "income": 1e-3}.get(name)
        less = found - before if before else [str(d) for d in np.asarray(found, "M8[D]") - 1]
        assert np.all(tables.cdf(model, name, less, GIVEN) <= levels + 1e-5)


def test_an_atom_is_the_quantile_of_all_levels_that_it_jumps_over(model):
    atom = tables.density(model, "income", 0.0)
    assert 0.02 < atom < 0.98
    found = tables.quantiles(model, "income", [atom / 2, atom * 0.999, atom + 0.01 * (1 - atom)])
    assert found[0] == found[1] == 0 < found[2]


def test_probabilities_of_classes(model):
    found = tables.probabilities(model, "species", {"mass": 3.0})
    assert found.sum() == pytest.approx(1)
    assert list(found.index) == model.schema.column("species").values
    for value, share in found.items():
        own = tables.density(model, "species", value, {"mass": 3.0})
        assert own == pytest.approx(share, rel=1e-4)
    assert not np.allclose(found, tables.probabilities(model, "species", {"mass": -3.0}), atol=1e-3)
    atoms = tables.probabilities(model, "income")
    assert list(atoms.index) == [0.0, "other numbers"]
    assert atoms[0.0] == pytest.approx(tables.density(model, "income", 0.0), rel=1e-4)
    sizes = tables.probabilities(model, "size")
    assert tables.cdf(model, "size", "medium") == pytest.approx(sizes["small"] + sizes["medium"])


def test_samples_follow_the_laws():
    """Of the first column in the order, whose samples are given what is given alone."""
    model = tiny_model(["income", "species"])
    first = model.own[0]
    frame = model.sample(2_000, {"species": "Chinstrap"}, seed=1)
    atom = (frame[first] == 0).mean()
    given = {"species": "Chinstrap"}
    assert tables.density(model, first, 0.0, given) == pytest.approx(atom, abs=0.04)
    points = np.quantile(frame[first], [0.3, 0.6, 0.9])
    expected = [(frame[first] <= point).mean() for point in points]
    np.testing.assert_allclose(tables.cdf(model, first, points, given), expected, atol=0.04)


@pytest.mark.deep
def test_the_log_density_of_all_columns_is_that_of_the_row():
    model = tiny_model(["mass", "species", "share", "count"])
    frame = model.sample(5, seed=2)
    np.testing.assert_allclose(
        tables.log_density(model, frame[model.own]), model.log_prob(frame), rtol=1e-4
    )
    given = {"mass": 1.0, "count": 3}
    two = tables.log_density(model, frame[["share", "species"]], given)
    for row, expected in zip(frame.itertuples(), two, strict=True):
        names = [n for n in model.own if n in ("share", "species")]
        first, second = ((n, getattr(row, n)) for n in names)
        terms = tables.density(model, *first, given, log=True)
        terms += tables.density(model, *second, {**given, first[0]: first[1]}, log=True)
        assert terms == pytest.approx(expected, rel=1e-5)


def test_given_columns_of_the_model_are_needed(model):
    conditional = tiny_model(["mass", "species"], given=["species"])
    with pytest.raises(InputError, match="'species'"):
        tables.density(conditional, "mass", 1.0)
    found = [tables.cdf(conditional, "mass", 1.0, {"species": s}) for s in ("Adelie", "Gentoo")]
    assert found[0] != pytest.approx(found[1], abs=1e-4)
    with pytest.raises(InputError, match="has no law"):
        tables.probabilities(conditional, "species", {"species": "Adelie"})


@pytest.mark.parametrize(
    ("question", "match"),
    [
        (lambda m: tables.density(m, "mas", 1.0), "did you mean 'mass'"),
        (lambda m: tables.density(m, "id", 1), "'id' has no law"),
        (lambda m: tables.density(m, "mass", 1.0, {"mass": 2.0}), "asked for and given"),
        (lambda m: tables.density(m, "mass", 1.0, {"species": "Gento"}), "nearest: 'Gentoo'"),
        (lambda m: tables.density(m, "mass", 1.0, {"id": "7"}), "'id' cannot be given"),
        (lambda m: tables.cdf(m, "species", "Adelie"), "has no order"),
        (lambda m: tables.quantiles(m, "mass", 1.2), "1.2; give numbers between 0 and 1"),
        (lambda m: tables.cdf(m, "day", "soon"), "'soon' is no value of column 'day'"),
        (lambda m: tables.probabilities(m, "mass"), "ask for its density"),
        (lambda m: tables.density(m, "mass", np.nan), "at a gap"),
    ],
)
def test_what_cannot_be_asked(model, question, match):
    with pytest.raises(InputError, match=match) as caught:
        question(model)
    assert "\n" not in str(caught.value)


def test_impossible_values_have_no_density(model):
    assert tables.density(model, "species", "Penguin") == 0
    np.testing.assert_array_equal(tables.density(model, "share", [-1.0, 2.0]), [0, 0])
    assert tables.density(model, "share", 2.0, log=True) == -np.inf
    np.testing.assert_array_equal(tables.cdf(model, "share", [-1.0, 2.0]), [0, 1])
    assert tables.density(model, "mass", pd.Series([0.0, 1.0])).shape == (2,)

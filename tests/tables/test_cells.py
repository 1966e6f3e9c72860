"""Cells: densities that integrate to one, draws from them, and gaps."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from mixed_rows import frame, untrained

from tfp_flows.bijectors import Cells
from tfp_flows.errors import InputError


@pytest.fixture(scope="module")
def table():
    return frame(300)[["kind", "x", "count", "rain", "share", "wind_dir", "one", "gap"]]


@pytest.fixture(scope="module")
def model(table):
    return untrained(table)


@pytest.mark.parametrize("name", ["kind", "count", "rain", "x", "share", "wind_dir"])
def test_each_column_has_a_density_given_the_others(table, model, name):
    """The distribution of one column given all others, summed or integrated."""
    column = model.schema.column(name)
    total, rest = 0.0, table.iloc[[3]].copy()
    discrete = list(getattr(column, "values", [])) or list(getattr(column, "atoms", []))
    if name == "count":
        discrete = list(range(0, 3000))
    others = [other for other in model.own if other != name]
    j = model.own.index(name)

    def masses(values):
        rows = rest.loc[rest.index.repeat(len(values))].reset_index(drop=True)
        rows[name] = values
        return np.exp(model.conditional(rows, others)[:, j])

    if discrete:
        total += masses(discrete).sum()
    if column.number in ("line", "circle"):
        share = (np.arange(40_000) + 0.5) / 40_000
        if name == "share":
            x, weight = share, np.full(len(share), 1 / len(share))
        elif column.number == "circle":
            x, weight = 360 * share, np.full(len(share), 360 / len(share))
        else:
            log = 24 * share - 12
            x, weight = np.sinh(log), np.cosh(log) * 24 / len(share)
            if name == "rain":
                x, weight = np.exp(log), np.exp(log) * 24 / len(share)
        total += (masses(x) * weight).sum()
    assert total == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("kind", ["counts", "rounded", "rain"])
def test_numbers_of_a_grid_that_come_again_and_again_have_probabilities_that_sum_to_one(kind):
    r = np.random.default_rng(0)
    often = r.uniform(size=600) < 0.5
    first = 2.0 if kind == "rounded" else 0.0
    if kind == "counts":
        numbers, every = np.where(often, 0, r.poisson(40, 600)), np.arange(0, 2000)
    else:
        numbers = np.where(often, first, np.round(r.gamma(3.0, size=600), 1))
        every = np.round(np.arange(0, 20000) / 10, 1)
    model = untrained(pd.DataFrame({"a": numbers, "b": r.standard_normal(600)}))
    column = model.schema.column("a")
    rows = pd.DataFrame({"a": every, "b": 0.3})
    masses = np.exp(model.conditional(rows, ["b"])[:, model.own.index("a")]) * column.step
    assert masses.sum() == pytest.approx(1, abs=1e-4)
    drawn = model.sample(4000, {"b": 0.3}, seed=0)["a"]
    p = masses[every == first].sum()
    assert (drawn == first).mean() == pytest.approx(p, abs=4 * (p / 4000) ** 0.5)


def test_a_row_is_the_product_in_order_and_gaps_are_left_out(table, model):
    rows = table.head(20)
    terms = model.parts(rows)
    np.testing.assert_allclose(model.log_prob(rows), terms.sum(axis=1), rtol=1e-6)
    first = model.conditional(rows, [])[:, 0]
    np.testing.assert_allclose(terms[:, 0], first, rtol=1e-4, atol=1e-4)
    last = model.conditional(rows, model.own[:-1])[:, -1]
    there = rows["gap"].notna().to_numpy()
    np.testing.assert_allclose(terms[there, -1], last[there], rtol=1e-4, atol=1e-4)
    assert (terms[~there, -1] == 0).all()
    assert (~there).any()
    emptied = rows.assign(x=np.nan)
    k = model.own.index("x")
    assert (model.parts(emptied)[:, k] == 0).all()
    np.testing.assert_allclose(model.parts(emptied)[:, :k], terms[:, :k], rtol=1e-4, atol=1e-4)


def test_the_flow_has_the_same_density(table, model):
    encoded = model.schema.encode(table.head(30), model.own)
    found = model.flow.log_prob(encoded.cells).numpy() + encoded.log_det.sum(axis=1)
    np.testing.assert_allclose(found, model.log_prob(table.head(30)), rtol=1e-4, atol=1e-3)


def test_latents_lead_back_to_the_row(table, model):
    rows = table.dropna().head(40)
    cells = tf.constant(model.schema.encode(rows, model.own).cells)
    latents = model.flow.bijector.inverse_value(cells)
    back = model.schema.decode(model.flow.bijector.forward_value(latents).numpy(), model.own)
    for name in ("kind", "count"):
        assert (back[name].to_numpy() == rows[name].to_numpy()).mean() > 0.97
    for name in ("x", "share", "rain", "gap"):
        # Where a spline is flat, float32 knows its argument less well.
        assert np.median(np.abs(back[name].to_numpy() - rows[name].to_numpy())) < 1e-3


def test_samples_follow_the_density(model, table):
    """Shares of the first column, and of a second one given it, beside the probabilities."""
    samples = model.sample(4000, {"x": 0.5}, seed=3)
    row = table.head(1).assign(x=0.5)
    j = model.own.index("kind")
    for value in ("ant", "bee", "cow"):
        p = np.exp(model.conditional(row.assign(kind=value), ["x"])[0, j])
        assert (samples["kind"] == value).mean() == pytest.approx(p, abs=4 * (p / 4000) ** 0.5)
    ants = samples[samples["kind"] == "ant"]
    k = model.own.index("count")
    p = np.exp(model.conditional(ants.assign(count=2), ["kind", "x"])[:, k]).mean()
    assert (ants["count"] == 2).mean() == pytest.approx(p, abs=4 * (p / len(ants)) ** 0.5)


def test_samples_are_possible_rows(model, table):
    samples = model.sample(3000, seed=1)
    assert not model.schema.encode(samples).impossible.any()
    assert (samples["rain"] >= 0).all()
    assert samples["share"].between(0, 1).all()
    assert samples["count"].dtype.kind == "i"
    assert (samples["one"] == "same").all()
    assert list(samples) == list(table)
    pd.testing.assert_frame_equal(samples, model.sample(3000, seed=1))


def test_known_cells_are_kept_and_gaps_filled(model, table):
    rows = table.head(50).copy()
    rows.loc[:20, "kind"] = None
    rows.loc[10:30, "count"] = np.nan
    filled = model.impute(rows, seed=2)
    assert filled.notna().all().all()
    for name in filled:
        there = rows[name].notna().to_numpy()
        assert (filled[name][there].to_numpy() == rows[name][there].to_numpy()).all()
    other = model.impute(rows, seed=3)
    assert (other["kind"][:21] != filled["kind"][:21]).any()


def test_rows_given_columns(table):
    model = untrained(table[["x", "kind", "count"]], given=["kind"])
    assert model.flow.context_shape == (1, 4)
    assert model.own == ["x", "count"]
    rows = table.head(8)
    first = model.log_prob(rows)
    assert not np.allclose(
        first, model.log_prob(rows.assign(kind=rows["kind"].iloc[::-1].to_numpy()))
    )
    samples = model.sample(given=rows[["kind"]], seed=0)
    assert samples["kind"].tolist() == rows["kind"].tolist()
    assert list(samples) == [
        "x",
        "kind",
        "count",
    ]
    with pytest.raises(InputError, match="give the columns 'kind' too"):
        model.sample(3)


@pytest.mark.deep
def test_no_rows(model, table):
    assert model.log_prob(table.head(0)).shape == (0,)
    assert len(model.impute(table.head(0))) == 0


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"classes": [1], "numbers": [""]}, "two classes or more"),
        ({"classes": [2], "numbers": ["linee"]}, "numbers among"),
        ({"classes": [2], "numbers": ["line"], "given": 1}, "at least one must be left"),
    ],
)
def test_descriptions_that_do_not_fit(about, message):
    with pytest.raises(InputError, match=message):
        Cells(**about)


def test_bits_are_of_the_columns(table):
    few = table[["kind", "x", "count"]]
    model = untrained(few)
    model.compile("sgd", run_eagerly=True)
    arrays = model.arrays(few)
    loss, bits = model.evaluate(arrays["x"], verbose=0)
    assert bits == pytest.approx(loss / (3 * np.log(2)), rel=1e-5)
    encoded = model.schema.encode(few, model.own)
    assert -loss == pytest.approx(np.mean(model.log_prob(few) - encoded.log_det.sum(1)), rel=1e-4)


def test_columns_that_forget_have_the_shares_of_the_training_rows(table):
    model = untrained(table)
    model.layer.forget()
    found = np.exp(model.conditional(table, model.own[1:])[:, 0])
    shares = table["kind"].value_counts(normalize=True)
    np.testing.assert_allclose(found, table["kind"].map(shares), rtol=0.02)

"""Models of data frames: trained, weighed, saved, in either Keras."""

import numpy as np
import pandas as pd
import pytest
from mixed_rows import frame

import tfp_flows as tff
from tfp_flows.errors import InputError
from tfp_flows.tables.weighing import by_weight, checked_weights


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="has 12 rows; give at least 20"):
        tff.tables.fit(frame(12))


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        (-np.ones(30), "weights= is -1 in row 1; give numbers from 0 on"),
        ([*np.ones(29), np.nan], "is nan in row 30"),
        (np.zeros(30), "All weights in weights= are 0"),
        (np.ones(29), r"shape \(29,\) for 30 rows"),
        (["a"] * 30, "are 'a' and the like; give numbers"),
        (np.arange(30) == 0, "held-out rows, drawn at random, all have weight 0"),
    ],
)
def test_weights_that_are_none(weights, match):
    with pytest.raises(InputError, match=match):
        tff.tables.fit(frame(30), weights=weights)


def test_rows_by_weight_are_those_of_the_weighted_law():
    table = pd.DataFrame({"kind": ["a", "b"] * 5000, "x": np.sin(np.arange(10_000.0))})
    weights = checked_weights(np.where(table["kind"] == "a", 3.0, 1.0), len(table))
    assert weights.mean() == pytest.approx(1)
    kept = by_weight(weights, seed=0)
    assert len(np.unique(kept)) == len(kept) == pytest.approx(5000 + 5000 / 3, abs=150)
    assert (table["kind"].iloc[kept] == "a").mean() == pytest.approx(0.75, abs=0.02)
    shares = tff.tables.Schema.infer(table).shares(table, weights)
    assert shares[0] == pytest.approx([0.75, 0.25], abs=1e-3)


@pytest.mark.deep
@pytest.mark.keras
def test_a_fit_learns_what_columns_say_of_each_other_and_is_saved(tmp_path):
    table, new = (
        frame(rows, seed)[["kind", "x", "count", "gap"]] for rows, seed in ((2000, 0), (500, 1))
    )
    model = tff.tables.fit(table, epochs=25, hidden_units=(32,), seed=0)
    trained = model.log_prob(new)
    model.save(tmp_path / "model.keras")
    loaded = tff.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.log_prob(new), trained)
    pd.testing.assert_frame_equal(loaded.sample(5, seed=2), model.sample(5, seed=2))
    model.layer.forget()
    # x is two deviations further for a bee, and count follows x.
    assert (trained - model.log_prob(new)).mean() > 0.4
    samples = loaded.sample(2000, {"kind": "bee"}, seed=0)
    assert abs(samples["x"].mean() - 2) < 0.3


@pytest.mark.deep
def test_weights_weigh():
    table = pd.DataFrame({"kind": ["a", "b"] * 300, "x": np.sin(np.arange(600.0))})
    weights = np.where(table["kind"] == "a", 3.0, 1.0)
    model = tff.tables.fit(table, weights=weights, epochs=30, hidden_units=(8,), learning_rate=0.01)
    share = np.exp(model.parts(table.head(1))[0, 0])
    assert abs(share - 0.75) < 0.05

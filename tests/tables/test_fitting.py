"""Models of data frames: trained, weighed, saved, in either Keras."""

import numpy as np
import pandas as pd
import pytest
from mixed_rows import frame

import tfp_flows as tff
from tfp_flows.errors import InputError


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="has 12 rows; give at least 20"):
        tff.tables.fit(frame(12))


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

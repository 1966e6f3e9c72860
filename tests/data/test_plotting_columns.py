"""Pictures of mixed columns show the shares and densities that they should."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tfp_flows import plotting
from tfp_flows.errors import InputError


def test_shares_densities_and_dates():
    data = pd.DataFrame({"kind": ["a", "a", "b", None], "x": [0.0, 1.0, 2.0, np.nan]})
    data["day"] = [0.0, 10.0, 20.0, 30.0]
    samples = pd.DataFrame({"kind": ["a", "b", "b", "c"], "x": [0.0] * 4, "day": [5.0] * 4})
    kinds = {"kind": "classes", "x": "numbers", "day": "dates"}
    figure = plotting.plot_columns(samples, data, kinds=kinds, title="columns")
    shares, densities, dates = figure.axes[:3]
    heights = [[bar.get_height() for bar in group] for group in shares.containers]
    np.testing.assert_allclose(heights, [[0.25, 0.5, 0.25], [2 / 3, 1 / 3, 0.0]])
    assert [label.get_text() for label in shares.get_xticklabels()] == ["a", "b", "c"]
    for patch in densities.patches:
        values, edges, _ = patch.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1.0)
    figure.canvas.draw()
    assert any("Jan" in t.get_text() or "1970" in t.get_text() for t in dates.get_xticklabels())


def test_only_some_columns_are_drawn_and_none_is_refused():
    samples = pd.DataFrame({f"c{i}": [0.0, 1.0] for i in range(5)})
    figure = plotting.plot_columns(samples, kinds=dict.fromkeys(samples, "numbers"), max_columns=3)
    assert len(figure.axes) == 3
    with pytest.raises(InputError, match="no column to draw"):
        plotting.plot_columns(samples, kinds={})


@pytest.mark.parametrize("most", [7, 100])
def test_bins_of_whole_numbers_hold_equally_many(most):
    counts = pd.DataFrame({"count": np.tile(np.arange(most + 1), 20)})
    (axes, *_) = plotting.plot_columns(counts, kinds={"count": "numbers"}).axes
    values, edges, _ = axes.patches[0].get_data()
    within = [k for k, (low, high) in enumerate(pairwise(edges)) if low > -1 and high < most + 1]
    np.testing.assert_allclose(values[within], 1 / (most + 1))
    assert set(edges % 1) == {0.5}
    assert len(within) > 7

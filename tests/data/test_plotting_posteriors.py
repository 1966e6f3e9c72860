"""Figures of posteriors: marginals of several samples, importance weights."""

import numpy as np
import pytest

from tfp_flows import plotting
from tfp_flows.errors import InputError

NAMES = [f"part[{i}]" for i in range(14)]


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(0).standard_normal((4000, 14)) * np.arange(1, 15)


def test_marginals(table):
    wide = np.concatenate([table[:, :3], [[1e6, 1e6, 1e6]]])
    shown = {"flow": wide, "start": 2 * table[:, :3], "by weights": table[:2000, :3]}
    figure = plotting.plot_marginals(shown, columns=NAMES[:3], title="T")
    assert len(figure.axes) == 3
    for place, axes in enumerate(figure.axes):
        assert axes.get_xlabel() == NAMES[place]
        low, high = axes.get_xlim()
        assert -6 * (place + 1) < low < -2 * (place + 1)
        assert high < 6 * (place + 1)  # the outlier is outside
        areas = [
            np.sum(patch.get_data().values * np.diff(patch.get_data().edges))
            for patch in axes.patches
        ]
        assert np.all(np.array(areas) <= 1 + 1e-9)
        assert areas[0] > 0.99
        assert areas[1] < 0.97  # twice as wide, and what is outside does not count inside
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(shown)


def test_marginals_leave_columns_out_and_say_so(table):
    figure = plotting.plot_marginals({"flow": table}, columns=NAMES)
    assert len(figure.axes) == 12
    assert "12 of 14 shown" in figure._supxlabel.get_text()


def test_marginals_that_will_not_do(table):
    with pytest.raises(InputError, match="1 to 3 samples, got 0"):
        plotting.plot_marginals({}, columns=NAMES)
    with pytest.raises(InputError, match="samples 'flow' have shape"):
        plotting.plot_marginals({"flow": table}, columns=NAMES[:2])


def test_weights_are_one_on_average():
    log_weights = np.random.default_rng(0).standard_normal(1000)
    log_weights[3] = -np.inf
    smoothed = log_weights.copy()
    top = np.argsort(log_weights)[-20:]
    smoothed[top] += 0.1
    figure = plotting.plot_weights(log_weights, smoothed, 0.42)
    draws, tail = figure.axes[0].lines
    assert abs(draws.get_ydata().mean() - 1) < 1e-9
    assert (np.diff(draws.get_ydata()) <= 0).all()
    np.testing.assert_array_equal(tail.get_xdata(), np.arange(1, 21))
    np.testing.assert_allclose(tail.get_ydata(), draws.get_ydata()[:20] * np.exp(0.1))
    assert "0.42" in tail.get_label()
    with pytest.raises(InputError, match="None of the log-weights"):
        plotting.plot_weights(np.full(5, -np.inf), np.full(5, -np.inf), 1.0)

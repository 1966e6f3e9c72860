"""Conformal p-values and thresholds: their definition, ties, and the rate that they promise."""

import numpy as np
import pytest

from tfp_flows import conformal
from tfp_flows.errors import InputError


def test_p_values_count_what_is_at_least_as_odd():
    found = conformal.p_values([[0.0, 2.0], [2.5, np.inf]], [3.0, 1.0, 2.0, 2.0])
    np.testing.assert_allclose(found, [[1.0, 4 / 5], [2 / 5, 1 / 5]], rtol=0)
    assert found.dtype == np.float64


def test_rows_without_density_are_as_odd_as_can_be():
    assert conformal.p_values(np.inf, [1.0, np.inf]) == pytest.approx(2 / 3)
    assert conformal.threshold([1.0, np.inf, 2.0], 0.25) == np.inf


@pytest.mark.parametrize("count", [9, 99, 100, 137])
@pytest.mark.parametrize("rate", [0.1, 0.29, 0.5])
def test_above_the_threshold_is_a_p_value_within_the_rate(count, rate):
    random = np.random.default_rng(count)
    held_out = random.integers(0, 60, count)  # with ties
    scores = np.arange(-1, 61)
    flagged = scores > conformal.threshold(held_out, rate)
    np.testing.assert_array_equal(flagged, conformal.p_values(scores, held_out) <= rate)


def test_the_kth_largest_as_written():
    held_out = np.arange(1, 100)
    assert conformal.threshold(held_out, 0.01) == 99
    # 0.29 * 100 is below 29 in floats.
    assert conformal.threshold(held_out, 0.29) == 99 - 28


def test_the_rate_holds_on_the_average_over_held_out_sets():
    random, rate = np.random.default_rng(0), 0.1
    held_out, new = random.standard_normal((2000, 24)), random.standard_normal((2000, 50))
    alarms = [(n > conformal.threshold(h, rate)).mean() for h, n in zip(held_out, new, strict=True)]
    # floor(0.1 * 25) of 25 is the share that is exact where nothing is tied.
    assert np.mean(alarms) == pytest.approx(2 / 25, abs=4 * np.std(alarms) / np.sqrt(2000))
    assert np.mean(alarms) <= rate


def test_too_few_for_the_rate():
    with pytest.raises(InputError, match=r"0\.01 needs 99 .* there are 98; .* a rate of 0\.0102\."):
        conformal.threshold(np.zeros(98), 0.01)
    assert conformal.threshold(np.zeros(98), 0.0102) == 0.0
    assert conformal.needed_for(0.3) == 3
    for rate in (0.0, 1.0, -0.1, np.nan):
        with pytest.raises(InputError, match="give a share between 0 and 1"):
            conformal.threshold(np.zeros(98), rate)


def test_what_is_no_score_is_refused():
    with pytest.raises(InputError, match=r"1 of 3 scores are not numbers, the first at \[2\]"):
        conformal.p_values([0.0, 1.0, np.nan], [0.0])
    with pytest.raises(InputError, match="1 of 2 held-out scores are not numbers"):
        conformal.threshold([np.nan, 1.0], 0.5)
    for wrong in ([], [[1.0, 2.0]]):
        with pytest.raises(InputError, match="Held-out scores have shape"):
            conformal.p_values([0.0], wrong)

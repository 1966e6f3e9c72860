"""Figures of held-out rows beside their mean."""

import numpy as np
import pytest

from tfp_flows import held_out


def test_the_worst_row_its_share_and_the_median():
    found = held_out.spread(np.array([1.0, 2.0, -97.0, 4.0]))
    assert found["worst_row"] == 2
    assert found["worst_nats"] == -97.0
    assert found["median_nats"] == 1.5
    assert found["mean_without_worst_nats"] == pytest.approx(7 / 3)
    assert found["worst_share_nats"] == pytest.approx(-90 / 4 - 7 / 3)


def test_a_row_that_is_not_a_number_is_the_worst():
    found = held_out.spread(np.array([1.0, np.nan, -5.0]))
    assert found["worst_row"] == 1
    assert found["worst_nats"] is None
    assert found["mean_without_worst_nats"] == -2.0


def test_words_only_where_one_row_carries_the_mean():
    scores = np.random.default_rng(0).normal(140.0, 20.0, 5000)
    assert held_out.remark(scores) is None
    scores[1234] = -3e8
    sentence = held_out.remark(scores)
    assert "Number 1234 (from 0) of the 5,000" in sentence
    sentence = held_out.remark(scores, np.arange(5000) + 7)
    assert "Row 1241 of the file, one of the 5,000 held-out rows, carries" in sentence
    assert "-3e+08" in sentence
    assert f"without it {np.delete(scores, 1234).mean():,.6g}" in sentence


def test_the_figures_in_a_line():
    line = held_out.in_words(held_out.spread(np.array([1.0, 2.0, -97.0, 4.0])))
    assert line == (
        "Median 1.5; the worst of them, number 2 (from 0), with -97 nats, moves the mean by -24.8."
    )
    line = held_out.in_words(held_out.spread(np.array([np.nan, 1.0])))
    assert "number 0 (from 0), with not finite nats." in line
    found = held_out.spread(np.array([1.0, -5.0]), np.array([9, 41]))
    assert found["worst_row_of_file"] == 41
    assert "the worst of them, row 41 of the file, with -5 nats" in held_out.in_words(found)

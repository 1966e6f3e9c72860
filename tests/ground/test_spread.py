"""Location and spread of columns, whatever their units; which columns lose theirs."""

import numpy as np
import pytest

from tfp_flows.errors import InputError
from tfp_flows.spread import check_precision, outlying, spread, two_valued, unresolved

NORMAL = np.random.default_rng(0).normal(size=4000)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-21, 1.0, 1e21, 1e200, 1e300])
def test_spread_has_no_units(unit):
    found = spread((NORMAL + 3)[:, None] * unit * [1.0, -2.0])
    np.testing.assert_allclose(found.centre / unit, (NORMAL.mean() + 3) * np.array([1, -2]), 1e-12)
    np.testing.assert_allclose(found.scale / unit, NORMAL.std() * np.array([1, 2]), rtol=1e-12)
    assert not found.constant.any()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e-30, 1e30])
def test_constant_columns_have_scale_one(value):
    found = spread(np.stack([np.full(4000, value), NORMAL], axis=1))
    assert found.constant.tolist() == [True, False]
    assert found.scale[0] == 1
    assert found.centre[0] == pytest.approx(value)


@pytest.mark.parametrize("far", [1e3, 1e5, 1e20, 1e36])
def test_two_rows_of_four_thousand_do_not_rule(far):
    column = NORMAL.copy()
    column[[17, 1234]] = far
    plain, robust = spread(column), spread(column, robust=True)
    assert plain.scale > 10
    assert abs(robust.centre) < 0.05
    assert robust.scale == pytest.approx(1.0, abs=0.1)
    assert outlying(column) == pytest.approx(plain.scale / robust.scale)


@pytest.mark.parametrize(
    "column",
    [
        NORMAL,
        np.exp(NORMAL),
        np.abs(NORMAL) ** 3,
        # Most rows the same, some far: a column of a meter that is mostly off.
        np.where(np.arange(4000) % 12 == 0, 40 + NORMAL, 0.0),
        # A sharp peak in a wide bulk, and one class in five hundred.
        np.where(np.arange(4000) % 5 < 3, 0.01 * NORMAL, NORMAL),
        (np.arange(4000) % 500 == 0).astype(float),
    ],
    ids=["normal", "lognormal", "cubed", "meter", "peak", "class"],
)
def test_clean_columns_keep_mean_and_deviation(column):
    assert not outlying(column).any()
    found = spread(column, robust=True)
    np.testing.assert_allclose(found.centre, column.mean(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.scale, column.std(), rtol=1e-12)


def test_heavy_tails_are_remarked():
    assert outlying(np.random.default_rng(0).standard_cauchy(20_000)) > 5


def test_columns_that_lose_their_spread_are_found():
    seconds = 1.7e9 + 60 * NORMAL
    both = np.stack([NORMAL, seconds], axis=1)
    index, deviation, gap = unresolved(both, "float32")
    assert index == (1,)
    assert deviation == pytest.approx(60, rel=0.1)
    assert gap == 128
    assert unresolved(both, "float64") is None
    # Integers count like anything else; nanoseconds are too fine for float64, too.
    assert unresolved(np.rint(seconds).astype(np.int64), "float32")[0] == ()
    assert unresolved((seconds * 1e9).astype(np.int64), "float64") is None
    assert unresolved(1_700_000_000_000_000_000 + (60 * NORMAL).astype(np.int64), "float64")
    # What came in the same precision has lost nothing on the way, but perhaps before.
    assert unresolved((1e5 + NORMAL).astype(np.float32), "float32") is None
    assert unresolved(1e5 + NORMAL, "float32")
    assert unresolved((1e8 + 5 * NORMAL).astype(np.float32), "float32")
    assert unresolved(np.full(100, 1.7e9), "float32") is None
    # Where float32 ends, at both ends.
    assert unresolved(1e-30 * NORMAL, "float32") is None
    assert unresolved(1e-37 * NORMAL, "float32")
    assert unresolved(1e36 * NORMAL, "float32") is None
    with pytest.raises(InputError, match=r"data: column 0 holds values beyond 4.3e.37"):
        check_precision(1e38 * NORMAL[:, None], "float32", "data")


def test_the_sentence_says_what_to_do():
    with pytest.raises(InputError, match=r"x: column 1 has .* of 59.*lie 128 apart; build .*64"):
        check_precision(np.stack([NORMAL, 1.7e9 + 60 * NORMAL], axis=1), "float32", "x")
    with pytest.raises(InputError, match="subtract an offset first, or rescale"):
        check_precision((1e8 + 5 * NORMAL[:, None]).astype(np.float32), "float32", "x")


def test_classes_and_masks_have_two_values():
    columns = np.stack(
        [NORMAL, NORMAL > 0, np.zeros(4000), np.ones(4000), np.full(4000, 7), 5 * (NORMAL > 3)]
    ).T
    low, high, two = two_valued(columns)
    assert two.tolist() == [False, True, True, True, False, True]
    assert low[two].tolist() == [0, 0, 0, 0]
    assert high[two].tolist() == [1, 1, 1, 5]

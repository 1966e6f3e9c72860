"""What is taken for numbers, and what is refused in one sentence."""

import decimal

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.real import real_array


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2]],
        np.array([[1, 2]], np.uint8),
        np.array([[1, 2]], object),
        [[decimal.Decimal(1), 2.0]],
        pd.DataFrame({"a": [1], "b": [2.0]}),
        pd.DataFrame({"a": [1], "b": [2]}, dtype="Int64"),
        np.ma.masked_array([[1, 2]], [[False, False]]),
        tf.constant([[1, 2]]),
        tf.constant([[1, 2]], tf.bfloat16),
        tf.Variable([[1.0, 2.0]]),
    ],
    ids=lambda values: type(values).__name__,
)
def test_numbers_in_any_form(values):
    array = real_array(values, "x")
    assert array.dtype.kind in "iuf"
    np.testing.assert_array_equal(array, [[1, 2]])


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.array([[1 + 2j]]), "complex numbers; give real and imaginary part as columns"),
        (np.array([[1 + 0j]], object), r"complex objects \('\(1\+0j\)' at index \(0, 0\)\)"),
        ([["1.5"]], "text"),
        (np.array([[b"1.5"]]), "text"),
        (np.array([["1.5"]], object), "str objects"),
        (tf.constant([["1.5"]]), "bytes objects"),
        (np.array([["2024-01-01"]], "datetime64[s]"), "dates"),
        (np.array([[3]], "timedelta64[s]"), "durations"),
        (np.array([[True]]), "true/false"),
        (np.array([[True, 1.0]], object), "true/false"),
        (np.ma.masked_array([[1.0, 2.0]], [[False, True]]), "1 masked values; drop or fill"),
        (pd.DataFrame({"a": [1, None], "b": ["x", "y"]}), "objects"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), "str objects"),
        ([[None]], "NoneType objects"),
        (np.zeros(2, [("a", float), ("b", float)]), "records"),
        ({"a": [1.0]}, "dict objects"),
        (tf.ragged.constant([[1.0], [1.0, 2.0]]), "rows of one length"),
    ],
)
def test_anything_else_is_refused(values, what):
    with pytest.raises(InputError, match=f"x must be an array of numbers, but holds .*{what}"):
        real_array(values, "x")


def test_rows_of_different_lengths_and_numbers_without_end():
    with pytest.raises(InputError, match=r"x must be an array of numbers: .*inhomogeneous"):
        real_array([[1.0], [1.0, 2.0]], "x")
    with pytest.raises(InputError, match=r"x must be an array of numbers: .*too large"):
        real_array(np.array([[10**400]], object), "x")


def test_true_and_false_may_be_a_context():
    np.testing.assert_array_equal(real_array([[True, False]], "context", booleans=True), [[1, 0]])

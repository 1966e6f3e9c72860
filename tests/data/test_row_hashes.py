"""Parts of a table by a hash of its rows."""

import numpy as np
import pandas as pd

from tfp_flows.datasets.row_hashes import Bounds, Smallest, row_hashes


def test_hashes_depend_on_values_alone():
    rng = np.random.default_rng(0)
    x, k = rng.normal(size=500).astype(np.float32), rng.choice(["a", "b", None], 500)
    n = rng.integers(-3, 3, 500)
    found = row_hashes([x, n, k.astype(object)], 1)
    assert len(set(found)) == 500
    order = rng.permutation(500)
    other = row_hashes([x.astype(float)[order], n.astype(float)[order], k.astype(object)[order]], 1)
    np.testing.assert_array_equal(other, found[order])
    assert not (row_hashes([x, n, k.astype(object)], 2) == found).any()
    assert not (row_hashes([x, n + 1, k.astype(object)], 1) == found).any()
    # A zero has a sign, and NaN many forms, of which a reader may give any.
    signs = [np.array([0.0, np.nan]), np.array([-0.0, -np.nan])]
    np.testing.assert_array_equal(*(row_hashes([column], 1) for column in signs))


def test_parts_have_their_shares_also_of_rows_that_are_alike():
    rng = np.random.default_rng(0)
    for columns in ([rng.normal(size=50_000)], [rng.integers(0, 2, 50_000)]):
        hashes = row_hashes(columns, 0)
        bounds = Bounds.of(50_000, held=2_000, sample=10_000)
        sample, validation, test = (len(part) for part in bounds.parts(hashes))
        for found, expected in ((sample, 10_000), (validation, 2_000), (test, 2_000)):
            assert abs(found - expected) < 5 * np.sqrt(expected)
        assert bounds.train(hashes).sum() == 50_000 - validation - test
    bounds = Bounds.of(1_000, held=2_000, sample=10_000)
    assert bounds.train(row_hashes([rng.normal(size=1000)], 0)).mean() < 0.85


def test_the_smallest_whatever_the_blocks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 2))
    hashes = row_hashes(list(x.T), 0)
    whole, frames = Smallest(300), Smallest(300)
    for start in range(0, 5000, 333):
        part = slice(start, start + 333)
        whole.add(hashes[part], x[part])
        frames.add(hashes[part], pd.DataFrame(x[part]))
    order = np.argsort(hashes)[:300]
    np.testing.assert_array_equal(whole.rows()[0], hashes[order])
    np.testing.assert_array_equal(whole.rows()[1], x[order])
    np.testing.assert_array_equal(frames.rows()[1].to_numpy(), x[order])

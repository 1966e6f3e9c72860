"""Epochs of tables that are not held: each row has one place in a pass."""

import types

import numpy as np
import pandas as pd
import pytest

from tfp_flows.datasets import blocks, row_hashes
from tfp_flows.kinds.tables import streamed
from tfp_flows.kinds.tables.streamed import Epochs, scan

GROUP, UNITS = 1048, 4
ROWS = UNITS * GROUP + 57


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 100)
    monkeypatch.setattr(streamed, "EPOCH_ROWS", 840)
    monkeypatch.setattr(streamed, "SAMPLE_ROWS", 500)
    # About as few of the rows as there are of a large table.
    monkeypatch.setattr(streamed, "HELD_ROWS", 40)


def of(path, seed=0, **more):
    about = {"columns": None, "header": None, "drop_invalid": False, "by": None, "weights": None}
    return types.SimpleNamespace(data=str(path), seed=seed, key=None, **about | more)


def epochs_of(settings):
    return Epochs(scan(settings, mixed=False), settings, lambda rows: (rows,))


def taken(epochs, number, count, seed=0):
    """Numbers of the rows of an epoch, in their order, and as many as it has batches for."""
    found, blocks = [], epochs.blocks(number, np.random.default_rng([seed, number]))
    while sum(map(len, found)) < count:
        found.append(next(blocks)[0][:, 0].astype(int))
    return np.concatenate(found)[:count]


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    """As pandas writes a larger one: row groups of one size, and a small rest."""
    path = tmp_path_factory.mktemp("epochs") / "t.parquet"
    noise = np.random.default_rng(0).normal(size=ROWS)
    frame = pd.DataFrame({"row": np.arange(float(ROWS)), "x": noise})
    frame.to_parquet(path, row_group_size=GROUP, index=False)
    return path


def test_a_pass_sees_each_row_about_once(parquet):
    epochs = epochs_of(of(parquet))
    found = epochs._found
    sizes = [rows for _, rows in found.units]
    assert (epochs.passes, sizes) == (5, [GROUP] * UNITS + [57])
    training = found.training_rows
    count = training // epochs.passes
    assert count == pytest.approx(840, rel=0.03)
    assert "5 epochs make a pass" in epochs.in_words()
    for first in (0, 10):
        rows = [taken(epochs, first + k, count) for k in range(epochs.passes)]
        times = np.bincount(np.concatenate(rows), minlength=ROWS)
        # Epochs differ by chance in their training rows, and are filled up.
        assert (times > 1).sum() < 0.01 * training
        assert (times > 0).sum() > 0.99 * training
        units = np.add.reduceat(times, np.arange(0, ROWS, GROUP))
        np.testing.assert_allclose(units / sizes, training / ROWS, rtol=0.15)
        for own in rows:
            assert len(set(own)) == len(own)


def test_a_unit_is_cut_into_a_few_epochs(parquet, monkeypatch):
    monkeypatch.setattr(streamed, "EPOCH_ROWS", 10)
    assert epochs_of(of(parquet)).passes == 4 * (UNITS + 1)


def test_an_epoch_is_a_function_of_seed_and_number(parquet):
    one, two = (epochs_of(of(parquet)) for _ in range(2))
    taken(one, 0, 300)
    np.testing.assert_array_equal(taken(one, 6, 3000), taken(two, 6, 3000))
    assert not np.array_equal(taken(one, 6, 800), taken(one, 2, 800))
    other = epochs_of(of(parquet, seed=1))
    assert not np.array_equal(taken(one, 6, 800), taken(other, 6, 800))


def test_a_unit_of_held_out_rows_is_no_end(tmp_path):
    x = np.arange(4000.0)
    hashes = row_hashes.row_hashes([x], 0)
    held = row_hashes.Bounds.of(2000, streamed.HELD_ROWS, 500).validation
    held = np.flatnonzero(hashes.astype(float) < held)[:9]
    others = np.setdiff1d(np.arange(2000), held)
    for name, rows in {"1": others[:900], "2": held, "3": others[900:1991]}.items():
        pd.DataFrame({"a": x[rows]}).to_parquet(tmp_path / f"{name}.parquet", index=False)
    epochs = epochs_of(of(tmp_path))
    # As it was, one unit made an epoch.
    epochs.passes = 3
    for number in range(6):
        assert not np.isin(taken(epochs, number, 700), held).any()
    path = tmp_path / "2.parquet"
    alone = [[streamed.Share(unit, 0, 9)] for unit, _ in epochs._found.units if unit.path == path]
    epochs._shares = lambda number: [*alone, [streamed.Share(epochs._found.units[0][0], 0, 900)]]
    epochs.passes = 2
    assert len(taken(epochs, 0, 2000)) == 2000


def test_rows_that_were_dropped_have_no_place(tmp_path):
    x = np.arange(3000.0)
    y = np.where(x % 3 == 1, np.nan, x)
    frame = pd.DataFrame({"a": x, "b": y})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=1400, index=False)
    epochs = epochs_of(of(tmp_path / "t.parquet", drop_invalid=True))
    assert epochs.passes == 2
    count = epochs._found.training_rows // 2
    rows = np.concatenate([taken(epochs, k, count - 30) for k in range(2)])
    assert len(set(rows)) == len(rows)
    assert not (rows % 3 == 1).any()

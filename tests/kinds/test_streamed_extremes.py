"""Types of streamed mixed tables are as wide as all of their numbers."""

import types

import numpy as np
import pandas as pd
import pytest

from tfp_flows.datasets import blocks
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import streamed
from tfp_flows.kinds.tables.extremes import Extremes
from tfp_flows.kinds.tables.streamed_sources import load_streamed

ROWS = 4000


def of(path, **more):
    about = {"columns": None, "header": None, "drop_invalid": False, "by": None, "weights": None}
    about |= {"given": None, "table_schema": None, "seed": 0, "key": None}
    return types.SimpleNamespace(data=str(path), **about | more)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Of 4,000 rows a few have numbers that the sample of 300 does not have."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 500)
    monkeypatch.setattr(streamed, "SAMPLE_ROWS", 300)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"price": rng.gamma(2.0, size=ROWS), "share": rng.random(ROWS)})
    frame["count"], frame["kind"] = rng.poisson(40, ROWS), rng.choice(["a", "b"], ROWS)
    frame["gone"] = np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS))
    frame.loc[1234, "price"], frame.loc[77, "share"], frame.loc[3999, "count"] = -3.5, 1.75, -2
    frame.loc[5, "gone"] = np.inf
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=900, index=False)
    return tmp_path / "t.parquet", frame


def test_rare_numbers_have_a_density(table):
    path, frame = table
    source = load_streamed(of(path), mixed=True)
    assert not source.frame["price"].lt(0).any()
    assert source.frame["share"].max() < 1
    schema = source.schema
    found = {column.name: column.type for column in schema.columns}
    assert found == {
        "price": "real",
        "share": "positive",
        "count": "integer",
        "kind": "categorical",
        "gone": "real",
    }
    assert schema.column("count").low == -np.inf
    schema.fit(source.parts.train)
    assert not schema.encode(frame).impossible.any()


def test_what_was_decided_is_not_widened(table, tmp_path):
    path, _ = table
    (tmp_path / "s.toml").write_text('[columns.price]\ntype = "positive"\n')
    with pytest.raises(InputError, match=r"'price' is to be positive, and 1 .*: -3\.5"):
        load_streamed(of(path, table_schema=str(tmp_path / "s.toml")), mixed=True)


def test_extremes_of_blocks():
    extremes = Extremes()
    frame = pd.DataFrame({"a": [3, 1, 2], "b": [np.nan, 5.0, np.inf], "c": ["x", "y", None]})
    extremes.add(frame)
    extremes.add(frame[:0])
    extremes.add(pd.DataFrame({"a": [9.5], "b": [-5.0], "c": ["z"]}))
    found = extremes.beside(frame.iloc[[0]])
    assert found["a"].tolist() == [3, 1, 9.5]
    assert found["c"].tolist() == ["x", "y", "z"]
    assert extremes.beside(found) is found

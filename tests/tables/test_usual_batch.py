"""Rows of a step by the rows of a table."""

import dataclasses

import pandas as pd

from tfp_flows.datasets import TOYS
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.tables.fitting import usual_batch


def test_small_tables_have_small_steps_of_one_size():
    sizes = {20: 20, 40: 20, 250: 32, 274: 31, 1000: 125, 2048: 256, 18_000: 254}
    assert {rows: usual_batch(rows) for rows in sizes} == sizes


def test_only_mixed_columns_leave_the_size_to_the_table(tmp_path):
    frame = pd.DataFrame({"kind": list("abca") * 30, "count": range(120)})
    frame.to_csv(tmp_path / "mixed.csv", index=False)
    toy = next(iter(TOYS))
    assert TableSettings(data=toy).check().batch_size == 256
    assert TableSettings(data=toy, batch_size=32).check().batch_size == 32
    mixed = TableSettings(data=str(tmp_path / "mixed.csv"))
    assert mixed.check().batch_size is None
    assert dataclasses.replace(mixed, batch_size=7).check().batch_size == 7

"""Rows of a step by the rows of a table."""

from tfp_flows.tables.fitting import usual_batch


def test_small_tables_have_small_steps_of_one_size():
    sizes = {20: 20, 40: 20, 250: 32, 274: 31, 1000: 125, 2048: 256, 18_000: 254}
    assert {rows: usual_batch(rows) for rows in sizes} == sizes

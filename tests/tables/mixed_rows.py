"""A table of mixed columns with a known law, and cells of random weights, for the tests."""

import numpy as np
import pandas as pd

from tfp_flows.tables import Schema, TableModel


def frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Columns of every type; ``gap`` has missing cells."""
    r = np.random.default_rng(seed)
    kind = r.choice(["ant", "bee", "cow"], rows, p=[0.5, 0.3, 0.2])
    x = r.standard_normal(rows) + 2 * (kind == "bee")
    return pd.DataFrame(
        {
            "kind": kind,
            "x": x,
            "count": r.poisson(np.exp(0.3 * x + 1)),
            "rain": np.where(r.uniform(size=rows) < 0.4, 0.0, r.gamma(2.0, size=rows)),
            "share": r.beta(2, 2, size=rows) * 0.98 + 0.01,
            "score": r.integers(1, 6, rows),
            "rounded": np.round(10 + 3 * x, 1),
            "wind_dir": np.mod(r.normal(350, 20, rows), 360),
            "day": (
                pd.Timestamp("2021-01-01") + pd.to_timedelta(r.integers(0, 500, rows), unit="D")
            ).strftime("%d.%m.%Y"),
            "time": [f"{h:02d}:{m:02d}" for h, m in r.integers(0, [24, 60], (rows, 2))],
            "yes": r.uniform(size=rows) < 0.3,
            "one": "same",
            "id": [f"r{i:04d}" for i in range(rows)],
            "gap": np.where(r.uniform(size=rows) < 0.2, np.nan, r.standard_normal(rows)),
        }
    )


def untrained(table: pd.DataFrame, scale: float = 0.2, **options) -> TableModel:
    """A model of random weights, large enough that its columns depend on each other."""
    decided = {"share": {"type": "bounded", "low": 0.0, "high": 1.0}}
    schema = Schema.infer(table, {k: v for k, v in decided.items() if k in table})
    model = TableModel.of(schema, table, hidden_units=(16,), num_bins=4, seed=0, **options)
    generator = np.random.default_rng(1)
    for variable in model.layer.trainable_variables:
        variable.assign_add(scale * generator.standard_normal(variable.shape))
    return model

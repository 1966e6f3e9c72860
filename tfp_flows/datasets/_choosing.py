"""Which columns of a file are meant: those that are asked for, or those of a model."""

import difflib
import operator
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfp_flows.datasets._raw import Options, RawTable, default_names
from tfp_flows.datasets._readers import read_raw
from tfp_flows.errors import InputError, unknown_name

Asked = str | int | Iterable[str | int] | None
_SHOWN = 12


def read_chosen(path: Path, options: Options, columns: Asked) -> RawTable:
    """Reads the columns that are asked for; all but the labels of rows if None.

    Raises:
        InputError: As `read_raw`; if a column is unknown, chosen twice, or one of several with
            its name.
    """
    return chosen_of(path, read_raw(path, options), columns)


def chosen_of(path: Path, raw: RawTable, columns: Asked) -> RawTable:
    """The columns that are asked for of a table that is read; see `read_chosen`."""
    return _without_index(path, raw) if columns is None else _selected(path, raw, columns)


def read_matching(
    path: Path,
    options: Options,
    names: Sequence[str],
    *,
    named: bool,
    optional: Iterable[str] = (),
) -> RawTable:
    """Reads the columns of a model, in its order, and calls them by its names.

    They are found by name. A file without names is taken as it is if it has as many columns, and
    so is one with other names if the model's own names are only numbered.

    Args:
        path: The file.
        options: How to read it.
        names: The model's columns.
        named: Whether their names came from a file.
        optional: Those of them that may lack; a file without names has all or none.

    Returns:
        The columns.

    Raises:
        InputError: As `read_raw`; if columns lack, or are of another number.
    """
    options = expecting(options, names, named=named, optional=optional)
    return matching_of(path, read_raw(path, options), names, named=named, optional=optional)


def expecting(
    options: Options, names: Sequence[str], *, named: bool, optional: Iterable[str] = ()
) -> Options:
    """The options by which the columns of a model are looked for; see `read_matching`."""
    needed = [name for name in names if name not in set(optional)]
    return options._replace(expected=tuple(needed) if named and needed else None)


def matching_of(
    path: Path, raw: RawTable, names: Sequence[str], *, named: bool, optional: Iterable[str] = ()
) -> RawTable:
    """The columns of a model in a table that is read; see `read_matching`."""
    needed = [name for name in names if name not in set(optional)]
    if not named or not set(needed) <= set(raw.names):
        raw = _without_index(path, raw)
    missing = [name for name in needed if name not in raw.names]
    in_order = next((each for each in (names, needed) if len(each) == len(raw.names)), None)
    if in_order is not None and not raw.named:
        remark = f"{path.name} has no header; its columns are read in the order of the model's."
        remarks = (*raw.remarks, remark) if named else raw.remarks
        chosen = raw._replace(names=tuple(in_order), remarks=remarks)
    elif not missing and (raw.named or not named):
        own = [name for name in names if name in raw.names]
        if not own:
            raise _lacking(path, raw.names, names)
        chosen = _selected(path, raw, own)
    elif in_order is not None and not named:
        chosen = raw._replace(names=tuple(in_order))
    elif raw.named:
        raise _lacking(path, raw.names, missing)
    else:
        raise InputError(
            f"{path} has {len(raw.names)} columns without names, but the model was fitted to "
            f"{len(needed)} ({', '.join(needed)}); give these, in this order."
        )
    return chosen._replace(named=named)


def _lacking(path: Path, names: Sequence[str], missing: Sequence[str]) -> InputError:
    near = {name: difflib.get_close_matches(name, names, n=1, cutoff=0.6) for name in missing}
    hints = [f"{found[0]!r} for {name!r}" for name, found in near.items() if found]
    hint = f"; did you mean {', '.join(hints)}?" if hints else "."
    shown = ", ".join(map(repr, names[:_SHOWN]))
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return InputError(
        f"{path} lacks the columns {', '.join(map(repr, missing))} that the model was fitted to; "
        f"it has {shown}{rest}{hint}"
    )


def _without_index(path: Path, raw: RawTable) -> RawTable:
    """The table without the row labels of a data frame, which were not meant as data."""
    if not raw.index:
        return raw
    kept = [i for i in range(len(raw.names)) if i not in raw.index]
    first, last = (raw.columns[raw.index[0]][i] for i in (0, -1)) if len(raw.columns[0]) else ""
    name, unnamed = raw.names[raw.index[0]], default_names(1)[0]
    which = f"index {name!r} of {path.name}"
    if name == unnamed:
        which = f"first column of {path.name} has no name and"
    remark = (
        f"The {which} holds the labels of its rows ({first} to {last}); it is left out, columns= "
        "(--columns) would choose it."
    )
    return raw._replace(
        columns=[raw.columns[i] for i in kept],
        names=tuple(raw.names[i] for i in kept),
        remarks=(*raw.remarks, remark),
        index=(),
        repeated={n: tuple(map(kept.index, places)) for n, places in raw.repeated.items()},
    )


def _selected(path: Path, raw: RawTable, columns: str | int | Iterable[str | int]) -> RawTable:
    wanted = [columns] if isinstance(columns, str | int) else list(columns)
    if not wanted:
        raise InputError("The list of columns is empty; name at least one.")
    chosen: list[int] = []
    for column in wanted:
        index = _column_index(path, raw.names, column)
        if index in chosen:
            raise InputError(f"Column {raw.names[index]!r} is chosen twice; name it once.")
        chosen.append(index)
    _check_repeated(path, raw, wanted, chosen)
    return raw._replace(
        columns=[raw.columns[i] for i in chosen], names=tuple(raw.names[i] for i in chosen)
    )


def _check_repeated(
    path: Path, raw: RawTable, wanted: Sequence[str | int], chosen: Sequence[int]
) -> None:
    """Refuses a name of several columns, unless all of them are asked for."""
    for column in wanted:
        places = raw.repeated.get(column, ()) if isinstance(column, str) else ()
        if places and not set(places) <= set(chosen):
            raise InputError(
                f"{path} has {'two' if len(places) == 2 else len(places)} columns called "
                f"{column!r} (numbers {' and '.join(map(str, places))}, counted from 0); choose "
                "one by its number, or rename it."
            )


def _column_index(path: Path, names: tuple[str, ...], column: str | int) -> int:
    if isinstance(column, str) and column in names:
        return names.index(column)
    try:
        index = int(column) if isinstance(column, str) else operator.index(column)
    except (TypeError, ValueError):
        raise unknown_name("column", column, names) from None
    if not 0 <= index < len(names):
        raise InputError(
            f"{path} has no column {index}; it has {len(names)}, numbered 0 to {len(names) - 1}."
        )
    return index

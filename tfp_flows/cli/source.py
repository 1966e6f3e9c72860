"""Where the data of a run come from: a toy's name or a file."""

import hashlib
from pathlib import Path

import numpy as np

from tfp_flows import datasets
from tfp_flows.cli.settings import FitSettings
from tfp_flows.datasets import Table
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.spread import outlying, unresolved
from tfp_flows.terminal import import_tensorflow

DEFAULT_TOY_ROWS = 10_000
# Below this, test and validation parts say nothing.
_MIN_ROWS = 50


def resolve(data: str, rows: int | None) -> tuple[str, int | None]:
    """Decides whether DATA names a toy or a file.

    Args:
        data: What the user wrote.
        rows: What ``--rows`` says.

    Returns:
        A toy's name and its number of rows, or an absolute path and None.

    Raises:
        InputError: If it is neither, or ``--rows`` comes with a file.
    """
    path = Path(data)
    if data in datasets.TOYS and not path.is_file():
        return data, DEFAULT_TOY_ROWS if rows is None else rows
    if not path.exists() and not path.suffix and path.name == data:
        raise unknown_name("data set", data, datasets.TOYS)
    if rows is not None:
        raise InputError(f"--rows is for toys, and {data} is a file; leave --rows out.")
    return str(path.resolve()), None


def load(settings: FitSettings) -> Table:
    """Reads the data that a fit was asked for.

    Raises:
        InputError: If they cannot be read or no density can be fitted to them.
    """
    if settings.rows is not None:
        if settings.columns or settings.key or settings.drop_invalid:
            raise InputError(
                f"{settings.data} is a toy; --columns, --key and --drop-invalid are for files."
            )
        if settings.data in datasets.POTENTIALS:
            import_tensorflow()
        values = datasets.toy(settings.data, settings.rows, seed=settings.seed)
        table = Table(values, ("x0", "x1"), named=False)
    else:
        table = datasets.load_table(
            settings.data,
            columns=settings.columns,
            drop_invalid=settings.drop_invalid,
            key=settings.key,
        )
    datasets.check_table(table, min_rows=max(_MIN_ROWS, 2 * table.values.shape[1] + 2))
    check_precision(table, settings.dtype)
    return table


def check_precision(table: Table, dtype: str) -> None:
    """Checks that no column loses its spread in the model's precision.

    Raises:
        InputError: If one does.
    """
    found = unresolved(table.values, dtype)
    if found is None:
        return
    (index,), spread, gap = found
    way = "use --dtype float64" if dtype == "float32" else "subtract an offset first, or rescale"
    raise InputError(
        f"Column {table.columns[index]!r} has a standard deviation of {spread:.3g}, but {dtype} "
        f"numbers of its size lie {gap:.3g} apart; {way}."
    )


def digest(table: Table) -> str:
    """A fingerprint of names and values, by which a changed file is noticed."""
    text = "\n".join(table.columns).encode() + str(table.values.shape).encode()
    return hashlib.sha256(text + np.ascontiguousarray(table.values).tobytes()).hexdigest()


def remarks(table: Table) -> list[str]:
    """What a careful reader would say about the data before a density is fitted."""
    notes = []
    if table.dropped:
        notes.append(f"{table.dropped:,} rows with empty, NaN or infinite cells were dropped.")
    rows = len(table.values)
    for name, ratio in zip(table.columns, outlying(table.values), strict=True):
        if ratio:
            notes.append(
                f"column {name!r} holds a few values far from all others: its standard deviation "
                f"is {ratio:.3g} times that of its bulk; drop them if they are errors."
            )
    for name, column in zip(table.columns, table.values.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        share = counts.max() / rows
        if share > 0.05:
            notes.append(
                f"column {name!r} holds {values[counts.argmax()]:g} in {100 * share:.0f} % of its "
                "rows; its density has a spike there, and likelihoods can grow without bound."
            )
    return notes

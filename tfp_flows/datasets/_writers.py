"""Tables written to files: all of one or nothing."""

import contextlib
import csv
import gzip
import io
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from tfp_flows.datasets._arrow import write_arrow
from tfp_flows.datasets._header import looks_like_data
from tfp_flows.datasets._raw import default_names
from tfp_flows.datasets._readers import format_of
from tfp_flows.datasets._sheets import write_sheet
from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path, check_folder

if TYPE_CHECKING:
    import pandas as pd

TEXTS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
Labels = tuple[str, Sequence[str]] | None


def check_output(path: str | os.PathLike[str]) -> None:
    """Checks, before any work is done for it, that a table may be written to a path.

    Args:
        path: The file to write.

    Raises:
        InputError: an unknown suffix, or no such folder.
    """
    path = Path(path)
    if suffix(path) not in WRITERS:
        raise InputError(
            f"Cannot write {path}: its suffix is {suffix(path)!r}; use one of {', '.join(WRITERS)}."
        )
    check_folder(path)


def suffix(path: Path) -> str:
    """What tells the format, with that of the packing: ``.csv.gz``."""
    return "".join(format_of(path))


def save_table(
    path: str | os.PathLike[str],
    values: np.ndarray,
    columns: Sequence[str] | None = None,
    *,
    labels: Sequence[str] | None = None,
    label_column: str = "name",
) -> Path:
    """Writes a table as text, numbers or a sheet: all of it or nothing.

    Reading the file back gives exactly the same floats. ``.npy`` keeps no names, neither of
    columns nor of rows. Text is ``.csv`` or ``.tsv``, or packed, ``.csv.gz``; the others are
    ``.npy``, ``.npz``, ``.parquet``, ``.feather`` and ``.xlsx``.

    Args:
        path: The file to write or replace.
        values: Real numbers ``[rows, columns]``.
        columns: One name for each column; ``x0, x1, ...`` if None.
        labels: A name for each row, written as a first column of text, in ``.npz`` as an array.
        label_column: Name of that column.

    Returns:
        The path.

    Raises:
        InputError: an unknown suffix, values or names of another shape, or a file that cannot be
            written; a file that was there before is then unchanged.
    """
    path = Path(path)
    values = np.asarray(values)
    check_output(path)
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise InputError(
            f"Cannot write {path}: the values are {values.dtype} of shape {values.shape}; "
            "give real numbers [rows, columns]."
        )
    count = values.shape[1]
    names = [str(name) for name in (default_names(count) if columns is None else columns)]
    if len(names) != count or len(set(names)) != count:
        raise InputError(
            f"Cannot write {path}: {count} columns need {count} different names, got {names}."
        )
    if labels is not None and (len(labels) != len(values) or label_column in names):
        raise InputError(
            f"Cannot write {path}: {len(values)} rows need as many labels, got {len(labels)}, "
            f"under a name that no column has, got {label_column!r}."
        )
    labelled = None if labels is None else (label_column, [str(label) for label in labels])
    with atomic_path(path) as temporary:
        WRITERS[suffix(path)](temporary, values, names, labelled)
    return path


def write_header(file: TextIO, separator: str, names: Sequence[str], first: str) -> None:
    """Writes names, in quotes if they could be data, by which the reader knows them.

    Args:
        file: Where to.
        separator: What stands between them.
        names: All of them.
        first: That of the first column of values, which labels of rows may precede.
    """
    like_data = looks_like_data(names) or first.startswith("#")
    quoting = csv.QUOTE_ALL if like_data else csv.QUOTE_MINIMAL
    csv.writer(file, delimiter=separator, lineterminator="\n", quoting=quoting).writerow(names)


def separator_of(path: Path) -> str:
    """What stands between the cells of a file of text."""
    return "\t" if ".tsv" in path.suffixes[-2:] else ","


def _write_text(path: Path, values: np.ndarray, names: list[str], labels: Labels) -> None:
    separator = separator_of(path)
    with opened(path) as file:
        write_header(file, separator, [*([labels[0]] if labels else []), *names], names[0])
        write_values(file, separator, values, labels)


def write_values(file: TextIO, separator: str, values: np.ndarray, labels: Labels) -> None:
    """Writes the rows of a table of numbers as text."""
    if labels is None:
        np.savetxt(file, values, fmt=_cell_format(values.dtype), delimiter=separator)
        return
    cell = _cell_format(values.dtype)
    rows = csv.writer(file, delimiter=separator, lineterminator="\n")
    for label, row in zip(labels[1], values, strict=True):
        rows.writerow([label, *(cell % value for value in row)])


@contextlib.contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """A file of text to write, packed if its name ends in ``.gz``."""
    if path.suffix.lower() != ".gz":
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    # Without name and time, so that the same values give the same bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packer,
        io.TextIOWrapper(packer, encoding="utf-8", newline="") as file,
    ):
        yield file


def _cell_format(dtype: np.dtype) -> str:
    """A format with as many decimal digits as give every value back exactly."""
    if dtype.kind != "f":
        return "%d"
    return "%.9g" if dtype.itemsize <= 4 else "%.17g"


def _write_npy(path: Path, values: np.ndarray, _names: list[str], labels: Labels) -> None:
    np.save(path, values)


def _write_npz(path: Path, values: np.ndarray, names: list[str], labels: Labels) -> None:
    more = {} if labels is None else {labels[0]: np.array(labels[1], dtype=np.str_)}
    np.savez(path, values=values, columns=np.array(names, dtype=np.str_), **more)


def _write_frame(path: Path, values: np.ndarray, names: list[str], labels: Labels) -> None:
    FRAME_WRITERS[path.suffix.lower()](path, labelled_frame(values, names, labels))


def labelled_frame(values: np.ndarray, names: list[str], labels: Labels) -> "pd.DataFrame":
    """A table of numbers as a frame, the labels of its rows in front."""
    import pandas as pd

    frame = pd.DataFrame(values, columns=names)
    if labels is not None:
        frame.insert(0, labels[0], labels[1])
    return frame


FRAME_WRITERS: dict[str, Callable[[Path, "pd.DataFrame"], None]] = {
    ".parquet": write_arrow,
    ".feather": write_arrow,
    ".xlsx": write_sheet,
}

WRITERS: dict[str, Callable[[Path, np.ndarray, list[str], Labels], None]] = {
    **dict.fromkeys(TEXTS, _write_text),
    ".npy": _write_npy,
    ".npz": _write_npz,
    **dict.fromkeys(FRAME_WRITERS, _write_frame),
}

TABLE_SUFFIXES = tuple(WRITERS)
"""Suffixes of the files that tables are written to."""

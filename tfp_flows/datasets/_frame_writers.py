"""Frames of mixed columns written to files: all of one or nothing."""

import csv
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from tfp_flows.datasets._mixed import frame_of
from tfp_flows.datasets._raw import plain
from tfp_flows.datasets._writers import (
    FRAME_WRITERS,
    TEXTS,
    check_output,
    opened,
    separator_of,
    suffix,
    write_header,
)
from tfp_flows.datasets.frames import Frame
from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd


def save_frame(path: str | os.PathLike[str], frame: "Frame | pd.DataFrame") -> Path:
    """Writes a table of mixed columns: all of it or nothing.

    Numbers come back exactly from all formats. ``.parquet`` and ``.feather`` keep everything, and
    so do ``.xlsx``, times to the millisecond, and ``.npz``, one array for each column, but for
    empty text, which comes back as missing. Text (``.csv``, ``.tsv``, ``.csv.gz``) has no types:
    times come back as text, and text that reads as a number or as missing as that. ``.npy`` holds
    numbers alone.

    Args:
        path: The file to write or replace.
        frame: A `Frame` or a ``pandas.DataFrame``; its index is not written.

    Returns:
        The path.

    Raises:
        InputError: an unknown suffix, no column, two of one name, values that the format cannot
            hold, or a file that cannot be written; a file that was there before is then unchanged.
    """
    path = Path(path)
    check_output(path)
    data = checked_frame(path, frame.data if isinstance(frame, Frame) else frame)
    with atomic_path(path) as temporary:
        _WRITERS[suffix(path)](temporary, data)
    return path


def checked_frame(path: Path, data: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with the columns that reading it would give."""
    names = [str(name) for name in data.columns]
    if not names or len(set(names)) != len(names):
        raise InputError(
            f"Cannot write {path}: a table needs columns with different names, got {names}."
        )
    frame = frame_of(path, names, [plain(data.iloc[:, i]) for i in range(len(names))])
    others = [name for name in names if frame[name].dtype.kind not in "fi"]
    if suffix(path) == ".npy" and others:
        raise InputError(
            f"Cannot write {path}: column {others[0]!r} is not of numbers, and a .npy file holds "
            "nothing else; write a .npz, .csv or .parquet file."
        )
    return frame


def _write_text(path: Path, data: "pd.DataFrame") -> None:
    separator, names = separator_of(path), list(data.columns)
    with opened(path) as file:
        write_header(file, separator, names, names[0])
        write_cells(file, separator, data)


def write_cells(file: TextIO, separator: str, data: "pd.DataFrame") -> None:
    """Writes the rows of a frame as text."""
    texts = [data[name] for name in data if data[name].dtype == object]
    # Else a cell would be read as a comment, or without the blanks at its front.
    quoted = any(text.str.match(r"#|\s").any() for text in texts)
    quoting = csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL
    data.to_csv(
        file, sep=separator, header=False, index=False, lineterminator="\n", quoting=quoting
    )


def _write_npy(path: Path, data: "pd.DataFrame") -> None:
    np.save(path, data.to_numpy())


def _write_npz(path: Path, data: "pd.DataFrame") -> None:
    if data.shape[1] == 1:  # one array alone would be read as a table without names
        columns = np.array(list(data), dtype=np.str_)
        np.savez(path, values=_array(data.iloc[:, 0])[:, None], columns=columns)
        return
    # Not numpy.savez, which cannot have an array called "file".
    with zipfile.ZipFile(path, "w") as archive:
        for name in data:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, _array(data[name]), allow_pickle=False)


def _array(column: "pd.Series") -> np.ndarray:
    if column.dtype != object:
        return column.to_numpy()
    return column.fillna("").to_numpy().astype(np.str_)


_WRITERS: dict[str, Callable[[Path, "pd.DataFrame"], None]] = {
    **dict.fromkeys(TEXTS, _write_text),
    ".npy": _write_npy,
    ".npz": _write_npz,
    **FRAME_WRITERS,
}

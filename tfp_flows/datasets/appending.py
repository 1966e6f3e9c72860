"""Tables written piece by piece: all of one or nothing, in constant memory."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.datasets._arrow import arrow_appender
from tfp_flows.datasets._frame_writers import checked_frame, save_frame, write_cells
from tfp_flows.datasets._writers import (
    TEXTS,
    check_output,
    labelled_frame,
    opened,
    save_table,
    separator_of,
    suffix,
    write_header,
    write_values,
)
from tfp_flows.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd


class Numbers(NamedTuple):
    """Rows of a table of numbers; see `save_table`.

    Attributes:
        values: ``[rows, columns]``.
        columns: Their names.
        labels: A text for each row, or None.
        label_column: The name of these.
    """

    values: np.ndarray
    columns: list[str]
    labels: list[str] | None = None
    label_column: str = "name"


Piece = Any  # Numbers, or a pandas.DataFrame


@contextlib.contextmanager
def appended(path: str | os.PathLike[str]) -> Iterator[Callable[[Piece], None]]:
    """Yields what appends pieces to a table, which is there once the block has ended well.

    Text and ``.parquet`` are written as the pieces come. The other formats hold all rows in one
    array, so their pieces are kept until the end.

    Args:
        path: The file to write or replace; see `save_table` and `save_frame`.

    Raises:
        InputError: As these; if the disk is full, what was written is removed.
    """
    path = Path(path)
    check_output(path)
    if suffix(path) not in (*TEXTS, ".parquet"):
        kept: list[Piece] = []
        yield kept.append
        _save_whole(path, kept)
        return
    with atomic_path(path) as temporary, contextlib.ExitStack() as closing:
        if suffix(path) == ".parquet":
            append = arrow_appender(path, closing.enter_context(temporary.open("wb")), closing)
            yield lambda piece: append(_as_frame(path, piece))
        else:
            yield _text_appender(path, closing.enter_context(opened(temporary)))


def _as_frame(path: Path, piece: Piece) -> "pd.DataFrame":
    if isinstance(piece, Numbers):
        return labelled_frame(piece.values, piece.columns, _labels(piece))
    return checked_frame(path, piece)


def _text_appender(path: Path, file) -> Callable[[Piece], None]:
    separator, begun = separator_of(path), False

    def append(piece: Piece) -> None:
        nonlocal begun
        numbers = isinstance(piece, Numbers)
        data = piece if numbers else checked_frame(path, piece)
        if not begun:
            names = list(data.columns)
            label = [piece.label_column] if numbers and piece.labels is not None else []
            write_header(file, separator, [*label, *names], names[0])
            begun = True
        if numbers:
            write_values(file, separator, piece.values, _labels(piece))
        else:
            write_cells(file, separator, data)

    return append


def _labels(piece: Numbers):
    return None if piece.labels is None else (piece.label_column, piece.labels)


def _save_whole(path: Path, kept: list[Piece]) -> None:
    if not isinstance(kept[0], Numbers):
        import pandas as pd

        save_frame(path, pd.concat(kept, ignore_index=True))
        return
    first = kept[0]
    labels = None if first.labels is None else [t for piece in kept for t in piece.labels or ()]
    values = np.concatenate([piece.values for piece in kept])
    save_table(path, values, first.columns, labels=labels, label_column=first.label_column)

"""Readers of the table formats: a path in, named raw columns out; no judgement of the values."""

import contextlib
import csv
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tfp_flows.errors import InputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd


class RawTable(NamedTuple):
    """Columns as they stand in the file: arrays ``[rows]`` of any dtype, and their names."""

    columns: Sequence[np.ndarray]
    names: tuple[str, ...]
    named: bool


def read_raw(path: Path, *, key: str | None) -> RawTable:
    """Reads the file at ``path`` with the reader of its suffix."""
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InputError(
            f"Cannot read {path}: its suffix is {suffix!r}; use one of {', '.join(READERS)}."
        )
    if path.is_dir():
        raise InputError(f"Cannot read {path}: it is a folder; give the file in it.")
    if not path.exists():
        raise InputError(f"Cannot read {path}: there is no such file; check the path.")
    if key is not None and suffix != ".npz":
        raise InputError(f"key={key!r} was given for {path}, but only a .npz file has keys.")
    with _corruption(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; give a file with rows of numbers.")
        raw = READERS[suffix](path, key)
    _check_names(path, raw)
    return raw


@contextlib.contextmanager
def _corruption(path: Path) -> Iterator[None]:
    """Turns whatever a decoder makes of a broken file into one sentence about the file."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or _brief(error)}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"Cannot read {path}: it is not UTF-8 text; save it as UTF-8.") from error
    except Exception as error:  # decoders raise anything: zlib.error, MemoryError, ArrowInvalid
        if "allow_pickle" in str(error):
            raise InputError(
                f"Cannot read {path}: it holds pickled Python objects; save an array of numbers."
            ) from None
        raise InputError(
            f"Cannot read {path}: the file is damaged or not what its suffix says "
            f"({_brief(error)})."
        ) from error


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160].rstrip(".")


def _check_names(path: Path, raw: RawTable) -> None:
    first: dict[str, int] = {}
    for index, name in enumerate(raw.names):
        if name in first:
            raise InputError(
                f"{path} has two columns called {name!r} (numbers {first[name]} and {index}, "
                "counted from 0); rename one of them."
            )
        first[name] = index


def _read_csv(path: Path, _key: str | None) -> RawTable:
    import pandas as pd

    first, separator, number = _first_row(path)
    named = not all(is_number(cell) for cell in first)
    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            header=None,
            skiprows=number if named else 0,
            skipinitialspace=True,
            low_memory=False,
            float_precision="round_trip",
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} has a header but no rows; give a file with rows.") from None
    except pd.errors.ParserError as error:
        reason = _brief(error).rpartition("error: ")[2]
        raise InputError(
            f"Cannot read {path}: {reason}; give every row the same number of cells."
        ) from None
    if frame.shape[1] != len(first):
        raise InputError(
            f"{path} has {len(first)} cells in its first row and {frame.shape[1]} in the next; "
            "give every row the same number of cells."
        )
    names = default_names(len(first))
    if named:
        first[0] = first[0].lstrip("#").strip()  # numpy.savetxt writes its header as a comment
        names = tuple(given or name for given, name in zip(first, names, strict=True))
    return RawTable([_plain(frame[i]) for i in frame.columns], names, named)


def _first_row(path: Path) -> tuple[list[str], str, int]:
    """Returns the first row that is not blank, the separator, and the number of that row."""
    best: tuple[list[str], str, int] = ([], ",", 0)
    for separator in ",;\t":
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, delimiter=separator, skipinitialspace=True)
            for number, row in enumerate(rows, start=1):
                cells = [cell.strip() for cell in row]
                if any(cells):
                    best = max(best, (cells, separator, number), key=lambda found: len(found[0]))
                    break
    if not best[0]:
        raise InputError(f"{path} holds nothing but blank lines; give a file with rows.")
    return best


def is_number(cell: str) -> bool:
    """Whether a cell of a first row looks like data: a number, or nothing at all."""
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _read_npy(path: Path, _key: str | None) -> RawTable:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InputError(f"Cannot read {path}: it is not a NumPy file; write it by numpy.save.")
    return _from_array(path, _load(path), None)


def _read_npz(path: Path, key: str | None) -> RawTable:
    if not zipfile.is_zipfile(path):
        raise InputError(f"Cannot read {path}: it is not a .npz file; write it by numpy.savez.")
    with _load(path) as archive:
        keys = list(archive.files)
        names = None
        if "columns" in keys and key != "columns":
            names = archive["columns"]
            if names.dtype.kind == "U" and names.ndim == 1:
                keys.remove("columns")
            else:
                names = None
        if key is None and len(keys) != 1:
            raise InputError(
                f"{path} holds {len(keys)} arrays ({', '.join(keys)}); choose one with key=."
            )
        if key is not None and key not in keys:
            raise unknown_name("key", key, keys)
        return _from_array(path, archive[keys[0] if key is None else key], names)


def _load(path: Path) -> "np.ndarray | np.lib.npyio.NpzFile":
    return np.load(path, allow_pickle=False)


def _from_array(path: Path, array: np.ndarray, names: np.ndarray | None) -> RawTable:
    if array.dtype.names:
        raise InputError(
            f"{path} holds a structured array with fields {', '.join(array.dtype.names)}; "
            "save a plain array [rows, columns]."
        )
    if array.ndim not in (1, 2):
        raise InputError(
            f"{path} holds an array of shape {array.shape}; a table needs [rows, columns]."
        )
    array = array.reshape(len(array), -1) if array.size else array.reshape(0, 0)
    count = array.shape[1]
    if names is None or len(names) != count:
        return RawTable(list(array.T), default_names(count), False)
    return RawTable(list(array.T), tuple(str(name) for name in names), True)


def _read_parquet(path: Path, _key: str | None) -> RawTable:
    import pandas as pd

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            f"Cannot read {path}: parquet needs pyarrow; pip install 'tfp-flows[parquet]'."
        ) from None
    frame = pd.read_parquet(path, engine="pyarrow")
    columns = [_plain(frame.iloc[:, i]) for i in range(frame.shape[1])]
    return RawTable(columns, tuple(str(name) for name in frame.columns), True)


def _plain(series: "pd.Series") -> np.ndarray:
    """A pandas column as a NumPy array; nullable numbers become floats with NaN."""
    import pandas as pd

    if not isinstance(series.dtype, np.dtype) and pd.api.types.is_numeric_dtype(series.dtype):
        if series.hasnans:
            return series.to_numpy(dtype=np.float64, na_value=np.nan)
        return series.to_numpy(dtype=series.dtype.numpy_dtype)
    return series.to_numpy()


def default_names(count: int) -> tuple[str, ...]:
    """Names for columns without one: x0, x1, ..."""
    return tuple(f"x{i}" for i in range(count))


READERS: dict[str, Callable[[Path, str | None], RawTable]] = {
    ".csv": _read_csv,
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": _read_parquet,
}

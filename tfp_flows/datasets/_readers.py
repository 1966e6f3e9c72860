"""Readers of the table formats: a path in, named raw columns out; no judgement of the values."""

import contextlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfp_flows.datasets._amounts import as_numbers
from tfp_flows.datasets._arrow import read_arrow
from tfp_flows.datasets._header import unique_names
from tfp_flows.datasets._raw import Options, RawTable, brief, default_names
from tfp_flows.datasets._sheets import read_sheet
from tfp_flows.datasets._text import PACKINGS
from tfp_flows.datasets._text_tables import read_text_table
from tfp_flows.errors import InputError, unknown_name


def read_raw(path: Path, options: Options) -> RawTable:
    """Reads the file at ``path`` with the reader of its suffix."""
    reader = prepared(path, options)
    with corruption(path):
        raw = reader(path, options)
    return unique(path, raw)


def prepared(path: Path, options: Options) -> "Reader":
    """The reader of the suffix of a file, once it is known to be there.

    Raises:
        InputError: If there is none, no file, nothing in it, or an option is for other formats.
    """
    key = options.key
    suffix, packing = format_of(path)
    if suffix not in READERS:
        raise InputError(
            f"Cannot read {path}: its suffix is {suffix!r}; use one of {', '.join(READERS)}."
        )
    if packing and READERS[suffix] is not read_text_table:
        raise InputError(f"Cannot read {path}: unpack it first, only text may be packed.")
    if path.is_dir():
        raise InputError(f"Cannot read {path}: it is a folder; give the file in it.")
    if not path.exists():
        raise InputError(f"Cannot read {path}: there is no such file; check the path.")
    if key is not None and suffix not in (".npz", ".xlsx"):
        raise InputError(
            f"key={key!r} was given for {path}, but only a .npz file has keys, for its arrays, and "
            "a .xlsx file, for its sheets."
        )
    if options.header is not None and READERS[suffix] not in (read_text_table, read_sheet):
        raise InputError(
            f"header={options.header} was given for {path}, but only a text file or a sheet may "
            "have one or not; leave it out."
        )
    with corruption(path):
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; give a file with rows of numbers.")
    return READERS[suffix]


@contextlib.contextmanager
def corruption(path: Path) -> Iterator[None]:
    """Turns whatever a decoder makes of a broken file into one sentence about the file."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or brief(error)}.") from error
    except UnicodeError as error:
        raise InputError(f"Cannot read {path}: it is not UTF-8 text; save it as UTF-8.") from error
    except Exception as error:  # decoders raise anything: zlib.error, MemoryError, ArrowInvalid
        if "allow_pickle" in str(error):
            raise InputError(
                f"Cannot read {path}: it holds pickled Python objects; save an array of numbers."
            ) from None
        raise InputError(
            f"Cannot read {path}: the file is damaged or not what its suffix says ({brief(error)})."
        ) from error


def unique(path: Path, raw: RawTable) -> RawTable:
    """Calls the second of two columns of one name ``name.1``, and says so."""
    names = unique_names(raw.names)
    places: dict[str, list[int]] = {}
    for index, name in enumerate(raw.names):
        places.setdefault(name, []).append(index)
    repeated = {name: tuple(found) for name, found in places.items() if len(found) > 1}
    remarks = [
        f"{len(found)} columns of {path.name} are called {name!r}; the others are read as "
        f"{', '.join(repr(names[i]) for i in found[1:])}."
        for name, found in repeated.items()
    ]
    return raw._replace(names=tuple(names), repeated=repeated, remarks=(*raw.remarks, *remarks))


def _read_npy(path: Path, options: Options) -> RawTable:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise InputError(f"Cannot read {path}: it is not a NumPy file; write it by numpy.save.")
    return _from_array(path, _load(path), None, options)


def _read_npz(path: Path, options: Options) -> RawTable:
    key = options.key
    if not zipfile.is_zipfile(path):
        raise InputError(f"Cannot read {path}: it is not a .npz file; write it by numpy.savez.")
    with _load(path) as archive:
        keys = list(archive.files)
        columns = [archive[name] for name in keys] if key is None and len(keys) > 1 else []
        if columns and all(column.shape == (columns[0].size,) for column in columns):
            return RawTable(columns, tuple(keys), True)
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
        return _from_array(path, archive[keys[0] if key is None else key], names, options)


def _load(path: Path) -> "np.ndarray | np.lib.npyio.NpzFile":
    return np.load(path, allow_pickle=False)


def _from_array(
    path: Path, array: np.ndarray, names: np.ndarray | None, options: Options
) -> RawTable:
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
        names, columns, remarks = default_names(count), list(array.T), ()
        if options.mixed and array.dtype.kind in "UT":  # one type for all columns tells none
            objects = [column.astype(object) for column in columns]
            columns, remarks = as_numbers(path, names, objects, mixed=True)
        return RawTable(columns, names, False, remarks)
    return RawTable(list(array.T), tuple(str(name) for name in names), True)


def format_of(path: Path) -> tuple[str, str]:
    """The suffix that tells the format, and that of the packing around it, or none."""
    packing = path.suffix.lower()
    if packing in PACKINGS and path.with_suffix("").suffix:
        return path.with_suffix("").suffix.lower(), packing
    return packing, ""


Reader = Callable[[Path, Options], RawTable]
READERS: dict[str, Reader] = {
    ".csv": read_text_table,
    ".tsv": read_text_table,
    ".txt": read_text_table,
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".parquet": read_arrow,
    ".feather": read_arrow,
    ".xlsx": read_sheet,
}

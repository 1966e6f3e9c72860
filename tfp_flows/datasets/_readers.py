"""Readers of the table formats: a path in, named raw columns out; no judgement of the values."""

import contextlib
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfp_flows.datasets._agreement import Agreement
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
    if path.is_dir():
        return _read_parts(path, options)
    reader = prepared(path, options)
    with corruption(path):
        raw = reader(path, options)
    return unique(path, raw)


def _read_parts(folder: Path, options: Options) -> RawTable:
    """Reads the parts in a folder, one below the other.

    Raises:
        InputError: As `read_raw`; if a part has other columns than the first.
    """
    first, *others = parts_of(folder)
    whole = read_raw(first, options)
    pieces = [[column] for column in whole.columns]
    usual = {n: (first, kind_of(c)) for n, c in zip(whole.names, whole.columns, strict=True)}
    agreement, remarks = Agreement(), {_about(first, r): r for r in whole.remarks}
    agreement.check(first, whole)
    for path in others:
        raw = read_raw(path, options)
        lacking = [name for name in whole.names if name not in raw.names]
        if lacking or len(raw.names) != len(whole.names):
            odd = lacking or [name for name in raw.names if name not in whole.names]
            raise InputError(
                f"{path} and {first.name} have not the same columns: {odd[0]!r} is in one of them "
                "alone; give parts with the same columns."
            )
        for found, name in zip(pieces, whole.names, strict=True):
            found.append(raw.columns[raw.names.index(name)])
            kind, (origin, before) = kind_of(found[-1]), usual[name]
            if kind and before and kind != before:
                raise other_kind(name, path, kind, origin, before)
            usual[name] = (origin, before) if before else (path, kind)
        agreement.check(path, raw)
        remarks = {_about(path, remark): remark for remark in raw.remarks} | remarks
    columns = [_joined(found, usual[n][1]) for n, found in zip(whole.names, pieces, strict=True)]
    own = set(whole.remarks)
    others = tuple(remark for remark in remarks.values() if remark not in own)
    return whole._replace(columns=columns, remarks=(*whole.remarks, *others))


def _about(path: Path, remark: str) -> str:
    """What a remark says of any file and cell, so that each is made of one part alone."""
    return re.sub(r"'[^']*'|\S*\d\S*", "", remark.replace(path.name, ""))


def _joined(pieces: list[np.ndarray], kind: str) -> np.ndarray:
    """The pieces of a column one below the other; missing ones of the kind of the others."""
    if kind == "numbers":
        pieces = [np.full(len(p), np.nan) if p.dtype.kind == "O" else p for p in pieces]
    elif kind == "times":
        like = next(piece.dtype for piece in pieces if piece.dtype.kind in "mM")
        missing = np.array("NaT", dtype=like)
        pieces = [p if p.dtype.kind in "mM" else np.full(len(p), missing) for p in pieces]
    elif kind and len({piece.dtype.kind for piece in pieces}) > 1:
        pieces = [piece.astype(object) for piece in pieces]
    return np.concatenate(pieces)


def kind_of(column: np.ndarray) -> str:
    """What a column holds, in words; an empty text if all its cells are missing."""
    import pandas as pd

    kind = column.dtype.kind
    if kind == "O":
        found = pd.api.types.infer_dtype(column, skipna=True)
        return {"empty": "", "boolean": _KINDS["b"]}.get(found, _KINDS["O"])
    if not len(column) or (kind in "fmM" and pd.isna(column).all()):
        return ""
    return _KINDS.get(kind, str(column.dtype))


def other_kind(name: str, path: Path, kind: str, first: Path, usual: str) -> InputError:
    """The error of a part with a column of another kind than in the first part."""
    return InputError(
        f"Column {name!r} of {path} holds {kind}, and in {first.name} it holds {usual}; write all "
        "parts with the same types."
    )


_KINDS = {
    **dict.fromkeys("iuf", "numbers"),
    **dict.fromkeys("OUT", "text"),
    **dict.fromkeys("mM", "times"),
    "b": "true/false values",
}


def parts_of(path: Path) -> tuple[Path, ...]:
    """The files of a folder of parts, in the order of their names; of a file itself.

    Names that begin with a dot or an underscore, as those that other programs leave, are no parts.

    Raises:
        InputError: If the folder has no part, parts in folders, or parts of several formats.
    """
    path = Path(path)
    if not path.is_dir():
        return (path,)
    files = sorted(f for f in path.iterdir() if f.name[0] not in "._")
    parts = [f for f in files if f.is_file() and format_of(f)[0] in READERS]
    for folder in filter(Path.is_dir, files):
        inner = (f for f in folder.rglob("*") if f.is_file() and format_of(f)[0] in READERS)
        if any(f.name[0] not in "._" for f in inner):
            raise InputError(
                f"{path} holds parts in a folder of its own, {folder.name}; give a folder with all "
                "parts side by side."
            )
    if not parts:
        raise InputError(
            f"Cannot read {path}: it is a folder without parts of a table; give one of files of "
            f"one format: {', '.join(READERS)}."
        )
    for part in parts:
        if format_of(part) != format_of(parts[0]):
            raise InputError(
                f"{path} holds parts of several formats, {parts[0].name} and {part.name}; give a "
                "folder with those of one."
            )
    return tuple(parts)


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
            columns, remarks, _ = as_numbers(path, names, objects, mixed=True)
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

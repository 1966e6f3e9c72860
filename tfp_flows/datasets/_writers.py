"""Writers of the table formats: each puts checked values and names into an open-ended path."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfp_flows.datasets._readers import is_number
from tfp_flows.errors import InputError


def _write_csv(path: Path, values: np.ndarray, names: list[str]) -> None:
    if all(is_number(name) for name in names):
        raise InputError(
            f"The column names {names} are all numbers, and would be read back as a row of data; "
            "use names with a letter."
        )
    header = io.StringIO()
    csv.writer(header, lineterminator="").writerow(names)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        np.savetxt(
            file,
            values,
            fmt=_cell_format(values.dtype),
            delimiter=",",
            header=header.getvalue(),
            comments="",
        )


def _cell_format(dtype: np.dtype) -> str:
    """A format with as many decimal digits as give every value back exactly."""
    if dtype.kind != "f":
        return "%d"
    return "%.9g" if dtype.itemsize <= 4 else "%.17g"


def _write_npy(path: Path, values: np.ndarray, _names: list[str]) -> None:
    np.save(path, values)


def _write_npz(path: Path, values: np.ndarray, names: list[str]) -> None:
    np.savez(path, values=values, columns=np.array(names, dtype=np.str_))


def _write_parquet(path: Path, values: np.ndarray, names: list[str]) -> None:
    import pandas as pd

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            "Writing parquet needs pyarrow; pip install 'tfp-flows[parquet]'."
        ) from None
    pd.DataFrame(values, columns=names).to_parquet(path, engine="pyarrow", index=False)


WRITERS: dict[str, Callable[[Path, np.ndarray, list[str]], None]] = {
    ".csv": _write_csv,
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".parquet": _write_parquet,
}

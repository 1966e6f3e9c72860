"""Files of columns with types: ``.parquet`` and ``.feather``."""

from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.datasets._raw import Options, RawTable, plain
from tfp_flows.datasets._text_tables import filled
from tfp_flows.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_arrow(path: Path, _options: Options) -> RawTable:
    """Reads the columns of a file; an index other than row numbers stands in front of them.

    Raises:
        InputError: If pyarrow is missing.
    """
    import pandas as pd

    _check_pyarrow("Cannot read", path)
    read = pd.read_feather if path.suffix.lower() == ".feather" else pd.read_parquet
    frame = read(path)
    labels = [] if isinstance(frame.index, pd.RangeIndex) else list(frame.index.names)
    series = [frame.index.get_level_values(i).to_series() for i in range(len(labels))]
    series += [frame.iloc[:, i] for i in range(frame.shape[1])]
    names = [*filled(["" if name is None else str(name) for name in labels]), *frame.columns]
    remarks = [
        f"The times of column {name!r} of {path.name} are read in UTC."
        for name, each in zip(names, series, strict=True)
        if isinstance(each.dtype, pd.DatetimeTZDtype)
    ]
    return RawTable(
        [plain(each) for each in series],
        tuple(map(str, names)),
        True,
        tuple(remarks),
        tuple(range(len(labels))),
    )


def write_arrow(path: Path, frame: "pd.DataFrame") -> None:
    """Writes a frame without its index.

    Raises:
        InputError: If pyarrow is missing.
    """
    _check_pyarrow("Cannot write", path)
    if path.suffix.lower() == ".feather":
        frame.to_feather(path)
    else:
        frame.to_parquet(path, engine="pyarrow", index=False)


def _check_pyarrow(doing: str, path: Path) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            f"{doing} {path}: {path.suffix[1:].lower()} needs pyarrow; "
            "pip install 'tfp-flows[parquet]'."
        ) from None

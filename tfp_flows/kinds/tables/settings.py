"""What a fit to a table can be asked for."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.options import again, option, parse_columns
from tfp_flows.runs.settings import DATA, FLOW, LAYERS, TABLE_KEY, Settings

DEFAULT_TOY_ROWS = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableSettings(Settings):
    """Data and options of a fit to a table."""

    data: str = again(
        Settings,
        "data",
        help="A toy (see [bold]tfp-flows list[/bold]) or a file: .csv, .tsv, .npy, "
        ".npz, .parquet, .feather or .xlsx.",
    )
    columns: list[str] | None = option(
        None,
        panel=DATA,
        metavar="A,B,...",
        parse=parse_columns,
        help="Columns to use, by name or by number from 0.",
    )
    key: str | None = option(None, **TABLE_KEY)
    drop_invalid: bool = option(
        False,
        panel=DATA,
        help="Drop rows with empty, NaN or infinite cells instead of refusing them.",
    )
    header: bool | None = option(
        None,
        names=("--header/--no-header",),
        panel=DATA,
        shown="by the rows below",
        help="Whether the first row of a text file holds names.",
    )
    rows: int | None = option(
        None,
        names=("--rows", "-n"),
        panel=DATA,
        metavar="N",
        min=1,
        shown=str(DEFAULT_TOY_ROWS),
        help="Number of rows of a toy.",
    )
    layers: int | None = option(None, **LAYERS)
    dtype: str = option(
        "float32",
        panel=FLOW,
        choices=("float32", "float64"),
        help="Precision; float64 for columns with a large offset.",
    )
    learning_rate: float = again(
        Settings, "learning_rate", help="Learning rate of Adam; halved where progress stalls."
    )

    def check(self) -> "TableSettings":
        """Decides whether the data are a toy or a file, whose path becomes absolute.

        Raises:
            InputError: If they are neither, or an option is for the other.
        """
        from tfp_flows import datasets

        settings, path = super().check(), Path(self.data)
        if self.data in datasets.TOYS and not path.is_file():
            if self.columns or self.key or self.drop_invalid or self.header is not None:
                raise InputError(
                    f"{self.data} is a toy; --columns, --key, --header and --drop-invalid are for "
                    "files."
                )
            rows = DEFAULT_TOY_ROWS if self.rows is None else self.rows
            return dataclasses.replace(settings, rows=rows)
        if not path.exists() and not path.suffix and path.name == self.data:
            raise unknown_name("data set", self.data, datasets.TOYS)
        if self.rows is not None:
            raise InputError(f"--rows is for toys, and {self.data} is a file; leave --rows out.")
        return dataclasses.replace(settings, data=str(path.resolve()))

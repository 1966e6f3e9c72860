"""What a fit to a table can be asked for."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.kinds.tables.groups import BY
from tfp_flows.options import absolute, again, option, parse_columns
from tfp_flows.runs.settings import ACCUMULATE, DATA, FLOW, LAYERS, TABLE_KEY, Settings
from tfp_flows.terminal import note

DEFAULT_TOY_ROWS = 10_000
AUTO, COLUMNS = "auto", "columns"
OWN_FLOWS = {AUTO: "maf", COLUMNS: "maf"}
COLUMNS_OPTIONS = ("num_bins",)
_RATES = {COLUMNS: 1e-3}
_RATE = 5e-3
_BATCH = 256
# A table of more rows is fitted for so long, unless a limit is given.
_MANY_ROWS, _MINUTES = 20_000, 8.0
# From so many minutes on auto tries several flows.
TRIED_FROM = 4.0
# What only the model of mixed columns can do.
_OF_COLUMNS = ("table_schema", "given", "weights")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TableSettings(Settings):
    """Data and options of a fit to a table."""

    data: str = again(
        Settings,
        "data",
        help="A toy (see [bold]tfp-flows list[/bold]) or a .csv, .tsv, .npy, .npz, .parquet, "
        ".feather or .xlsx file, or a folder of such parts.",
    )
    flow: str = again(
        Settings,
        "flow",
        AUTO,
        help="Kind of flow (see [bold]tfp-flows list[/bold]); auto takes [bold]columns[/bold], "
        "which models columns of all types and gaps, unless all are plain real numbers; from 4 "
        "--minutes on it tries two or three flows or sizes first.",
    )
    columns: list[str] | None = option(
        None,
        panel=DATA,
        metavar="A,B,...",
        parse=parse_columns,
        help="Columns to use, by name or by number from 0.",
    )
    table_schema: str | None = option(
        None,
        names=("--schema",),
        panel=DATA,
        metavar="FILE",
        parse=absolute,
        help="A .toml file with types of columns that overrule what is inferred; "
        "[bold]tfp-flows schema[/bold] writes one.",
    )
    given: list[str] | None = option(
        None,
        panel=DATA,
        metavar="A,B,...",
        parse=parse_columns,
        help="Columns to condition on; the others get a density given them.",
    )
    weights: str | None = option(
        None, panel=DATA, metavar="COLUMN", help="Column that holds the weights of the rows."
    )
    by: str | None = option(
        None,
        panel=DATA,
        **BY,
        help="Column of the file by whose values the held-out log-likelihood is told.",
    )
    key: str | None = option(None, **TABLE_KEY)
    drop_invalid: bool = option(
        False,
        panel=DATA,
        help="Drop rows with empty, NaN or infinite cells.",
    )
    header: bool | None = option(
        None,
        names=("--header/--no-header",),
        panel=DATA,
        shown="by the rows below",
        help="Whether the first row of a text file holds names.",
    )
    stream: bool | None = option(
        None,
        names=("--stream/--no-stream",),
        panel=DATA,
        shown="from 0.5 GB of cells on",
        help="Whether a file or folder of parts is read anew in each epoch, in constant memory.",
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
    batch_size: int | None = again(
        Settings, "batch_size", None, shown="256, fewer for small tables of mixed columns"
    )
    accumulate: int = option(1, **ACCUMULATE)
    learning_rate: float | None = again(
        Settings,
        "learning_rate",
        None,
        shown="by flow",
        help="Learning rate of Adam; halved where progress stalls.",
    )

    def check(self) -> "TableSettings":
        """Decides whether the data are a toy or a file, and which flow is fitted.

        Raises:
            InputError: If they are neither, or an option is for the other.
        """
        from tfp_flows import datasets

        path = Path(self.data)
        toy = self.data in datasets.TOYS and not path.is_file()
        if not toy:
            if not path.exists() and not path.suffix and path.name == self.data:
                raise unknown_name("data set", self.data, datasets.TOYS)
            if self.rows is not None:
                raise InputError(f"--rows is for toys, and {self.data} is a file; leave it out.")
        elif any((self.columns, self.by, self.key, self.drop_invalid, self.stream)) or (
            self.header is not None
        ):
            raise InputError(
                f"{self.data} is a toy; --columns, --by, --key, --stream, --header and "
                "--drop-invalid are for files."
            )
        rows = (DEFAULT_TOY_ROWS if self.rows is None else self.rows) if toy else None
        data = self.data if toy else str(path.resolve())
        stream = self.stream
        if stream is None and not toy:
            from tfp_flows.kinds.tables.streamed import is_large

            stream = is_large(self) or None
        return dataclasses.replace(self, data=data, rows=rows, stream=stream)._with_flow()

    def repeated(self, given: Mapping[str, Any]) -> "TableSettings":
        """As `Settings.repeated`; whether a table is streamed was decided when the fit was begun.

        Raises:
            InputError: As `check`.
        """
        stream = bool(self.stream)
        if given.get("stream", stream) is not stream:
            return super().repeated(given)
        decided = dataclasses.replace(self, stream=stream)
        return dataclasses.replace(Settings.repeated(decided, given), stream=self.stream)

    def _with_flow(self) -> "TableSettings":
        from tfp_flows.kinds.tables.frames import is_plain

        if self.flow != AUTO:
            return self.of_flow(self.flow)
        # Who asks for layers, or for what else columns lacks, asks for a flow that has it.
        other = self.layers is not None or set(self.flow_option) - set(COLUMNS_OPTIONS)
        plain = not self.of_columns and (other or is_plain(self))
        settings = self.of_flow(OWN_FLOWS[AUTO] if plain else COLUMNS)
        sized = self.layers is not None or self.hidden is not None or self.flow_option
        if sized or settings.minutes is None or settings.minutes < TRIED_FROM:
            return settings
        return dataclasses.replace(self, minutes=settings.minutes)

    def of_flow(self, flow: str) -> "TableSettings":
        """These settings for a certain flow, with its learning rate and size of a step.

        Raises:
            InputError: If it is unknown, or lacks what is asked for.
        """
        rate = self.learning_rate
        rate = _RATES.get(flow, _RATE) if rate is None else rate
        batch = _BATCH if self.batch_size is None and flow != COLUMNS else self.batch_size
        settings = dataclasses.replace(
            self, flow=OWN_FLOWS.get(flow, flow), learning_rate=rate, batch_size=batch
        )
        settings = Settings.check(settings)
        if flow == COLUMNS:
            return dataclasses.replace(settings, flow=COLUMNS, minutes=self._limit())
        if asked := self.of_columns:
            names = ", ".join(f"--{name.removeprefix('table_')}" for name in asked)
            raise InputError(f"{names}: of --flow columns alone, and this is {settings.flow}.")
        return settings

    def in_words(self) -> str:
        """The flow, and what of its sizes and options was chosen."""
        hidden = [] if self.hidden is None else [f"hidden {','.join(map(str, self.hidden))}"]
        options = [f"{name}={value}" for name, value in self.flow_option.items()]
        return ", ".join([self.flow, *options, *hidden])

    @property
    def of_columns(self) -> list[str]:
        """What is asked for of `columns` alone."""
        return [name for name in _OF_COLUMNS if getattr(self, name)]

    def _limit(self) -> float | None:
        """Minutes of training, which a large table has too."""
        from tfp_flows.kinds.tables.frames import number_of_rows

        if self.minutes is not None or number_of_rows(self) <= _MANY_ROWS:
            return self.minutes
        note(
            f"the table has more than {_MANY_ROWS:,} rows, so training ends after {_MINUTES:g} "
            "minutes; --minutes sets another limit."
        )
        return _MINUTES

    @property
    def event(self) -> str:
        """Kind of event of the flow, as in the catalogue."""
        return "vector" if self.flow in OWN_FLOWS else super().event

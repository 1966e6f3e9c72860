"""Whether the model of a run is right, by rows that it has not seen."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path, check_folder
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.options import OUTPUT, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note, result_console

if TYPE_CHECKING:
    import pandas as pd

_JSON, _PICTURE = "check.json", "check.png"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """Options of `check`."""

    data: str | None = option(
        None,
        metavar="FILE",
        help="Rows that the fit has not seen, instead of its own held-out ones.",
    )
    output: Path | None = option(
        None,
        **OUTPUT,
        shown="the folder of the run",
        help=f"Folder for {_JSON} and {_PICTURE}, or a .json file alone.",
    )
    header: bool | None = again(TableSettings, "header")
    seed: int = again(TableSettings, "seed")


def subject(run: Run) -> Any:
    """The model of a run, as `tfp_flows.tables.check` takes it."""
    model = run.model
    if hasattr(model, "schema"):
        return model
    from tfp_flows.tables.vectors import Vectors

    return Vectors(model, [str(name) for name in run.metrics["data"]["columns"]])


def parts(run: Run, data: str | None, header: bool | None) -> "tuple[Any, Any | None]":
    """Held-out rows, of a file if there is one, and training rows, as data frames."""
    schema = getattr(run.model, "schema", None)
    names = [str(n) for n in run.metrics["data"]["columns"]] if schema is None else schema.names
    if data is None:
        of_run = run.source().parts
        return _frame(of_run.test, names), _frame(of_run.train, names)
    from tfp_flows import datasets

    read = datasets.load_matching_frame if hasattr(run.model, "schema") else datasets.load_matching
    table = read(data, names, named=run.metrics["data"]["named"], header=header)
    for remark in table.remarks:
        note(remark)
    try:
        train = _frame(run.source().parts.train, names)
    except InputError as error:
        note(f"copies and overfit are not looked for. {error}")
        train = None
    return _frame(getattr(table, "data", getattr(table, "values", None)), names), train


def check(run: Run, options: CheckOptions) -> list[Path]:
    """Judge a fitted flow by rows that it has not seen: what is wrong, in words and pictures.

    As many samples as held-out rows, 2,000 at most, are compared with them: each column, each two,
    whole rows (a classifier, distances along directions), dense regions, copies of training rows.
    """
    folder, record = _places(run.path if options.output is None else options.output)
    held_out, train = parts(run, options.data, options.header)
    from tfp_flows.tables import checking

    verdict = checking.check(subject(run), held_out, train, seed=options.seed)
    _tell(verdict)
    with atomic_path(record) as temporary:
        temporary.write_text(json.dumps(verdict.to_dict(), indent=2) + "\n")
    if folder is None:
        return [record]
    from tfp_flows import plotting

    title = f"{run.settings.flow} on {Path(run.settings.data).name}"
    figure = plotting.plot_check(verdict, title=title)
    return [record, plotting.save_figure(figure, folder / _PICTURE)]


def _places(output: Path) -> tuple[Path | None, Path]:
    """The folder of picture and record, or None and a file."""
    if output.suffix == ".json":
        check_folder(output)
        return None, output
    if output.suffix or output.is_file():
        raise InputError(f"--output is {output}; give a folder, or a file that ends in .json.")
    check_folder(output)
    output.mkdir(exist_ok=True)
    return output, output / _JSON


def _tell(verdict) -> None:
    from rich.table import Table

    console = result_console()
    table = Table(box=None, pad_edge=False)
    for name in ("check", "found", "right up to", ""):
        table.add_column(name, justify="right" if name == "found" else "left")
    for line in verdict.lines():
        table.add_row(*line)
    console.print(table)
    console.print(str(verdict), markup=False)


def _frame(values, names: list[str]) -> "pd.DataFrame":
    import pandas as pd

    return values if isinstance(values, pd.DataFrame) else pd.DataFrame(values, columns=names)


CHECK = Verb(check, CheckOptions, "tfp-flows check run")

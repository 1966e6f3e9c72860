"""Whether the model of a run is right, by rows that it has not seen."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path, check_folder
from tfp_flows.kinds.tables.groups import BY, MISSING, Groups
from tfp_flows.kinds.tables.settings import TableSettings
from tfp_flows.options import OUTPUT, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note, result_console

if TYPE_CHECKING:
    import pandas as pd

_JSON, _PICTURE, _BY_JSON = "check.json", "check.png", "check_by.json"


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
    by: str | None = option(
        None,
        **BY,
        help=f"Column whose values are judged one by one, given them; writes {_BY_JSON}.",
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


def parts(
    run: Run, data: str | None, header: bool | None, seed: int = 0
) -> "tuple[Any, Any | None]":
    """Held-out rows, of a file if there is one, and training rows, as data frames.

    Of a fit with weights they are those that stand for all by their weights (`weighing`).
    """
    schema = getattr(run.model, "schema", None)
    names = [str(n) for n in run.metrics["data"]["columns"]] if schema is None else schema.names
    if data is None:
        source = run.source()
        return _of_run(source, "test", names, seed), _of_run(source, "train", names, seed)
    held_out = _of_file(run, data, names, header, seed)
    try:
        train = _of_run(run.source(), "train", names, seed)
    except InputError as error:
        note(f"copies and overfit are not looked for. {error}")
        train = None
    return held_out, train


def _of_file(run: Run, data: str, names: list[str], header: bool | None, seed: int):
    """The columns of a model in a file, by the weights there of a fit that has some."""
    from tfp_flows import datasets
    from tfp_flows.tables.weighing import checked_weights

    named = run.metrics["data"]["named"]
    if not hasattr(run.model, "schema"):
        table = datasets.load_matching(data, names, named=named, header=header)
        for remark in table.remarks:
            note(remark)
        return _frame(table.values, names)
    column = run.settings.weights
    beside = [column] if column else []
    table = datasets.load_matching_frame(
        data, [*names, *beside], named=named, header=header, optional=beside
    )
    for remark in table.remarks:
        note(remark)
    if not column:
        return table.data
    frame = table.data[names]
    if column not in table.data:
        note(f"{data} has no column {column!r} of weights, so all its rows count alike.")
        return frame
    of = f"column {column!r} of {data}"
    weights = checked_weights(table.data[column].to_numpy(), len(frame), of=of, rows=table.rows)
    return _weighed(frame, weights, "held-out", seed)


def _of_run(source, part: str, names: list[str], seed: int) -> "pd.DataFrame":
    frame = _frame(getattr(source.parts, part), names)
    if source.weights is None:
        return frame
    what = {"test": "held-out", "train": "training"}[part]
    return _weighed(frame, getattr(source.weights, part), what, seed)


def _weighed(frame: "pd.DataFrame", weights, what: str, seed: int) -> "pd.DataFrame":
    """The rows that stand for all by their weights."""
    from tfp_flows.tables.weighing import by_weight

    kept = by_weight(weights, seed)
    note(
        f"{len(kept):,} of {len(frame):,} {what} rows are compared: each is kept with the "
        "probability of its weight over the largest."
    )
    return frame.iloc[kept]


def check(run: Run, options: CheckOptions) -> list[Path]:
    """Judge a fitted flow by rows that it has not seen: what is wrong, in words and pictures.

    As many samples as held-out rows, 2,000 at most, are compared with them: each column, each two,
    whole rows (a classifier, distances along directions), dense regions, copies of training rows.
    With --by samples given each value are compared with its rows; 5 % of right groups are blamed.
    """
    name = _JSON if options.by is None else _BY_JSON
    folder, record = _places(run.path if options.output is None else options.output, name)
    if options.by is not None:
        _refuse_by(run, options.by)
    held_out, train = parts(run, options.data, options.header, options.seed)
    from tfp_flows.tables import checking

    if options.by is not None:
        found = _by_groups(run.model, options.by, held_out, train, options.seed)
        _write(record, {"by": options.by, "groups": found})
        return [record]
    verdict = checking.check(subject(run), held_out, train, seed=options.seed)
    _tell(verdict)
    _write(record, verdict.to_dict())
    if folder is None:
        return [record]
    from tfp_flows import plotting

    title = f"{run.settings.flow} on {Path(run.settings.data).name}"
    figure = plotting.plot_check(verdict, title=title)
    return [record, plotting.save_figure(figure, folder / _PICTURE)]


def _refuse_by(run: Run, by: str) -> None:
    """Raises an `InputError` if the model cannot be given a column."""
    schema = getattr(run.model, "schema", None)
    if schema is None:
        raise InputError(
            f"--by is of --flow columns alone, which can be given any column; the run in {run.path}"
            f" is of {run.settings.flow}."
        )
    column = schema.column(by)
    if not column.modelled:
        raise InputError(f"--by is {by}, which is not in the model: {column.reason}.")


def _by_groups(model, by: str, held_out, train, seed: int) -> dict[str, Any]:
    """Judges the rows of each value given it; tells and returns what was found."""
    from tfp_flows.tables.checking import check
    from tfp_flows.tables.checking.subject import FEWEST

    found, console = {}, result_console()
    groups = Groups.of(held_out[by], by)
    for code, value in enumerate(groups.values):
        rows = held_out[groups.codes == code]
        if value == MISSING or len(rows) < FEWEST:
            note(f"{len(rows):,} held-out rows of {by} {value} are left out: too few, or without.")
            continue
        seen = None if train is None else train[train[by] == value]
        verdict = check(model, rows, seen, seed=seed, given=[by])
        found[str(value)] = verdict.to_dict()
        console.print(f"\n{by} {value}, {len(rows):,} held-out rows", markup=False)
        console.print(str(verdict), markup=False)
    if not found:
        raise InputError(f"No value of {by} has {FEWEST} held-out rows; give more by --data.")
    return found


def _write(path: Path, values: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n")


def _places(output: Path, name: str) -> tuple[Path | None, Path]:
    """The folder of picture and record, or None and a file."""
    if output.suffix == ".json":
        check_folder(output)
        return None, output
    if output.suffix or output.is_file():
        raise InputError(f"--output is {output}; give a folder, or a file that ends in .json.")
    check_folder(output)
    output.mkdir(exist_ok=True)
    return output, output / name


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

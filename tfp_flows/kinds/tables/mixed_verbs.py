"""What a model of mixed columns is for: samples given any columns, scores, filled gaps."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows import conformal, datasets
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import groups
from tfp_flows.kinds.tables.groups import Groups
from tfp_flows.kinds.tables.held_out_rows import held_out_log_prob, verdicts
from tfp_flows.runs.opened import Run
from tfp_flows.tables.columns import as_python
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd


def sample(run: Run, options) -> None:
    """Writes samples, given the columns of a file if there is one."""
    model = run.model
    given, count = None, options.count
    if options.given is not None and "=" in options.given and not Path(options.given).exists():
        from tfp_flows.tables import parse_given

        given = parse_given(model.schema, options.given)
        count = 1000 if count is None else count
    elif options.given is not None:
        read = _read(run, options.given, optional=True)
        given = read.data
        if not len(given.columns):
            raise InputError(f"{options.given} has no column of the model.")
    elif model.given:
        raise InputError(
            f"The model is of rows given {', '.join(map(repr, model.given))}; give a file with "
            "these columns by --given."
        )
    if count is None:
        count = 1000 if given is None else len(given)
    datasets.save_frame(options.output, model.sample(count, given, seed=options.seed))


def score(run: Run, options, found: Groups | None = None) -> None:
    """Writes log-densities of rows, of what is there of each, and tells them by groups."""
    import pandas as pd

    if options.false_alarms is not None:
        conformal.needed_for(options.false_alarms)
    model, read = run.model, _read(run, options.data, options.key, options.header)
    frame, numbers = _kept(read, options.drop_invalid)
    terms = model.parts(frame)
    scores = terms.sum(axis=1)
    say_impossible(model, frame)
    columns: dict[str, Any] = {"row": numbers} if options.drop_invalid else {}
    columns["log_prob"] = scores
    judged = options.p_values or options.false_alarms is not None
    if options.normal is not None and not judged:
        raise InputError("--normal is for --p-values and --false-alarms; give one of them.")
    if judged:
        held_out = held_out_log_prob(run)
        if options.normal is not None:
            more, _ = _kept(
                _read(run, options.normal, options.key, options.header), options.drop_invalid
            )
            held_out = np.concatenate([held_out, model.log_prob(more)])
        columns |= verdicts(scores, held_out, options.false_alarms)
    if options.explain is not None:
        about = columns.get("alarm", np.ones(len(scores))) > 0
        usual = np.array([run.metrics["columns"][name] for name in model.own], np.float64)
        drops = np.where(about[:, None], usual - terms, np.nan)
        columns["against"] = [
            _against(model.own, row, options.explain) if flagged else ""
            for row, flagged in zip(drops, about, strict=True)
        ]
        columns |= {f"drop {name}": drops[:, j] for j, name in enumerate(model.own)}
    datasets.save_frame(options.output, pd.DataFrame(columns))
    groups.tell(found, scores, numbers)


def impute(run: Run, options) -> None:
    """Writes a table with its gaps filled."""
    import pandas as pd

    model, read = run.model, _read(run, options.data, options.key, options.header)
    frame = read.data
    gaps = int(frame.isna().to_numpy().sum())
    if not gaps:
        note(f"{options.data} has no gaps in the columns of the model.")
    filled = [model.impute(frame, seed=options.seed + k) for k in range(options.count)]
    if options.count > 1:
        for k, table in enumerate(filled):
            table.insert(0, "draw", k + 1)
            table.insert(1, "row", read.rows)
    note(f"{gaps:,} empty cells of {frame.size:,} are filled, {options.count} times.")
    datasets.save_frame(options.output, pd.concat(filled, ignore_index=True))


def shown(run: Run, path: str, header: bool | None) -> "pd.DataFrame":
    """Rows of a file to draw instead of those of the fit."""
    return _read(run, path, header=header).data


def say_impossible(model, frame) -> None:
    """Notes how many rows hold a value that cannot be one of its column."""
    impossible = model.schema.encode(frame, model.own).impossible
    if impossible.any():
        row, place = np.argwhere(impossible)[0]
        name = model.own[place]
        column, value = model.schema.column(name), as_python(frame[name].iloc[row])
        note(
            f"Rows with values that cannot be ones of their columns get a log-density of -inf, "
            f"{int(impossible.any(axis=1).sum()):,} in all; the first: row {row + 1}, column "
            f"{name!r}, {value!r}{column.suggestion([value])}."
        )


def _read(run: Run, path, key=None, header=None, optional=False) -> datasets.Frame:
    schema = run.model.schema
    names = [column.name for column in schema.columns if column.modelled]
    read = datasets.load_matching_frame(
        path,
        names,
        named=run.metrics["data"]["named"],
        key=key,
        header=header,
        optional=names if optional else (),
    )
    for remark in read.remarks:
        note(remark)
    return read


def _kept(read: datasets.Frame, drop: bool) -> tuple["pd.DataFrame", np.ndarray]:
    if not drop:
        return read.data, read.rows
    whole = read.data.notna().all(axis=1).to_numpy()
    if not whole.all():
        note(f"{(~whole).sum():,} rows with empty cells were dropped.")
    return read.data[whole].reset_index(drop=True), read.rows[whole]


def _against(names, drops, count: int) -> str:
    worst = np.argsort(-drops, kind="stable")[:count]
    return ", ".join(f"{names[j]} {drops[j]:+.1f}" for j in worst if drops[j] > 0)

"""What a model of mixed columns is for: samples given any columns, filled gaps."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import datasets
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.sampling import write_samples
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd

# Samples drawn at a time; those of more blocks are the same whichever is drawn when.
_BLOCK = 100_000
_NAMED = 5


def sample(run: Run, options) -> None:
    """Writes samples, given the columns of a file if there is one."""
    import pandas as pd

    model = run.model
    given, count = None, options.count
    if options.given is not None and "=" in options.given and not Path(options.given).exists():
        from tfp_flows.tables import parse_given

        given = parse_given(model.schema, options.given)
        count = 1000 if count is None else count
    elif options.given is not None:
        read = _read(run, options.given, optional=True)
        given = read.data
        model.refuse_impossible(given)
    elif model.given:
        raise InputError(
            f"The model is of rows given {', '.join(map(repr, model.given))}; give a file with "
            "these columns by --given."
        )
    if count is None:
        count = 1000 if given is None else len(given)

    def drawn(start: int, stop: int) -> "pd.DataFrame":
        some = given
        if isinstance(given, pd.DataFrame):
            some = given.iloc[np.arange(start, stop) % len(given)]
        return model.sample(stop - start, some, seed=_seed(options.seed, start))

    write_samples(run, options, count, _BLOCK, drawn)


def _seed(seed: int, start: int) -> int:
    """The seed of a block of samples: that of the options for the first."""
    return int(np.random.SeedSequence([seed, start]).generate_state(1)[0]) if start else seed


def impute(run: Run, options) -> None:
    """Writes a table with its gaps filled."""
    import pandas as pd

    model, read = run.model, _read(run, options.data, options.key, options.header)
    frame = read.data
    cells = frame[[name for name in model.schema.names if name in frame]]
    gaps = int(cells.isna().to_numpy().sum())
    if not gaps:
        note(f"{options.data} has no gaps in the columns of the model.")
    filled = [model.impute(frame, seed=options.seed + k) for k in range(options.count)]
    if options.count > 1:
        for k, table in enumerate(filled):
            table.insert(0, "draw", k + 1)
            table.insert(1, "row", read.rows)
    note(f"{gaps:,} empty cells of {cells.size:,} are filled, {options.count} times.")
    datasets.save_frame(options.output, pd.concat(filled, ignore_index=True))


def shown(run: Run, path: str, header: bool | None) -> "pd.DataFrame":
    """Rows of a file to draw instead of those of the fit."""
    return _read(run, path, header=header).data


def _read(run: Run, path, key=None, header=None, optional=False) -> datasets.Frame:
    schema = run.model.schema
    names = [column.name for column in schema.columns if column.modelled]
    constants = [column.name for column in schema.columns if column.type == "constant"]
    read = datasets.load_matching_frame(
        path,
        names,
        named=run.metrics["data"]["named"],
        key=key,
        header=header,
        optional=names if optional else (),
        beside=constants,
    )
    for remark in read.remarks:
        note(remark)
    if read.ignored:
        note(_ignored(path, read.ignored, [column.name for column in schema.columns]))
    return read


def _ignored(path, ignored: tuple[str, ...], known: list[str]) -> str:
    """What is said of columns of a file that the model does not have."""
    near = {name: difflib.get_close_matches(name, known, n=1) for name in ignored[:_NAMED]}
    shown = ", ".join(
        f"{name!r} (did you mean {found[0]!r}?)" if found and found[0] != name else repr(name)
        for name, found in near.items()
    )
    rest = f" and {len(ignored) - _NAMED:,} more" if len(ignored) > _NAMED else ""
    return f"Columns of {path} that the model does not have are ignored: {shown}{rest}."

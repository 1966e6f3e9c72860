"""The question in which columns another table differs from that of a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.check_verb import parts
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd


def compared(run: Run, other: str, seed: int) -> "tuple[str, pd.DataFrame]":
    """A title, and how the columns of a file differ from held-out rows, as the model sees them.

    Raises:
        InputError: If the run is not one of --flow columns, or the file cannot be read.
    """
    if not hasattr(run.model, "schema"):
        raise InputError(
            "--compare is of --flow columns alone, which knows each column given the others; the "
            f"run in {run.path} is of {run.settings.flow}."
        )
    from tfp_flows.tables import compare_tables

    theirs, _ = parts(run, other, None, seed)
    ours, _ = parts(run, None, None, seed)
    found = compare_tables(run.model, ours, theirs)
    shorter = {"left out first": "left out", "left out second": "left out there"}
    # As many digits as fit a terminal.
    found = found.rename(columns=shorter).round(3)
    note(
        f"{len(ours):,} held-out rows are compared with {len(theirs):,} of {other}. Differences "
        "are of mean log-densities in nats, negative where the model finds those rows less likely; "
        "'score --explain 3' names the rows."
    )
    names = list(found.index[found["differs"]])
    told = ", ".join(names) if names else "none"
    return f"Columns that differ from {Path(other).name}: {told}", found.reset_index()

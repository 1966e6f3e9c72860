"""Samples and filled gaps of flows of numbers, given any columns: exactly, or by chains."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import datasets
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.ask_vectors import draws_given, places_of, schema_of
from tfp_flows.kinds.tables.sampling import write_samples
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 100_000
# Chains take some ten seconds for each row that is given.
_MOST = 50


class Rows:
    """Draws of the columns that rows lack.

    Args:
        flow: A flow of vectors.
        names: Of its columns.
        frame: Rows of any of these, gaps as not numbers.

    Raises:
        InputError: If chains would have to run for more than 50 different rows.
    """

    def __init__(self, flow, names: list[str], frame: "pd.DataFrame"):
        from tfp_flows.tables.conditioning import draws_exactly

        self._flow, self._names = flow, names
        values = frame.reindex(columns=names).to_numpy(np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        self._rows, self._codes = np.unique(values, axis=0, return_inverse=True)
        self._codes = self._codes.ravel()
        self._effective, known = [], ~np.isnan(self._rows)
        by_chains = 0
        for pattern in np.unique(known, axis=0):
            same = np.flatnonzero((known == pattern).all(axis=1))
            if 0 < pattern.sum() < len(names):
                first = places_of(names, self._given(self._rows[same[0]]))
                by_chains += 0 if draws_exactly(flow, first) else len(same)
        if by_chains > _MOST:
            raise InputError(
                f"{by_chains:,} different rows are given, and {flow.name} draws the other columns "
                f"of each by Markov chains of its own, which take some ten seconds; give {_MOST} "
                "at most, or fit with --flow columns, which draws given any columns at once."
            )

    def rows(self, places: np.ndarray, seed: int) -> "pd.DataFrame":
        """The rows of these places ``[n]``, their gaps filled by draws."""
        import pandas as pd

        values = np.empty([len(places), len(self._names)])
        codes = self._codes[places]
        for code in np.unique(codes):
            row, mine = self._rows[code], codes == code
            given = self._given(row)
            if len(given) == len(row):
                values[mine] = row
                continue
            own = _seed(seed, int(code))
            found = draws_given(self._flow, self._names, given, own, int(mine.sum()), quiet=True)
            values[mine] = found.frame.to_numpy()
            if found.by_chains:
                self._effective.append(found.effective)
        return pd.DataFrame(values, columns=self._names)

    def tell(self) -> None:
        """Notes what stands behind draws of chains."""
        if self._effective:
            note(
                f"the draws of {len(self._effective):,} rows are of Markov chains, which have an "
                f"effective number of {min(self._effective):,.0f} or more each."
            )

    def _given(self, row: np.ndarray) -> dict[str, float]:
        return {n: float(v) for n, v in zip(self._names, row, strict=True) if not np.isnan(v)}


def sample_given(run: Run, options) -> None:
    """Writes samples given one value each of some columns, or the rows of a file.

    Raises:
        InputError: If they cannot be read, or draws given them cannot be had.
    """
    flow, names = run.model.flow, _names(run)
    if "=" in options.given and not Path(options.given).exists():
        from tfp_flows.tables import parse_given

        given = parse_given(schema_of(names), options.given)
        if len(given) == len(names):
            raise InputError("All columns are given, and none is left to be drawn; leave one out.")
        count = 1000 if options.count is None else options.count

        def drawn(start: int, stop: int) -> "pd.DataFrame":
            own = _seed(options.seed, start)
            return draws_given(flow, names, given, own, stop - start).frame

        write_samples(run, options, count, _BLOCK, drawn)
        return
    frame = _read(run, options.given, optional=names)
    if not len(frame.columns):
        raise InputError(f"{options.given} has no column of the model.")
    wanted = Rows(flow, names, frame)
    count = len(frame) if options.count is None else options.count

    def filled(start: int, stop: int) -> "pd.DataFrame":
        return wanted.rows(np.arange(start, stop) % len(frame), _seed(options.seed, start))

    write_samples(run, options, count, _BLOCK, filled)
    wanted.tell()


def impute(run: Run, options) -> None:
    """Writes a table with its gaps filled.

    Raises:
        InputError: As `sample_given`.
    """
    import pandas as pd

    names = _names(run)
    frame = _read(run, options.data, key=options.key, header=options.header)
    gaps = int((~np.isfinite(frame.to_numpy(np.float64))).sum())
    if not gaps:
        note(f"{options.data} has no gaps in the columns of the model.")
    wanted, tables = Rows(run.model.flow, names, frame), []
    for k in range(options.count):
        tables.append(wanted.rows(np.arange(len(frame)), options.seed + k))
        if options.count > 1:
            tables[-1].insert(0, "draw", k + 1)
            tables[-1].insert(1, "row", np.arange(1, len(frame) + 1))
    wanted.tell()
    note(f"{gaps:,} empty cells of {frame.size:,} are filled, {options.count} times.")
    datasets.save_frame(options.output, pd.concat(tables, ignore_index=True))


def _names(run: Run) -> list[str]:
    return [str(name) for name in run.metrics["data"]["columns"]]


def _seed(seed: int, part: int) -> int:
    """The seed of a part of the draws."""
    return int(np.random.SeedSequence([seed, part]).generate_state(1)[0] >> 1)


def _read(run: Run, path, optional=(), **more) -> "pd.DataFrame":
    """The columns of the model in a file, of numbers and gaps.

    Raises:
        InputError: If one holds something else.
    """
    read = datasets.load_matching_frame(
        path, _names(run), named=run.metrics["data"]["named"], optional=optional, **more
    )
    for remark in read.remarks:
        note(remark)
    for name in read.data.columns:
        if read.data[name].dtype.kind not in "iuf":
            first = read.data[name].dropna().iloc[0]
            raise InputError(f"Column {name!r} of {path} holds {str(first)!r}; give numbers.")
    return read.data

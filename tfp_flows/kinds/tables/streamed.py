"""Tables that are not read whole: one pass over them, and epochs of bounded length."""

import functools
import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tfp_flows.datasets import Splits
from tfp_flows.datasets._mixed import frame_of
from tfp_flows.datasets.row_hashes import Bounds, Smallest, row_hashes
from tfp_flows.datasets.tables import checked_table
from tfp_flows.datasets.units import Unit, Units, size_in_memory
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables.extremes import Extremes
from tfp_flows.terminal import note

if TYPE_CHECKING:
    from tfp_flows.kinds.tables.settings import TableSettings

WHOLE_BYTES = 2**29
"""Tables whose cells take more are streamed."""
SAMPLE_ROWS, HELD_ROWS, HELD_MIXED = 100_000, 50_000, 20_000
EPOCH_ROWS = 500_000
_AT_ONCE = 4
# Into so many epochs a unit is cut at most: rows before a cut are read in vain.
_CUTS = 4
_WHOLE_ALONE = ("by", "weights", "key")


def is_large(settings: "TableSettings") -> bool:
    """Whether the table of a fit is to be streamed, unless that is decided."""
    if any(getattr(settings, name) for name in _WHOLE_ALONE):
        return False
    size = size_in_memory(settings.data, settings.columns)
    if size is None or size <= WHOLE_BYTES:
        return False
    note(
        f"the cells of {settings.data} take about {size / 1e9:.1f} GB and are streamed; "
        "--no-stream reads all of them at once."
    )
    return True


class Scan(NamedTuple):
    """What one pass over a table has found.

    Attributes:
        units: How the table is cut, with the number of rows of each unit.
        source: Gives the rows of a unit.
        rows: Number of rows that are kept.
        dropped: Number of those that are left out, as not finite.
        total: Sum of the hashes of all rows, which does not depend on their order.
        ranges: Least and greatest number of each column; of mixed tables, None.
        bounds: Which hashes are for what.
        parts: Sample of training rows, validation rows and test rows: arrays, or frames.
        judged: Rows by which types of mixed columns are inferred, the sample and those beyond it.
    """

    units: list[tuple[Unit, int]]
    source: Units
    rows: int
    dropped: int
    total: int
    ranges: np.ndarray | None
    bounds: Bounds
    parts: Splits
    judged: Any

    @property
    def training_rows(self) -> int:
        """About how many rows are for training."""
        return self.rows - len(self.parts.validation) - len(self.parts.test)

    def digest(self) -> str:
        """A fingerprint of names and rows, whatever their order."""
        text = "\n".join(self.source.wanted.names)
        return hashlib.sha256(f"{text}\n{self.rows}\n{self.total}".encode()).hexdigest()


def scan(settings: "TableSettings", *, mixed: bool) -> Scan:
    """One pass over a table, remembered for the settings.

    Raises:
        InputError: As `Units`; if a cell is not finite, unless such rows are dropped.
    """
    for name in _WHOLE_ALONE:
        if getattr(settings, name):
            raise InputError(
                f"--{name} is for tables that are read whole; leave it or --stream out."
            )
    stamps = tuple((p.stat().st_size, p.stat().st_mtime_ns) for p in _files(Path(settings.data)))
    columns = None if settings.columns is None else tuple(settings.columns)
    return _scan(
        settings.data, columns, settings.header, settings.drop_invalid, settings.seed, mixed, stamps
    )


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


@functools.lru_cache(maxsize=1)
def _scan(data, columns, header, drop_invalid, seed, mixed, stamps) -> Scan:
    del stamps
    source = Units(data, columns, header=header, mixed=mixed)
    held = HELD_MIXED if mixed else HELD_ROWS
    # So many more than are needed that chance does not matter.
    smallest = Smallest(int(1.05 * (2 * held + SAMPLE_ROWS)) + 1000)
    units: dict[Unit, int] = {}
    total, dropped, ranges, extremes = 0, 0, None, Extremes()
    for unit, raw in source.scan():
        rows, gone = rows_of(unit.path, raw, drop_invalid, mixed)
        hashes = hashes_of(rows, seed)
        units[unit] = units.get(unit, 0) + len(hashes)
        total, dropped = (total + int(hashes.sum(dtype=np.uint64))) % 2**64, dropped + gone
        if len(hashes):
            smallest.add(hashes, rows)
        if mixed:
            extremes.add(rows)
        elif len(rows):
            own = np.stack([rows.min(axis=0), rows.max(axis=0)])
            both = own if ranges is None else np.stack([ranges, own])
            ranges = own if ranges is None else np.stack([both[:, 0].min(0), both[:, 1].max(0)])
    count = sum(units.values())
    if not count:
        raise InputError(f"{data} holds no row without empty, NaN or infinite cells.")
    bounds = Bounds.of(count, held, SAMPLE_ROWS)
    hashes, kept = smallest.rows()
    taken = [
        kept[p] if isinstance(kept, np.ndarray) else kept.iloc[p] for p in bounds.parts(hashes)
    ]
    if min(map(len, taken)) < 5:
        raise InputError(
            f"{data} has {count:,} rows, too few, or too many alike, to be streamed; give "
            "--no-stream."
        )
    found = [(unit, rows) for unit, rows in units.items() if rows]
    parts, judged = Splits(*taken), extremes.beside(taken[0]) if mixed else None
    return Scan(found, source, count, dropped, total, ranges, bounds, parts, judged)


def rows_of(path: Path, raw, drop_invalid: bool, mixed: bool) -> tuple[Any, int]:
    """The rows of a block as an array, or a frame, and how many were left out."""
    if not mixed:
        table = checked_table(path, raw, drop_invalid, block=True)
        return table.values.astype(np.float64, copy=False), table.dropped
    frame = frame_of(path, raw.names, raw.columns)
    if not drop_invalid:
        return frame, 0
    whole = frame.replace([np.inf, -np.inf], np.nan).notna().all(axis=1)
    return frame[whole.to_numpy()], int((~whole).sum())


def hashes_of(rows, seed: int) -> np.ndarray:
    """The hashes of the rows of a block."""
    if isinstance(rows, np.ndarray):
        return row_hashes(list(rows.T), seed)
    return row_hashes([rows[name].to_numpy() for name in rows.columns], seed)


class Share(NamedTuple):
    """Rows of a unit that are read in an epoch.

    Attributes:
        unit: The unit.
        start: The first of its rows, counted from 0.
        stop: The one behind the last.
    """

    unit: Unit
    start: int
    stop: int


class Epochs:
    """The training rows of a table, epoch by epoch.

    A pass over the units, in an order of its own, is cut into epochs of the same number of rows,
    about half a million where the units have no more than 2 million: the cuts go through units, so
    that each row has one place in a pass, however unequal the units are.

    Args:
        found: What the first pass has found.
        settings: Those of the fit.
        arrays: From rows, an array or a frame, to the arrays that are trained on.
    """

    def __init__(self, found: Scan, settings: "TableSettings", arrays):
        self._found, self._settings, self._arrays = found, settings, arrays
        most = _CUTS * len(found.units)
        self.passes = max(1, min(most, round(found.training_rows / EPOCH_ROWS)))

    def feed(self, batch_size: int, *, single: bool):
        """A `StreamedFeed` of them."""
        from tfp_flows.models.streamed_feed import StreamedFeed

        like = self._arrays(self._found.parts.train[:1])
        batches = max(1, self._found.training_rows // self.passes // batch_size)
        seed = self._settings.seed
        digest = self._found.digest()
        return StreamedFeed(
            self.blocks, like, batches, batch_size, seed=seed, single=single, digest=digest
        )

    def blocks(self, epoch: int, generator: np.random.Generator) -> Iterator[tuple]:
        """Blocks of an epoch, and then, without end, those of all epochs of its pass."""
        number, place = divmod(epoch, self.passes)
        shares = self._shares(number)
        others = np.delete(np.arange(self.passes), place)
        while True:
            for k in (place, *generator.permutation(others)):
                yield from self._interleaved(shares[k])

    def _shares(self, number: int) -> list[list[Share]]:
        """What the epochs of a pass read."""
        units = self._found.units
        order = np.random.default_rng([self._settings.seed, number, 2]).permutation(len(units))
        ends = np.cumsum([units[k][1] for k in order])
        begins = np.concatenate([[0], ends[:-1]])
        shares = []
        for place in range(self.passes):
            low, high = (int(ends[-1]) * k // self.passes for k in (place, place + 1))
            own = range(np.searchsorted(ends, low, "right"), np.searchsorted(begins, high))
            starts, stops = np.maximum(low - begins, 0), np.minimum(high, ends) - begins
            shares.append([Share(units[order[k]][0], int(starts[k]), int(stops[k])) for k in own])
        return shares

    def _interleaved(self, shares: list[Share]) -> Iterator[tuple]:
        """The blocks of several units in turn, so that neighbours in a file do not follow."""
        waiting, opened = list(reversed(shares)), []
        while waiting or opened:
            while waiting and len(opened) < _AT_ONCE:
                opened.append(self._read(waiting.pop()))
            blocks = opened.pop(0)
            block = next(blocks, None)
            if block is None:
                continue
            opened.append(blocks)
            if len(block[0]):
                yield block

    def _read(self, share: Share) -> Iterator[tuple]:
        """The training rows of a share, block by block."""
        settings, path, first = self._settings, share.unit.path, 0
        mixed = not isinstance(self._found.parts.train, np.ndarray)
        for raw in self._found.source.read(share.unit):
            rows, _ = rows_of(path, raw, settings.drop_invalid, mixed)
            places = np.arange(first, first + len(rows))
            first += len(rows)
            if first <= share.start:
                continue
            # Those of a whole block: rows that are alike count on within it.
            keep = self._found.bounds.train(hashes_of(rows, settings.seed))
            yield self._arrays(rows[keep & (places >= share.start) & (places < share.stop)])
            if first >= share.stop:
                return

    def in_words(self) -> str:
        """What a report says of them."""
        found = self._found
        about = f"; {self.passes} epochs make a pass" if self.passes > 1 else ""
        size = math.ceil(found.training_rows / self.passes)
        files = len(found.source.parts)
        files = f"{files:,} files" if files > 1 else "one file"
        wide = "" if found.judged is None else ", and types are as wide as all numbers"
        return (
            f"The table was streamed: {found.rows:,} rows in {files}, "
            f"{size:,} training rows an epoch{about}. Rows, bounds and the fingerprint are of all "
            f"rows; types, location and spread are those of {len(found.parts.train):,} training "
            f"rows, drawn by a hash{wide}."
        )

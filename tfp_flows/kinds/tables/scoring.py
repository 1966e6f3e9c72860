"""Scores of rows block by block: of files and of folders of parts, in constant memory."""

import dataclasses
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows import conformal, datasets
from tfp_flows.datasets import blocks
from tfp_flows.datasets.appending import Numbers, Piece
from tfp_flows.datasets.part_folders import PartFolder, stamp_of
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import verbs
from tfp_flows.kinds.tables.groups import GroupMeans
from tfp_flows.kinds.tables.held_out_rows import Verdicts, explained, held_out_log_prob
from tfp_flows.kinds.tables.into_parts import (
    alone,
    fingerprint,
    is_folder,
    output_name,
    part_of,
    say_left_out,
)
from tfp_flows.runs.opened import Run
from tfp_flows.runs.ray_parts import side_by_side
from tfp_flows.tables.columns import as_python
from tfp_flows.terminal import note


class Scores:
    """What `score` writes of blocks of rows; subclasses know how a model scores one.

    Args:
        run: The run.
        options: Those of `score`.

    Attributes:
        wanted: Which columns are read.
        rows: Rows, until now, of the file that is scored.
        kept: Rows, of all files, that have scores.

    Raises:
        InputError: If options contradict each other, or held-out rows are too few.
    """

    mixed = False

    def __init__(self, run: Run, options):
        if options.false_alarms is not None:
            conformal.needed_for(options.false_alarms)
        judged = options.p_values or options.false_alarms is not None
        if options.normal is not None and not judged:
            raise InputError("--normal is for --p-values and --false-alarms; give one of them.")
        self.run, self.options, self.rows, self.kept = run, options, 0, 0
        self.wanted = self._wanted()
        self._dropped, self._judged, self._said = 0, judged, set()
        self._verdicts: Verdicts | None = None
        self._groups = None if options.by is None else GroupMeans(options.by)

    def pieces(self, path: Path, first: int = 0) -> Iterator[Piece]:
        """The scores of a file.

        Args:
            path: The file.
            first: Number of rows that were before it, for the column of their numbers.
        """
        if self._judged and self._verdicts is None:
            self._verdicts = Verdicts(self._held_out(), self.options.false_alarms)
        by = None
        if self._groups is not None:
            options = self.options
            by = blocks.chosen(path, [options.by], key=options.key, header=options.header)
        self.rows = 0
        for block in self._blocks(path):
            self._say(block.remarks)
            self.rows += len(block.rows) + getattr(block, "dropped", 0)
            scores, numbers, piece = self._scored(block, first)
            self.kept += len(scores)
            if self._groups is not None:
                # Both count the rows of the file from 1, and have the same blocks.
                some = next(by)
                series = some.data.iloc[numbers - first - some.rows[0], 0]
                self._groups.add(series, scores)
            yield piece

    def tell(self) -> None:
        """Says what was found over all blocks."""
        if self._dropped:
            what = "empty cells" if self.mixed else "empty, NaN or infinite cells"
            note(f"{self._dropped:,} rows with {what} were dropped.")
        if self._verdicts is not None:
            self._verdicts.tell()
        if self._groups is not None:
            self._groups.tell()

    def _held_out(self) -> np.ndarray:
        found = [held_out_log_prob(self.run)]
        if self.options.normal is not None:
            for block in self._blocks(Path(self.options.normal)):
                self._say(block.remarks)
                found.append(self._log_prob(block))
        return np.concatenate(found)

    def _columns(self, scores, numbers) -> dict[str, Any]:
        columns = {"row": numbers} if self.options.drop_invalid else {}
        columns["log_prob"] = scores
        if self._verdicts is not None:
            columns |= self._verdicts.columns(scores)
        return columns

    def _say(self, remarks) -> None:
        for remark in remarks:
            if remark not in self._said:
                note(remark)
                self._said.add(remark)

    def _about(self) -> dict[str, Any]:
        options = self.options
        named = self.run.metrics["data"]["named"]
        return {"named": named, "key": options.key, "header": options.header}


class PlainScores(Scores):
    """Scores of a flow of numbers."""

    def __init__(self, run: Run, options):
        super().__init__(run, options)
        self._density = None

    def _wanted(self):
        names = [str(name) for name in self.run.metrics["data"]["columns"]]
        return blocks.Wanted(tuple(names), **self._about())

    def _blocks(self, path):
        return blocks.tables(path, self.wanted, drop_invalid=self.options.drop_invalid)

    def _log_prob(self, table):
        from tfp_flows.models.evaluation import Density

        if self._density is None:
            self._density = Density(self.run.model.flow)
        return self._density(table.values)

    def _scored(self, table, first):
        self._dropped += table.dropped
        scores, labels, numbers = self._log_prob(table), None, table.rows + first
        columns = self._columns(scores, numbers)
        if self.options.explain is not None:
            about = columns.get("alarm", np.ones(len(scores))) > 0
            names, flow = list(self.wanted.names), self.run.model.flow
            labels, drops = explained(flow, table.values, about, names, self.options.explain)
            columns |= drops
            if self.options.output.suffix.lower() == ".npy":
                self._say([_NAMELESS.format(self.options.output)])
        values = np.column_stack(list(columns.values()))
        return scores, numbers, Numbers(values, list(columns), labels, "against")


# Options that decide nothing of what is in a part.
_NOT_IN_PARTS = ("data", "output", "by", "engine", "workers")
_NAMELESS = "{} holds no names; its last columns are the nats of each column."


class MixedScores(Scores):
    """Scores of a model of mixed columns."""

    mixed = True

    def __init__(self, run: Run, options):
        super().__init__(run, options)
        self._impossible, self._first = 0, ""

    def _wanted(self):
        schema = self.run.model.schema
        names = tuple(column.name for column in schema.columns if column.modelled)
        return blocks.Wanted(names, **self._about())

    def _blocks(self, path):
        return blocks.frames(path, self.wanted)

    def _kept(self, block):
        if not self.options.drop_invalid:
            return block.data, block.rows
        whole = block.data.notna().all(axis=1).to_numpy()
        return block.data[whole].reset_index(drop=True), block.rows[whole]

    def _log_prob(self, block):
        return self.run.model.log_prob(self._kept(block)[0])

    def _scored(self, block, first):
        import pandas as pd

        model, options = self.run.model, self.options
        frame, numbers = self._kept(block)
        self._dropped += len(block.data) - len(frame)
        terms = model.parts(frame)
        scores, numbers = terms.sum(axis=1), numbers + first
        self._look_at(frame, terms, numbers)
        columns = self._columns(scores, numbers)
        if options.explain is not None:
            about = columns.get("alarm", np.ones(len(scores))) > 0
            usual = np.array([self.run.metrics["columns"][n] for n in model.own], np.float64)
            drops = np.where(about[:, None], usual - terms, np.nan)
            columns["against"] = [
                _against(model.own, row, options.explain) if flagged else ""
                for row, flagged in zip(drops, about, strict=True)
            ]
            columns |= {f"drop {name}": drops[:, j] for j, name in enumerate(model.own)}
        return scores, numbers, pd.DataFrame(columns)

    def _look_at(self, frame, terms, numbers) -> None:
        """Counts rows with values that cannot be ones of their columns."""
        suspects = np.flatnonzero(np.isneginf(terms).any(axis=1))
        if not len(suspects):
            return
        model, some = self.run.model, frame.iloc[suspects]
        impossible = model.schema.encode(some, model.own).impossible
        self._impossible += int(impossible.any(axis=1).sum())
        if impossible.any() and not self._first:
            row, place = np.argwhere(impossible)[0]
            name = model.own[place]
            column, value = model.schema.column(name), as_python(some[name].iloc[row])
            self._first = (
                f"row {numbers[suspects[row]]}, column {name!r}, {value!r}"
                f"{column.suggestion([value])}"
            )

    def tell(self) -> None:
        """Says what was found over all blocks."""
        if self._impossible:
            note(
                "Rows with values that cannot be ones of their columns get a log-density of -inf, "
                f"{self._impossible:,} in all; the first: {self._first}."
            )
        super().tell()


def _against(names, drops, count: int) -> str:
    worst = np.argsort(-drops, kind="stable")[:count]
    return ", ".join(f"{names[j]} {drops[j]:+.1f}" for j in worst if drops[j] > 0)


def score(scores: Scores) -> None:
    """Writes the scores of a file, or of a folder of parts, into a file or a folder.

    Raises:
        InputError: As the readers and writers; if a part has other columns, or holds nothing.
    """
    options = scores.options
    parts = datasets.parts_of(options.data)
    if len(parts) > 1:
        blocks.check_parts(parts, scores.wanted, mixed=scores.mixed)
    if is_folder(options.output):
        _score_into(options.output, parts, scores)
        return
    rows = 0
    with datasets.appended(options.output) as append:
        for part in parts:
            for piece in _filled(scores.pieces(part, rows), part):
                append(piece)
            rows += scores.rows
        if not scores.kept and part_of(options) is None:
            raise InputError(
                f"Every row of {options.data} has empty, NaN or infinite cells; nothing is left."
            )
    scores.tell()


def _score_into(folder: Path, parts, scores: Scores) -> None:
    options = dataclasses.asdict(scores.options)
    options = {k: str(v) for k, v in options.items() if k not in _NOT_IN_PARTS}
    about = {"data": os.path.abspath(scores.options.data), "run": fingerprint(scores.run)}
    made = {output_name(part): part for part in parts}
    stamps = {name: stamp_of(part) for name, part in made.items()}
    with PartFolder(folder, {"verb": "score", **about, **options}).left(stamps) as left:
        say_left_out(len(made), len(left))
        if scores.options.engine is not None:
            each = {
                name: alone(scores.options, name, data=str(made[name]), output=folder / name)
                for name in left
            }
            side_by_side(verbs.score, scores.run, each, scores.options.workers)
            return
        for name in left:
            with datasets.appended(folder / name) as append:
                for piece in _filled(scores.pieces(made[name]), made[name]):
                    append(piece)
    scores.tell()


def _filled(pieces: Iterator[Piece], path: Path) -> Iterator[Piece]:
    first = next(pieces, None)
    if first is None:
        raise InputError(f"{path} holds no values; give a file with rows.")
    return itertools.chain([first], pieces)

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
from tfp_flows.kinds.tables.groups import GroupMeans, RowsOfGroups
from tfp_flows.kinds.tables.held_out_rows import Verdicts, explained, held_out_log_prob
from tfp_flows.kinds.tables.into_parts import (
    alone,
    fingerprint,
    is_folder,
    outputs,
    part_of,
    say_left_out,
    stamped,
)
from tfp_flows.runs.opened import Run
from tfp_flows.runs.ray_parts import side_by_side
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
        self._of = ""

    def pieces(self, path: Path, first: int = 0) -> Iterator[Piece]:
        """The scores of a file.

        Args:
            path: The file.
            first: Number of rows that were before it, for the column of their numbers.
        """
        if self._judged and self._verdicts is None:
            self._verdicts = Verdicts(self._held_out(), self.options.false_alarms)
        by, options = None, self.options
        if self._groups is not None:
            column = blocks.chosen(path, [options.by], key=options.key, header=options.header)
            by = RowsOfGroups(self._groups, column)
        self.rows = 0
        for block in self._blocks(path):
            self._say(block.remarks)
            self.rows += len(block.rows) + getattr(block, "dropped", 0)
            scores, numbers, piece = self._scored(block, first)
            self.kept += len(scores)
            if by is not None:
                by.add(numbers - first, scores)
            yield piece

    def left_out(self, count: int) -> None:
        """Notes that so many parts are there already, and are in no figure.

        Raises:
            InputError: If means over all parts are asked for.
        """
        if not count:
            return
        if self._groups is not None:
            raise InputError(
                f"--by tells means over all parts, and {count:,} of them are finished; choose "
                "another folder, or leave --by out."
            )
        self._of = " of the parts scored now"

    def tell(self) -> None:
        """Says what was found over all blocks."""
        if self._dropped:
            what = "empty cells" if self.mixed else "empty, NaN or infinite cells"
            note(f"{self._dropped:,} rows{self._of} with {what} were dropped.")
        if self._verdicts is not None:
            self._verdicts.tell(self._of)
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
        if self._density is None:
            from tfp_flows.models.evaluation import Density

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
    options["normal"] = stamped(scores.options.normal)
    about = {"data": os.path.abspath(scores.options.data), "run": fingerprint(scores.run)}
    made = outputs(parts)
    stamps = {name: stamp_of(part) for name, part in made.items()}
    with PartFolder(folder, {"verb": "score", **about, **options}).left(stamps) as left:
        say_left_out(len(made), len(left))
        scores.left_out(len(made) - len(left))
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

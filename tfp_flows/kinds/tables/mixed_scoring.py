"""Scores of rows of mixed columns, block by block."""

import numpy as np

from tfp_flows.datasets import blocks
from tfp_flows.kinds.tables.scoring import Scores
from tfp_flows.runs.opened import Run
from tfp_flows.tables.columns import as_python
from tfp_flows.terminal import note


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
        names = [*model.own, *model.given]
        impossible = model.schema.encode(some, names).impossible
        self._impossible += int(impossible.any(axis=1).sum())
        if impossible.any() and not self._first:
            row, place = np.argwhere(impossible)[0]
            name = names[place]
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
                f"{self._impossible:,}{self._of or ' in all'}; the first: {self._first}."
            )
        super().tell()


def _against(names, drops, count: int) -> str:
    worst = np.argsort(-drops, kind="stable")[:count]
    return ", ".join(f"{names[j]} {drops[j]:+.1f}" for j in worst if drops[j] > 0)

"""All checks of a model, one after the other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.tables.checking import densities, joint, marginals
from tfp_flows.tables.checking.dependence import dependence
from tfp_flows.tables.checking.flips import Flips
from tfp_flows.tables.checking.subject import FEWEST, Subject
from tfp_flows.tables.checking.verdict import ALPHA, Evidence, Verdict

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 2_000
# With fewer, faults are often not told from chance.
_ENOUGH = 200
# Checks that can be wrong by chance share the probability of a false alarm.
_SHARE = ALPHA / 9


def check(
    model: Any,
    held_out: "pd.DataFrame",
    train: "pd.DataFrame | None" = None,
    *,
    seed: int = 0,
    samples: "pd.DataFrame | None" = None,
    given: Sequence[str] = (),
) -> Verdict:
    """Judges a model of a table by rows that it has not seen, and by rows that it draws.

    As many samples as held-out rows, 2,000 at most, are compared with them: each column, each two
    columns, whole rows (a classifier, sliced Wasserstein distances), log-densities (coverage of the
    densest regions). Held-out cells are looked up in their distributions, alone and given those
    before them. With training rows, samples that are copies of them, and how much likelier they
    are, come beside. If the model is right, anything is found wrong in 5 % of the cases at most;
    differences that no model can avoid which has learned from a few thousand rows (`TOLERANCE` of
    `flips`) do not count.

    Gaps of held-out rows are filled by the model, given what is there; so if a column's gaps depend
    on other columns that are there, nothing is wrong with that.

    Args:
        model: A `TableModel`, a `tfp_flows.tables.Vectors`, or anything with
            ``sample(n, seed=) -> DataFrame`` and ``log_prob(DataFrame) -> [n]``.
        held_out: Rows that the model was not fitted to, 10 at least, better hundreds.
        train: Rows that it was fitted to.
        seed: Of the choice of rows, of samples and of all draws.
        samples: Rows that the model has drawn; as many as the held-out rows that are compared, or
            more. By default they are drawn.
        given: Names of columns of a `TableModel` that the others are judged given, for rows that
            are a part of a table: those of one species.

    Returns:
        The verdict.

    Raises:
        InputError: If held-out rows are too few or lack columns, samples are too few, or a name
            given is unknown.

    Example:
        >>> verdict = tff.tables.check(model, held_out, train)
        >>> print(verdict)
        >>> verdict.ok, verdict.to_dict()
    """
    subject, notes = Subject(model, held_out, given), []
    chosen = _some(held_out[subject.names], MOST_ROWS, seed)
    if len(chosen) < len(held_out):
        notes.append(f"{len(chosen):,} of {len(held_out):,} held-out rows were used.")
    held = subject.complete(chosen, seed)
    if len(held) < FEWEST:
        raise InputError(
            f"{len(held)} held-out rows can be compared; give at least {FEWEST}, better hundreds."
        )
    count = len(held)
    if count < _ENOUGH:
        notes.append(f"{count} held-out rows show gross faults alone; give {_ENOUGH} or more.")
    drawn = subject.sample(count, seed + 1, held) if samples is None else samples
    if len(drawn) < count:
        raise InputError(
            f"{len(drawn)} samples are given for {count} held-out rows; give as many or more."
        )
    drawn = drawn.iloc[:count].reset_index(drop=True)
    columns, flips = subject.compared(held, drawn), Flips(count, seed)
    scores = np.stack([subject.log_prob(held), subject.log_prob(drawn)])
    measures = [marginals.marginals(columns, flips, _SHARE)]
    shares, off = {}, ()
    for alone in (True, False):
        quantiles = subject.quantiles(chosen, alone=alone)
        if quantiles is not None:
            measure, shares = marginals.uniform(quantiles, _SHARE, alone, seed)
            measures.append(measure)
            off = tuple(measure.details["wrong"])
    depends = dependence(columns, flips, _SHARE)
    told = joint.classifier(columns, _SHARE, seed)
    if told is None:
        notes.append(joint.MISSING)
    rows = joint.sliced(columns, _SHARE, seed)
    measures += [m for m in (depends.measure, told, rows) if m is not None]
    measures.append(densities.coverage(*scores, flips, _SHARE))
    measures.append(densities.possible(*subject.possible(chosen)))
    if train is not None:
        measures += _beside(subject, train, held, drawn, scores[0], flips, seed)
    wrong = {n for m in measures for n in _names(m)}
    evidence = Evidence(
        columns, shares, tuple(sorted(wrong)), off, depends.names, depends.associations, scores
    )
    return Verdict(tuple(measures), count, tuple(notes), evidence)


def _beside(subject, train, held, drawn, scores, flips, seed) -> list:
    """Checks for which there are training rows."""
    some = _some(train[subject.names], MOST_ROWS, seed)
    likely = subject.log_prob(subject.complete(some, seed + 2))
    all_rows = train[subject.names].reset_index(drop=True)
    return [
        densities.overfit(likely, scores, _SHARE),
        densities.copies(*subject.numbers(all_rows, held, drawn), flips, _SHARE),
    ]


def _names(measure) -> set[str]:
    found = measure.details.get("wrong", ())
    return {name for entry in found for name in ([entry] if isinstance(entry, str) else entry)}


def _some(frame, most: int, seed: int):
    if len(frame) <= most:
        return frame.reset_index(drop=True)
    rows = np.random.default_rng(seed).choice(len(frame), most, replace=False)
    return frame.iloc[np.sort(rows)].reset_index(drop=True)

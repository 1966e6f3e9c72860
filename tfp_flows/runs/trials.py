"""Which of several fits is the best: a short trial of each, and the rest of the time for one.

A trial is the fit itself, stopped early. The state of the best one becomes that of the run, which
goes on from there as any interrupted fit does.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from tfp_flows.config import defaults_of
from tfp_flows.errors import InputError
from tfp_flows.formats import FORMAT
from tfp_flows.runs import folder, record
from tfp_flows.runs.kind import Kind, load
from tfp_flows.runs.rounds import Rounds
from tfp_flows.runs.settings import Settings
from tfp_flows.terminal import note, number

STAGES = ((3, 0.05), (2, 0.15))
"""How many candidates are trained up to which part of the time of a fit, compilation aside."""


@dataclasses.dataclass
class Fit:
    """What is fitted, to what, and how.

    Attributes:
        work: The `work.Work`.
        settings: Its settings.
        source: Its source.
        model: The model.
        scope: Gives the context in which it is compiled.
        trainer: Who trains it; made by the work if there is none yet.
        tried: What was found of each candidate, as JSON; empty if there was no choice.
    """

    work: Any
    settings: Settings
    source: Any
    model: Any
    scope: Callable[[], Any] = contextlib.nullcontext
    trainer: Any = None
    tried: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def rounds(self, place: Path, kind: str, **more: Any) -> Rounds:
        """The rounds of its training, from which the seconds of other candidates are taken."""
        if self.trainer is None:
            with self.scope():
                self.trainer = self.work.trainer(self.model, self.source)
        spared = sum(one["seconds"] for one in self.tried if not one["chosen"])
        return Rounds(self.trainer, self.settings, place, kind, spared=spared, **more)


def best_of(kind: Kind, begun: Fit, place: Path, about: dict[str, Any]) -> Fit:
    """Tries the candidates of a work that has some, and gives the best to be gone on with.

    What was tried by an earlier process is not tried again.

    Args:
        kind: The kind of work.
        begun: Work, source and model of the first candidate, with the settings asked for.
        place: Folder in which the states and the record are kept.
        about: The record of the settings; the choice is written into it.

    Raises:
        InputError: If training diverged in all of them.
    """
    candidates = begun.work.candidates()
    tried = about.setdefault("tried", [_untried(one) for one in candidates])
    sources, fits = {type(begun.work.first): begun.source}, {}

    def fit_of(k: int) -> Fit:
        work = load(kind.work)(candidates[k])
        if type(work) not in sources:
            sources[type(work)] = work.source()
        source = sources[type(work)]
        with defaults_of(about["defaults"]):
            model = work.build(source) if k else begun.model
        return Fit(work, candidates[k], source, model)

    def go_on(k: int, until: float) -> None:
        fits[k] = fits.get(k) or fit_of(k)
        _try(kind, fits[k], place, folder.TRIALS[k], until, tried[k])
        record.write(place / folder.SETTINGS, kind.name, about)

    seconds = 60 * begun.settings.minutes
    for stage, (count, share) in enumerate(STAGES):
        kept = _best(tried, stage)[:count]
        fits = {k: fit for k, fit in fits.items() if k in kept}
        for k in sorted(kept):
            if tried[k]["ended"]:
                tried[k]["stages"] = stage + 1
            elif tried[k]["stages"] <= stage:
                go_on(k, share * seconds + tried[k]["compiling"])
    best, *others = _best(tried, len(STAGES)) or [None]
    if best is None:
        raise InputError(
            "Training diverged in all that was tried; lower --learning-rate, or look for extreme "
            "values in what is fitted to."
        )
    if others and tried[best]["ended"]:
        # It has no use for the time that is left; the next one may have.
        one = tried[others[0]]
        if one["stages"] == len(STAGES) and not one["ended"]:
            go_on(others[0], one["seconds"] + seconds - sum(each["seconds"] for each in tried))
        best = _best(tried, len(STAGES))[0]
    chosen = fits.get(best) or fit_of(best)
    tried[best]["chosen"], chosen.tried = True, tried
    # The state first: a record of the choice without it would begin anew.
    if (place / folder.TRIALS[best]).exists():
        os.replace(place / folder.TRIALS[best], place / folder.STATE)
    about["asked"] = begun.settings.record()
    about["settings"], about["digest"] = chosen.settings.record(), chosen.source.digest(FORMAT)
    record.write(place / folder.SETTINGS, kind.name, about)
    for name in folder.TRIALS:
        (place / name).unlink(missing_ok=True)
    note(f"{tried[best]['name']} is the best.")
    return chosen


def _untried(settings: Settings) -> dict[str, Any]:
    about = {"name": settings.in_words(), "validation_nats": None, "epochs": 0, "seconds": 0.0}
    return {**about, "compiling": 0.0, "stages": 0, "ended": False, "chosen": False}


def _best(tried: list[dict[str, Any]], stages: int) -> list[int]:
    """Places of those that have come through so many stages, the best first."""
    if not stages:
        return list(range(len(tried)))
    nats = [one["validation_nats"] for one in tried]
    known = [k for k, one in enumerate(tried) if one["stages"] >= stages and nats[k] is not None]
    return sorted(known, key=lambda k: -nats[k])


def _try(kind, fit: Fit, place: Path, file: str, until: float, found: dict[str, Any]) -> None:
    """Trains a candidate up to so many seconds, and writes what came of it into ``found``."""
    note(f"trying {found['name']}, up to {until:.0f} s.")
    quiet = dataclasses.replace(fit, settings=dataclasses.replace(fit.settings, tensorboard=None))
    rounds = quiet.rounds(place, kind.name, state=file, pause=until)
    fit.trainer, nats = quiet.trainer, None
    if rounds.earlier and not found["stages"]:
        # Of a process that was killed: compilation was in its first epoch.
        rounds.once += rounds.state.history["seconds"][0]
    try:
        rounds.train()
        nats = fit.work.to_nats(fit.model, fit.source) - rounds.state.best
    except InputError as error:
        note(f"{found['name']}: {error}")
    state = rounds.state
    found |= {"validation_nats": nats, "epochs": state.epoch}
    found["ended"] = nats is None or state.stopped or state.epoch >= rounds.epochs
    found["compiling"] += rounds.once
    found |= {"seconds": sum(state.history.get("seconds", [0.0])), "stages": found["stages"] + 1}


def table(tried: list[Mapping[str, Any]]) -> Table:
    """What was tried, for people."""
    result = Table(box=None, pad_edge=False)
    result.add_column("tried")
    for name in ("validation, nats per row", "epochs", "seconds"):
        result.add_column(name, justify="right")
    result.add_column("")
    for one in tried:
        nats = one["validation_nats"]
        figures = ("diverged" if nats is None else number(nats), str(one["epochs"]))
        marks = "chosen" if one["chosen"] else ""
        result.add_row(one["name"], *figures, f"{one['seconds']:.0f}", marks)
    return result

"""The engine of `fit`: from a work to a folder with model, measures and pictures."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from tfp_flows.config import DEFAULTS, defaults_of
from tfp_flows.errors import InputError
from tfp_flows.files import Claim, atomic_path
from tfp_flows.formats import FORMAT, versions
from tfp_flows.options import absolute, flag, option_of
from tfp_flows.runs import folder, record
from tfp_flows.runs.devices import Devices, on_several
from tfp_flows.runs.kind import Kind, load
from tfp_flows.runs.settings import Settings
from tfp_flows.runs.trials import Fit, best_of, table
from tfp_flows.runs.work import Drawing
from tfp_flows.terminal import INTERRUPTED, import_tensorflow, note, result_console


def fit(kind: Kind, settings: Settings, on: Devices, *, overwrite: bool = False) -> None:
    """Fits anew and writes the folder of the run.

    Args:
        kind: The kind of work.
        settings: What was asked for, checked.
        on: Folder of the run, and the devices to train on.
        overwrite: Whether an earlier fit in it may be replaced, once the new one is complete.

    Raises:
        InputError: If what is fitted to, an option or the folder is not usable, another fit is
            writing into it, or training diverges.
    """
    out = on.out
    with Claim(out) as claim:
        folder.check_new(out, overwrite)
        work = load(kind.work)(settings)
        source = work.source()
        import_tensorflow()
        digest = source.digest(FORMAT)
        _check_same(kind, settings, digest, on, resumed=False)
        with on.scope():
            model = work.build(source)
        for remark in source.remarks():
            note(remark)
        place = folder.start(out, claim, overwrite)
        about = {"pictures": list(kind.pictures), "settings": settings.record()}
        about |= {"digest": digest, "defaults": DEFAULTS}
        try:
            record.write(place / folder.SETTINGS, kind.name, about)
            _go_on(kind, Fit(work, settings, source, model, on.scope), place, about)
        except InputError:
            folder.abandon(place)
            raise


def record_to_resume(out: Path) -> tuple[Path, dict[str, Any]] | None:
    """Where the fit to resume has left off, and its settings; None, with a note, if it is finished.

    Raises:
        InputError: If there is nothing to resume, or the record is damaged.
    """
    place = folder.unfinished(out)
    if place is not None:
        return place, record.read(place / folder.SETTINGS)
    with Claim(out):
        folder.settle(out)
    if not (out / folder.METRICS).exists():
        raise InputError(f"There is no fit to resume in {out}; leave --resume out to begin one.")
    note(f"{out} is finished; there is nothing to resume.")
    return None


def resume(
    kind: Kind,
    place: Path,
    begun: Mapping[str, Any],
    given: Mapping[str, Any],
    on: Devices,
) -> None:
    """Goes on with a fit that was interrupted.

    Args:
        kind: The kind of work that its record names.
        place: Where it has left off.
        begun: Its record.
        given: Settings that the user has repeated.
        on: The devices to train on.

    Raises:
        InputError: If an option contradicts the record, what is fitted to has changed, or another
            process is at it.
    """
    out = place.parent if place.name == folder.NEW else place
    with Claim(out):
        if folder.unfinished(out) != place:
            raise InputError(f"The fit in {out} was finished by another process meanwhile.")
        folder.clear_temporaries(place)
        settings = kind.settings.restore(begun.get("settings"), place / folder.SETTINGS)
        asked = kind.settings.restore(
            begun.get("asked", begun["settings"]), place / folder.SETTINGS
        )
        repeated = asked.repeated(given) if given else asked
        fields = {field.name: field for field in dataclasses.fields(settings)}
        for name in asked.differs(repeated):
            option = flag(name, option_of(fields[name])).removeprefix("--")
            raise InputError(
                f"The fit in {out} was begun with {option} {getattr(asked, name)}, not "
                f"{getattr(repeated, name)}; leave that option out, or begin anew with --overwrite."
            )
        if (place / folder.METRICS).exists():  # killed while it tidied up
            folder.finish(place)
            return
        work = load(kind.work)(settings)
        source = work.source()
        if source.digest(begun["format"]) != begun.get("digest"):
            raise InputError(
                f"{settings.data} has changed since the fit in {out} was begun; begin anew with "
                "--overwrite."
            )
        import_tensorflow()
        _check_same(kind, settings, begun["digest"], on, resumed=True)
        with defaults_of(begun.get("defaults", 0)), on.scope():
            model = work.build(source)
        tried = begun.get("tried", [])
        fit = Fit(work, settings, source, model, on.scope, tried=tried)
        _go_on(kind, fit, place, dict(begun))


def first_line(metrics: Mapping[str, Any], count: str = "") -> str:
    """How a report begins; ``count`` says how much was fitted to, as ``"80 training rows"``."""
    flow, training = metrics["flow"], metrics["training"]
    parts = [f"{flow['trainable_parameters']:,} parameters", *([count] if count else [])]
    return (
        f"{flow['name']}: {', '.join(parts)}, {training['epochs']} epochs in "
        f"{training['seconds']:.0f} s, best epoch {training['best_epoch']}."
    )


def _check_same(kind, settings, digest, on, resumed) -> None:
    """Checks what would have models of other shapes built on other workers, which then crash."""
    on.check_same({"kinds of work": kind.name, "--resume": resumed})
    # A path may be another on another machine; what lies there is in the fingerprint.
    values = settings.record()
    options = {field.name: option_of(field) for field in dataclasses.fields(settings)}
    told = {
        flag(name, about): values[name]
        for name, about in options.items()
        if about.parse is not absolute and name not in ("data", "plots")
    }
    on.check_same({"data": digest, **told})


def _go_on(kind, fit, place, about) -> None:
    try:
        if hasattr(fit.work, "candidates"):
            if on_several(fit.scope):
                raise InputError(
                    f"The choice of --flow {fit.settings.flow} is by the clock of one process; "
                    "name a flow, or leave --devices, --engine and TF_CONFIG out."
                )
            fit = best_of(kind, fit, place, about)
        work, settings, source, model = fit.work, fit.settings, fit.source, fit.model
        rounds = _train(kind, fit, place)
        metrics = _metrics(kind, fit, rounds)
        with atomic_path(place / folder.MODEL) as temporary:
            model.kind = kind.name
            model.save(temporary)
        if settings.plots:
            for name, save in pictures(kind, work, model, lambda: source, metrics):
                save(place / name)
        # Last: a folder with metrics is a folder with everything.
        record.write(place / folder.METRICS, kind.name, metrics)
        run = folder.finish(place)
    except KeyboardInterrupt:
        _say_how_to_resume(place)
    console = result_console()
    if fit.tried:
        console.print(table(fit.tried))
    for line in work.tell(metrics):
        console.print(line)
    console.print(f"Written to {run}", markup=False)


def _train(kind, fit, place):
    rounds = fit.rounds(place, kind.name)
    rounds.train()
    losses = rounds.state.history.get("loss", [])
    if losses and not math.isfinite(losses[-1]):
        state = rounds.state
        note(
            rounds.diverged
            or f"training diverged in epoch {state.epoch}; the model is that of epoch "
            f"{state.best_epoch}."
        )
    return rounds


def pictures(kind, work, model, find, metrics) -> Iterator[Drawing]:
    """The pictures of a run, the main one first, the training curve last; see `Work.draw`."""
    from tfp_flows import plotting

    yield from work.draw(model, find, metrics)
    settings = metrics["settings"]
    title = f"{settings['flow']} on {Path(settings['data']).name}"
    figure = plotting.plot_training_curve(
        metrics["training"]["history"], title=title, ylabel=kind.loss
    )
    yield folder.CURVE, lambda path: plotting.save_figure(figure, path)


def _metrics(kind, fit, rounds) -> dict[str, Any]:
    settings, source, model, state = fit.settings, fit.source, fit.model, rounds.state
    about = {"pictures": list(kind.pictures), "finished": record.now()}
    about["settings"] = settings.record()
    described = {"source": settings.data, **source.describe()}
    about["data"] = {**described, "digest": source.digest(FORMAT)}
    about["flow"] = {
        "name": settings.flow,
        "trainable_parameters": sum(math.prod(v.shape) for v in model.flow.trainable_variables),
    }
    about |= fit.work.measure(model, source)
    if fit.tried:
        about["tried"] = fit.tried
    about["training"] = {
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "best_validation_nats": fit.trainer.shift - state.best,
        "stopped_early": state.stopped,
        "seconds": sum(state.history["seconds"]),
        "history": state.written_history(),
    }
    return about | {"versions": versions()}


def _say_how_to_resume(place: Path) -> None:
    """Ends an interrupted fit: keeps its state, or removes what is of no use."""
    run = place.parent if place.name == folder.NEW else place
    if folder.has_state(place):
        typer.echo(f"Interrupted; go on with: tfp-flows fit --resume --out {run}", err=True)
    else:
        folder.abandon(place)
        typer.echo("Interrupted before the end of the first epoch; nothing was kept.", err=True)
    raise typer.Exit(INTERRUPTED) from None

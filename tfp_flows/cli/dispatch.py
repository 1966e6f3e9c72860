"""Which kind of work a command line is about, and who does it."""

import dataclasses
import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from tfp_flows import kinds
from tfp_flows.cli import parser
from tfp_flows.errors import InputError
from tfp_flows.options import ENGINE, WORKERS, option
from tfp_flows.runs import folder, ray_fit, record
from tfp_flows.runs.devices import Devices, joined
from tfp_flows.runs.kind import Kind
from tfp_flows.runs.settings import FLOW, OUTPUT, TRAINING, Settings
from tfp_flows.terminal import import_tensorflow

_FIT = """Fit a flow to DATA: a table by maximum likelihood, or any other kind of work.

Trains on most of the data, stops early on some of it, and reports what the rest says."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What `fit` is told beside the settings of a kind."""

    out: Path = option(
        metavar="RUN", panel=OUTPUT, help="Folder to write: model, measures, pictures."
    )
    kind: str | None = option(
        None, metavar="KIND", panel=FLOW, shown="by flow", help="Kind of work."
    )
    resume: bool = option(
        False, panel=OUTPUT, help="Go on with an interrupted fit in RUN, with its data and options."
    )
    overwrite: bool = option(
        False,
        panel=OUTPUT,
        help="Replace an earlier fit in RUN, once the new one is complete.",
    )
    devices: str | None = option(
        None,
        panel=TRAINING,
        metavar="all|N",
        shown="one, or those of TF_CONFIG",
        help="Devices to train on; the workers of TF_CONFIG join without.",
    )
    engine: str | None = option(
        None,
        **ENGINE | {"help": "Who starts workers: Ray, on RAY_ADDRESS' cluster or this machine."},
        panel=TRAINING,
    )
    workers: int | None = option(None, **WORKERS, panel=TRAINING)
    restarts: int | None = option(
        None,
        panel=TRAINING,
        metavar="N",
        min=0,
        shown="3",
        help="How often --engine goes on from the last state when a worker is lost.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What every verb is told."""

    run: Path = option(argument=True, metavar="RUN", help="Folder that fit has written.")


def fit_command(arguments: list[str]) -> typer.core.TyperCommand:
    """The command `fit`, with the options of the kind that the arguments are about."""
    kind = _kind_of_fit(arguments)
    chosen = kind or kinds.of_flow(Settings.flow)
    every = _fields()
    own = parser.fields_of(FitOptions)
    lines = [f"[bold]{k.name}[/bold]: {k.title}" for k in kinds.every()]
    if kind is None:
        text = "\n\n".join([_FIT, "Kinds of work (--kind, each with its own --help):", *lines])
    else:
        text = f"Fit a flow: {kind.name}.\n\n{kind.title}"
    settings = parser.fields_of(Settings if kind is None else kind.settings)
    rest = {name: field for fields in every.values() for name, field in fields.items()}
    return parser.command(
        "fit",
        text,
        chosen.examples,
        settings | own,
        every[chosen.name] | rest,
        lambda given: _fit(chosen, every, given),
    )


def _fields() -> dict[str, parser.Fields]:
    return {kind.name: parser.fields_of(kind.settings) for kind in kinds.every()}


def _kind_of_fit(arguments: list[str]) -> Kind | None:
    out, named = (parser.value_of(arguments, name) for name in ("--out", "--kind"))
    flow = parser.value_of(arguments, "--flow")
    if "--resume" in arguments and out is not None:
        place = folder.unfinished(Path(out))
        if place is not None:
            path = place / folder.SETTINGS
            return kinds.of_record(record.read(path), path)
    if named is not None:
        return kinds.get(named)
    return None if flow is None else kinds.of_flow(flow)


def _fit(kind: Kind, every: dict[str, parser.Fields], given: dict[str, Any]) -> None:
    own = {name: given.pop(name, None) for name in parser.fields_of(FitOptions)}
    if own["engine"] is None:
        for name in ("workers", "restarts"):
            if own[name] is not None:
                raise InputError(f"--{name} is of --engine ray; give that too, or leave it out.")
        with joined(own["devices"], own["out"], kind.name, kind.several_devices) as on:
            _fit_on(on, kind, every, own, given)
        return
    for name, is_set in {
        "--devices": own["devices"] is not None,
        "TF_CONFIG": os.environ.get("TF_CONFIG", "").strip(),
    }.items():
        if is_set:
            raise InputError(f"--engine ray starts its workers itself; leave {name} out.")
    workers, restarts, out = own["workers"], own["restarts"], own["out"]
    if not kind.several_devices and workers != 1:
        raise InputError(f"Fits of {kind.name} train on one device; give --workers 1.")
    count = "" if workers is None else f" --workers {workers}"
    ray_fit.fit(
        functools.partial(_fit_as_worker, kind.name, own, given),
        out,
        workers=workers,
        restarts=3 if restarts is None else restarts,
        command=f"tfp-flows fit --resume --engine ray{count} --out {out}",
    )


def _fit_as_worker(kind: str, own: dict[str, Any], given: dict[str, Any], again: bool) -> None:
    options = own | dict.fromkeys(("engine", "workers", "restarts"))
    if again:
        options |= {"resume": True, "overwrite": None}
    _fit(kinds.get(kind), _fields(), options | given)


def _fit_on(on: Devices, kind, every, own: dict[str, Any], given: dict[str, Any]) -> None:
    from tfp_flows.runs import engine

    out, begun = on.out, None
    if own["resume"] and own["overwrite"]:
        raise InputError("--resume keeps what --overwrite removes; give one of them.")
    if own["resume"]:
        found = engine.record_to_resume(out)
        if found is None:
            return
        place, begun = found
        if own["kind"] not in (None, kind.name):
            raise InputError(
                f"The fit in {out} is of kind {kind.name}, not {own['kind']}; leave --kind out."
            )
    flow = begun["settings"].get("flow") if begun else given.get("flow", kind.settings.flow)
    parser.refuse_foreign(given, every[kind.name], every, f"{flow} is of {kind.name}")
    if begun is not None:
        engine.resume(kind, place, begun, given, on)
        return
    if "data" not in given:
        raise InputError(f"DATA is missing; fit --kind {kind.name} --help says what it can be.")
    settings = kind.settings(**given).check()
    if settings.event != kind.event:
        raise InputError(
            f"{flow} is a flow of {settings.event}s, and {kind.name} takes flows of "
            f"{kind.event}s; leave --kind out, or choose another flow."
        )
    engine.fit(kind, settings, on, overwrite=bool(own["overwrite"]))


def verb_names() -> list[str]:
    """The verbs of all kinds."""
    return list(dict.fromkeys(v.name for k in kinds.every() for v in k.verbs))


def verb_command(name: str, arguments: Iterable[str]) -> typer.core.TyperCommand:
    """The command of a verb, with the options of the kind of the run among the arguments."""
    have = {k.name: verb for k in kinds.every() for verb in k.verbs if verb.name == name}
    every = {kind: parser.fields_of(verb.options) for kind, verb in have.items()}
    kind = _kind_of_run(arguments)
    verb = have.get(kind) or next(iter(have.values()))
    rest = {key: field for fields in every.values() for key, field in fields.items()}
    shown = parser.fields_of(RunOptions) | parser.fields_of(verb.options)
    text = verb.help
    if kind is None:  # the help is about all kinds
        others = {key: field for key, field in rest.items() if key not in shown}
        shown |= parser.not_needed(others)
        text = "\n\n".join(dict.fromkeys(each.help for each in have.values()))

    def run(given: dict[str, Any]) -> None:
        opened = kinds.open_run(given.pop("run"))
        what = f"{opened.path} is of {opened.kind}"
        if opened.kind not in have:
            raise InputError(f"{name} is of {' and '.join(have)}; {what}.")
        parser.refuse_foreign(given, every[opened.kind], every, what)
        own = have[opened.kind]
        # What a verb imports first may import TensorFlow with all of its notices.
        import_tensorflow()
        for path in own.run(opened, own.options(**given)) or ():
            typer.echo(f"Written to {path}")

    return parser.command(name, text, [verb.example], shown, rest, run)


def _kind_of_run(arguments: Iterable[str]) -> str | None:
    for argument in arguments:
        path = Path(argument) / folder.METRICS
        if not argument.startswith("-") and path.is_file():
            return record.read(path)["kind"]
    return None

"""A kind of work, as plain data: importing one imports no TensorFlow."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tfp_flows.runs.settings import Settings


def load(place: str) -> Any:
    """Imports what ``"module:name"`` names."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclasses.dataclass(frozen=True)
class Verb:
    """A command for finished runs of a kind; several kinds may have one of the same name.

    Attributes:
        run: ``(run, options) -> files to tell of, or None``. Its name is that of the command, its
            docstring the help. Its module imports no TensorFlow; it does when it runs.
        options: Dataclass whose fields are made by `options.option`.
        example: One command.
    """

    run: Callable[[Any, Any], Iterable[Path] | None]
    options: type
    example: str

    @property
    def name(self) -> str:
        """Name of the command."""
        return self.run.__name__

    @property
    def help(self) -> str:
        """What it does."""
        return inspect.getdoc(self.run).partition("\n\nRaises:")[0]


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the command knows of a kind of work before it runs.

    Attributes:
        name: Written into every record and model.
        title: One line for `list` and `fit --help`.
        settings: Its fields are the options of `fit`.
        work: ``"module:class"`` of the `work.Work`.
        verbs: What its runs are for.
        event: Kind of event of its flows, as in the catalogue.
        flows: What else its ``--flow`` can name, beside the catalogue.
        described: Entries of ``data`` in ``metrics.json`` on which the verbs rely, and their types.
        pictures: Names of the pictures in a run's folder, beside the training curve.
        loss: What the axis of the training curve says.
        examples: Commands for `fit --help`.
        several_devices: Whether it trains by `FlowModel.fit`, on several devices and workers too.
    """

    name: str
    title: str
    settings: type[Settings]
    work: str
    verbs: tuple[Verb, ...] = ()
    event: str = "vector"
    flows: tuple[str, ...] = ()
    described: Mapping[str, type] = dataclasses.field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    loss: str = "negative log-likelihood (nats)"
    examples: tuple[str, ...] = ()
    several_devices: bool = True

"""Options as fields of a dataclass: declared once, and read by whoever parses or records them."""

import csv
import dataclasses
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError


@dataclasses.dataclass(frozen=True)
class Option:
    """How a field stands on the command line.

    Attributes:
        help: Its line in `--help`.
        names: As typed; ``--field-name`` if empty.
        metavar: What stands for the value.
        panel: Heading in `--help`.
        min: Smallest value.
        max: Largest value.
        choices: The only values.
        parse: From text to value, or from texts where ``repeated``.
        repeated: Whether it may be given several times.
        argument: Whether it is given without a name.
        shown: Default in `--help`, where the value says little.
        bare: What the option stands for where no number follows it; None where one is needed.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str | None = None
    panel: str | None = None
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[Any], Any] | None = None
    repeated: bool = False
    argument: bool = False
    shown: str | None = None
    bare: float | None = None


# As several commands have them.
OUTPUT = {"names": ("--output", "-o")}
TABLES = "File to write: .csv, .tsv, .npy, .npz, .parquet, .feather or .xlsx."
PARTS = f"{TABLES[:-1]}; or a folder, for one of parts."
ENGINE = {
    "choices": ("ray",),
    "shown": "this process",
    "help": "Who has parts made side by side: Ray, on the cluster of RAY_ADDRESS or this machine.",
}
WORKERS = {"metavar": "N", "min": 1, "shown": "one a machine", "help": "Workers of --engine."}
COUNT = {"names": ("--count", "-n"), "metavar": "N"}


def option(default: Any = dataclasses.MISSING, **about: Any) -> Any:
    """A field that is an option; see `Option` for the arguments, without a default it is needed."""
    if isinstance(default, dict):
        factory = default.copy
        return dataclasses.field(default_factory=factory, metadata={"option": Option(**about)})
    return dataclasses.field(default=default, metadata={"option": Option(**about)})


def again(of: type, name: str, default: Any = dataclasses.MISSING, **about: Any) -> Any:
    """The field ``name`` of another class, with another default or another text if given."""
    common = of.__dataclass_fields__[name]
    default = common.default if default is dataclasses.MISSING else default
    changed = dataclasses.replace(option_of(common), **about)
    return dataclasses.field(default=default, metadata={"option": changed})


def option_of(field: dataclasses.Field) -> Option:
    """How a field stands on the command line."""
    return field.metadata["option"]


def flag(name: str, about: Option) -> str:
    """The first name of an option, as it is typed."""
    return about.names[0] if about.names else f"--{name.replace('_', '-')}"


def parse_hidden(text: str) -> list[int]:
    """Splits ``64,64`` into sizes of layers.

    Raises:
        InputError: If a size is not a positive number.
    """
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise InputError(f"--hidden is {text!r}; give sizes with commas between, like 64,64.")
    return [int(size) for size in sizes]


def parse_columns(text: str) -> list[str]:
    """Splits ``a,b,"c,d"`` into names or numbers of columns.

    Raises:
        InputError: If a name is empty.
    """
    names = split(text)
    if not names or not all(names):
        raise InputError(f"--columns is {text!r}; give names or numbers with commas between.")
    return names


def split(text: str) -> list[str]:
    """The texts between commas that are not in quotes."""
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), [])]


def absolute(text: str) -> str:
    """The absolute form of a path."""
    return str(Path(text).resolve())


def is_of(value: Any, annotation: Any) -> bool:
    """Whether a JSON value can be that of a field with this annotation."""
    union = isinstance(annotation, types.UnionType)
    parts = typing.get_args(annotation) if union else (annotation,)
    plain = tuple(typing.get_origin(part) or part for part in parts)
    if isinstance(value, bool):
        return bool in plain
    return isinstance(value, (*plain, int) if float in plain else plain)

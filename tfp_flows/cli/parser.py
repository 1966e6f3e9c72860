"""From fields of settings to commands: the only place that knows how options are parsed."""

import dataclasses
import enum
import inspect
import itertools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from tfp_flows.errors import InputError
from tfp_flows.options import Option, flag, option_of

Fields = Mapping[str, dataclasses.Field]


def fields_of(options: type) -> dict[str, dataclasses.Field]:
    """The fields of a class of options, arguments first, in their order."""
    fields = {field.name: field for field in dataclasses.fields(options)}
    return dict(sorted(fields.items(), key=lambda item: not option_of(item[1]).argument))


class _Command(typer.core.TyperCommand):
    """Takes options of numbers without one, too: those that stand for a number when bare."""

    bare: Mapping[str, float] = types.MappingProxyType({})

    def parse_args(self, ctx, args):
        """Puts the numbers that were left out behind their options."""
        return super().parse_args(ctx, _completed(args, self.bare))


def _completed(arguments: list[str], bare: Mapping[str, float]) -> list[str]:
    result = []
    for argument, after in itertools.zip_longest(arguments, arguments[1:], fillvalue=""):
        result.append(argument)
        if argument in bare and not _is_number(after):
            result.append(str(bare[argument]))
    return result


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def command(
    name: str,
    text: str,
    examples: Iterable[str],
    shown: Fields,
    accepted: Fields,
    run: Callable[[dict[str, Any]], None],
) -> typer.core.TyperCommand:
    """A command whose options are fields.

    Args:
        name: Of the command.
        text: What it does; the first line stands in the list of commands.
        examples: Commands for the end of its help.
        shown: Its options.
        accepted: Further options, which its help does not show.
        run: Called with the values that were given, by the names of the fields.
    """
    fields, taken = dict(shown), {n for f in shown.values() for n in _names(f)}
    for key, field in accepted.items():
        names = tuple(n for n in _names(field) if n not in taken)
        if key not in fields and names and not option_of(field).argument:
            fields[key] = _optional(field, names)

    def called(**values: Any) -> None:
        run(_given(fields, values))

    parameters = [_parameter(key, field, key not in shown) for key, field in fields.items()]
    called.__signature__ = inspect.Signature(parameters)
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    lines = [f"Example{'s' * (len(list(examples)) > 1)}:", *(f"  {line}" for line in examples)]
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.command(
        name,
        cls=_Command,
        help=text,
        epilog="\n\n".join(lines),
        context_settings={"help_option_names": ["-h", "--help"]},
    )(called)
    made = typer.main.get_command(app)
    made.bare = {
        name: option_of(field).bare
        for field in fields.values()
        if option_of(field).bare is not None
        for name in _names(field)
    }
    return made


def _names(field: dataclasses.Field) -> tuple[str, ...]:
    about = option_of(field)
    return about.names or (flag(field.name, about),)


def not_needed(fields: Fields) -> Fields:
    """The same fields; those that are needed may be left out."""
    return {
        key: _optional(field, option_of(field).names) if _needed(field) else field
        for key, field in fields.items()
    }


def _optional(field: dataclasses.Field, names: tuple[str, ...]) -> dataclasses.Field:
    about = dataclasses.replace(option_of(field), names=names)
    optional = dataclasses.field(default=None, metadata={"option": about})
    optional.name, optional.type = field.name, field.type
    return optional


def _plain(annotation: Any) -> Any:
    """The type of a field without None."""
    if isinstance(annotation, types.UnionType):
        annotation = next(t for t in typing.get_args(annotation) if t is not types.NoneType)
    return typing.get_origin(annotation) or annotation


def _needed(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _has_third_state(field: dataclasses.Field) -> bool:
    """Whether a flag that is not given is neither true nor false."""
    return isinstance(field.type, types.UnionType) and _plain(field.type) is bool


def _default_shown(field: dataclasses.Field, about: Option) -> str | bool:
    if about.shown is not None or _needed(field) or _plain(field.type) is bool:
        return about.shown or False
    default = field.default if field.default_factory is dataclasses.MISSING else None
    return False if default in (None, "") else str(default)


def _parameter(name: str, field: dataclasses.Field, hidden: bool) -> inspect.Parameter:
    about, needed = option_of(field), _needed(field)
    kind = _plain(field.type)
    if about.parse is not None:
        kind = list[str] if about.repeated else str
    elif about.choices:
        kind = enum.Enum(name, {choice: choice for choice in about.choices}, type=str)
    text = {"help": about.help, "metavar": about.metavar}
    text |= {"show_default": _default_shown(field, about), "rich_help_panel": about.panel}
    if about.argument:
        made = typer.Argument(**text)
    else:
        made = typer.Option(*_names(field), min=about.min, max=about.max, hidden=hidden, **text)
    flagged = kind is bool and not _has_third_state(field)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if needed else False if flagged else None,
        annotation=Annotated[kind if needed or flagged else kind | None, made],
    )


def _given(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    given = {}
    for name, value in values.items():
        third = _has_third_state(fields[name])
        if value is None or (value is False and not third) or value in ([], ()):
            continue
        about = option_of(fields[name])
        if value is True and not third:
            value = fields[name].default is not True
        elif about.parse is not None:
            value = about.parse(value)
        elif isinstance(value, enum.Enum):
            value = value.value
        given[name] = value
    return given


def value_of(arguments: list[str], name: str) -> str | None:
    """What stands behind an option among arguments that are not parsed yet."""
    found = None
    for place, argument in enumerate(arguments):
        if argument == name and place + 1 < len(arguments):
            found = arguments[place + 1]
        elif argument.startswith(f"{name}="):
            found = argument.partition("=")[2]
    return found


def refuse_foreign(given: Iterable[str], own: Fields, others: Mapping[str, Fields], what: str):
    """Refuses, by an InputError, what is among ``others``, the fields of each kind, alone.

    ``what`` says for its end what is of the kind at hand.
    """
    for name in given:
        if name in own:
            continue
        kinds = [kind for kind, fields in others.items() if name in fields]
        option = flag(name, option_of(others[kinds[0]][name]))
        raise InputError(f"{option} is of {' and '.join(kinds)}; {what}.")

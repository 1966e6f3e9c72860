"""What the benchmarks' commands share: lists of values, and how they end."""

import typer

from tfp_flows.terminal import Ending


def spread(arguments: list[str], lists: tuple[str, ...]) -> list[str]:
    """Repeats an option before each of its values: ``--dims 6 43`` is ``--dims 6 --dims 43``.

    Args:
        arguments: What was typed.
        lists: The options that take several values.
    """
    result, option, given = [], None, False
    for argument in arguments:
        if argument.startswith("-"):
            option, given = (argument if argument in lists else None), False
        elif option is not None:
            if given:
                result.append(option)
            given = True
        result.append(argument)
    return result


class Command(Ending, typer.core.TyperCommand):
    """Takes several values after some options; ends as the package's commands do."""

    lists: tuple[str, ...] = ()

    def parse_args(self, ctx, args):
        """Repeats the option before each of its values, which is the form that click reads."""
        return super().parse_args(ctx, spread(args, self.lists))

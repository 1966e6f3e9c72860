"""Errors that a user can act on: one sentence, the offending value, what to do."""

import difflib
import sys
import warnings
from collections.abc import Iterable


class InputError(ValueError):
    """Bad input from outside: a file, a name, a shape.

    The command line prints the message alone and exits with status 2.
    """


class DataWarning(UserWarning):
    """A remark on data, or on a flow for them: what was asked for is done, but look at it."""


def remark(message: str) -> None:
    """Gives a `DataWarning`, at the line of the user's that led to it."""
    depth, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "tfp_flows":
        depth, frame = depth + 1, frame.f_back
    warnings.warn(message, DataWarning, stacklevel=depth)


def unknown_name(kind: str, name: str, options: Iterable[str]) -> InputError:
    """Builds the error for a name that is not among ``options``, with the nearest one."""
    options = sorted(options)
    near = difflib.get_close_matches(str(name), options, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(options)}."
    return InputError(f"Unknown {kind} {name!r}; {hint}")

"""A fit that is begun again when one of its workers is lost: so many times, and no more."""

import time
from collections.abc import Callable
from pathlib import Path

import typer

from tfp_flows.errors import InputError
from tfp_flows.files import Claim
from tfp_flows.runs import folder
from tfp_flows.terminal import INTERRUPTED, note


def persevere(
    attempt: Callable[[bool], str | None], out: Path, *, restarts: int, command: str
) -> None:
    """Fits, and goes on from the last state each time that a worker is lost.

    Args:
        attempt: ``(whether to go on from a state) -> None``, or how a worker was lost.
        out: Folder of the run.
        restarts: Most of them.
        command: By which a user goes on, for what is said at the end of one that did not finish.

    Raises:
        InputError: If workers were lost once more than that, or as ``attempt`` does.
        typer.Exit: If the user interrupts.
    """
    try:
        number = 0
        while lost := attempt(number > 0 and folder.unfinished(out) is not None):
            free(out)
            kept = _kept(out)
            if number == restarts:
                hint = f"go on with: {command}" if kept else "nothing was kept."
                _clear(out)
                raise InputError(f"{lost}, and {number} of {restarts} restarts are used; {hint}")
            number += 1
            place = "from the last state" if kept else "from the beginning"
            note(f"{lost}; restart {number} of {restarts}, {place}.")
    except KeyboardInterrupt:
        free(out)
        if _kept(out):
            typer.echo(f"Interrupted; go on with: {command}", err=True)
        else:
            _clear(out)
            typer.echo("Interrupted before the end of the first epoch; nothing was kept.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def free(out: Path, seconds: float = 20.0) -> None:
    """Waits until no process writes into a folder any more; those that were ended take a moment.

    Raises:
        InputError: If one still does after so many seconds.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            with Claim(out):
                return
        except InputError:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def _kept(out: Path) -> bool:
    return any(folder.has_state(place) for place in (out / folder.NEW, out))


def _clear(out: Path) -> None:
    """Leaves nothing behind of a fit without anything to go on from."""
    place = folder.unfinished(out)
    if place is not None:
        folder.abandon(place)

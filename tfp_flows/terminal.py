"""What the command prints, where, and how it ends."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator

import typer
from rich.console import Console

from tfp_flows.errors import DataWarning, InputError

INTERRUPTED = 130
BAD_INPUT = 2


class Ending:
    """Mixin of a command: bad input ends in one sentence, Ctrl-C in a quiet exit.

    Anything else that goes wrong is a bug, and keeps its traceback.
    """

    interrupted = "Interrupted."

    def invoke(self, ctx):
        """Runs the chosen command."""
        try:
            with noted_warnings():
                return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            typer.echo(self.interrupted, err=True)
            raise typer.Exit(INTERRUPTED) from None


class Commands(Ending, typer.core.TyperGroup):
    """The group of commands."""


def result_console() -> Console:
    """Where results go: standard output."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def progress_console() -> Console:
    """Where progress goes: standard error, so that results can be piped."""
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def number(value: float | None) -> str:
    """A figure, which may be none because it was not finite."""
    return "not finite" if value is None else f"{value:.3f}" if abs(value) < 1e5 else f"{value:.3g}"


def plus_minus(value: float | None, standard_error: float | None) -> str:
    """A figure with a bar of two standard errors."""
    return f"{number(value)} ± {number(None if standard_error is None else 2 * standard_error)}"


def note(message: str) -> None:
    """Prints a remark that is not a result."""
    typer.echo(f"Note: {message}", err=True)


@contextlib.contextmanager
def noted_warnings() -> Iterator[None]:
    """Prints the package's own warnings as remarks."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message, category, *place):
            if issubclass(category, DataWarning):
                note(str(message))
            else:
                usual(message, category, *place)

        warnings.showwarning = show
        yield


@contextlib.contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Keeps what Python drops: a Ctrl-C that falls into a destructor or a callback of native code.

    Yields:
        What raises ``KeyboardInterrupt`` if one came that did not end the block; to be called now
        and then.
    """
    usual, heard = signal.getsignal(signal.SIGINT), []
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield lambda: None
        return

    def hear(number, frame):
        heard.append(number)
        usual(number, frame)

    def check():
        if heard:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, usual)


def tracked(items: Iterable, description: str, total: int) -> Iterable:
    """Shows a bar over items that take long, on a terminal and if there are several."""
    from rich.progress import track

    console = progress_console()
    silent = total < 2 or not console.is_terminal
    return track(items, description, total=total, console=console, disable=silent, transient=True)


@contextlib.contextmanager
def rounds_bar(
    console: Console, total: int, done: int
) -> Iterator[Callable[[int, str], None] | None]:
    """Shows a bar over the rounds of a training, on a terminal.

    Args:
        console: Where it is shown.
        total: Most rounds.
        done: Rounds that are done already.

    Yields:
        What is called with the number of rounds done and a text; None if there is no terminal.
    """
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.progress import TimeRemainingColumn as Remaining

    texts = (TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"), BarColumn(bar_width=20))
    times = (Elapsed(), TextColumn("at most"), Remaining(compact=True), TextColumn("left"))
    bar = Progress(*texts, TextColumn("{task.description}"), *times, console=console)
    task = bar.add_task("compiling ...", total=total, completed=done)
    with bar:
        yield lambda done, text: bar.update(task, completed=done, description=text)


def import_tensorflow() -> None:
    """Imports TensorFlow without the notices that no log level keeps it from printing.

    They come while it is imported and while it looks for accelerators, also where there are none.
    """
    with silent_stderr():
        import tensorflow as tf
        import tensorflow_probability  # noqa: F401

        tf.config.list_logical_devices()


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
    """Holds back what native code writes to standard error; shows it if the block fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        original = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)

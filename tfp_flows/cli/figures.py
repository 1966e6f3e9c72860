"""The command `figures`: the pictures of the documentation, drawn or checked."""

from pathlib import Path

import typer

from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, result_console, tracked

_STALE = 1


def write(out: Path) -> None:
    """Draws every picture into a folder and prints the files."""
    import_tensorflow()
    from tfp_flows.figures import FIGURES, store

    console = result_console()
    for name in tracked(FIGURES, "Drawing", len(FIGURES)):
        console.print(f"Written to {store.write(out, name)}")


def check(out: Path) -> None:
    """Prints what is wrong with the pictures of a folder; ends with status 1 if anything is."""
    if not out.is_dir():
        raise InputError(f"There is no folder {out} to check; give the folder of the pictures.")
    import_tensorflow()
    from tfp_flows.figures import FIGURES, store

    console = result_console()
    stale = {}
    for name in tracked(FIGURES, "Checking", len(FIGURES)):
        stale |= store.stale(out, [name])
    stale |= store.strangers(out)
    for name, fault in stale.items():
        console.print(f"{store.path_of(out, name)}: {fault}")
    if stale:
        console.print(f"Draw them anew: tfp-flows figures --out {out}")
        raise typer.Exit(_STALE)
    console.print(f"All {len(FIGURES)} pictures in {out} show what the code draws.")

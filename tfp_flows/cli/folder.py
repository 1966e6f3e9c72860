"""The folder of a run: which files it holds, and in which order they come and go.

A fit first writes its settings, then after each epoch its training state, at the end model,
pictures and, last of all, ``metrics.json``; only then are settings and state removed. So a folder
with settings can be resumed, and one without them but with metrics is complete.
"""

import json
import re
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

MODEL = "model.keras"
METRICS = "metrics.json"
CURVE = "training_curve.png"
DENSITY = "density.png"
CORNER = "corner.png"
SAMPLES = "samples.png"
SETTINGS = "training_settings.json"
STATE = "training_state.npz"
_OURS = (MODEL, METRICS, CURVE, DENSITY, CORNER, SAMPLES, SETTINGS, STATE)
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}-(" + "|".join(map(re.escape, _OURS)) + ")")


def check_new(run: Path, overwrite: bool) -> None:
    """Checks that a fit may write into the folder.

    Raises:
        InputError: If it holds something, unless it may be overwritten, or is no folder.
    """
    if run.exists() and not run.is_dir():
        raise InputError(f"--out {run} is a file; give the name of a folder.")
    if overwrite or not run.exists() or all(_is_temporary(path) for path in run.iterdir()):
        return
    if (run / SETTINGS).exists():
        raise InputError(
            f"{run} holds an unfinished fit; go on with --resume, or begin anew with --overwrite."
        )
    what = "a finished fit" if (run / METRICS).exists() else "other files"
    raise InputError(f"{run} holds {what}; choose another --out, or replace it with --overwrite.")


def start(run: Path, settings: dict) -> None:
    """Makes the folder, removes what an earlier fit left in it, and writes the settings.

    Raises:
        InputError: If this is not possible.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        clear_temporaries(run)
        for name in _OURS:
            (run / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write into {run}: {error.strerror}.") from error
    write_json(run / SETTINGS, settings)


def finish(run: Path) -> None:
    """Removes what only a resumed fit would need."""
    for name in (STATE, SETTINGS):
        (run / name).unlink(missing_ok=True)


def abandon(run: Path) -> None:
    """Leaves nothing behind of a fit that failed before there was anything to resume."""
    if not (run / STATE).exists():
        finish(run)
        if run.is_dir() and not any(run.iterdir()):
            run.rmdir()


def clear_temporaries(run: Path) -> None:
    """Removes half-written files that a killed fit left."""
    for path in run.iterdir():
        if _is_temporary(path):
            path.unlink(missing_ok=True)


def write_json(path: Path, values: dict) -> None:
    """Writes JSON, as a whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict:
    """Reads what `write_json` wrote.

    Raises:
        InputError: If the file is missing or damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is damaged: it is not JSON ({error}).") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is not a record of tfp-flows fit.")
    return values


def _is_temporary(path: Path) -> bool:
    return _TEMPORARY.fullmatch(path.name) is not None

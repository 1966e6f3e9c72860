"""The folder of a run: which files it holds, and in which order they come and go.

A fit first writes its settings, then after each epoch its training state, at the end model,
pictures and, last of all, ``metrics.json``; only then are settings and state removed. So a folder
with settings can be resumed, and one without them but with metrics is complete.

A fit that replaces another one does all this in ``.new`` within the folder, and takes the place of
the earlier one when it is complete.
"""

import contextlib
import json
import os
import re
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.files import Claim

MODEL = "model.keras"
METRICS = "metrics.json"
CURVE = "training_curve.png"
SETTINGS = "training_settings.json"
STATE = "training_state.npz"
NEW = ".new"
# States of the candidates of a fit that tries several first.
TRIALS = ("trial_1.npz", "trial_2.npz", "trial_3.npz")
_OURS = (MODEL, METRICS, CURVE, SETTINGS, STATE, *TRIALS)
# Records of format 0 do not name their pictures.
_PICTURES = ("density.png", "corner.png", "samples.png")
_TEMPORARY = re.compile(r"\.[0-9a-f]{8}-[\w.-]+\.(keras|json|npz|png)")


def check_new(run: Path, overwrite: bool) -> None:
    """Checks that a fit may write into the folder.

    Raises:
        InputError: If it holds something, unless it may be overwritten, or is no folder.
    """
    for part in (run, *run.parents):
        if part.exists() and not part.is_dir():
            raise InputError(f"--out {run}: {part} is a file; give the name of a folder.")
    if overwrite or not run.exists() or all(map(_is_temporary, run.iterdir())):
        return
    if unfinished(run) is not None:
        raise InputError(
            f"{run} holds an unfinished fit; go on with --resume, or begin anew with --overwrite."
        )
    what = "a finished fit" if (run / METRICS).exists() else "other files"
    raise InputError(f"{run} holds {what}; choose another --out, or replace it with --overwrite.")


def start(run: Path, claim: Claim, overwrite: bool) -> Path:
    """Makes and claims the folder of a new fit.

    Returns:
        Where the fit writes: the folder, or one within it if an earlier fit is to be replaced.

    Raises:
        InputError: If this is not possible, or another fit has come first.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        claim.take()
        check_new(run, overwrite)  # again: another fit may have come first
        clear_temporaries(run)
        _remove(run / NEW)
        if not any((run / name).exists() for name in (METRICS, SETTINGS)):
            for name in (*_OURS, *_PICTURES):
                (run / name).unlink(missing_ok=True)
            return run
        (run / NEW).mkdir()
        return run / NEW
    except OSError as error:
        raise InputError(f"Cannot write into {run}: {error.strerror}.") from error


def unfinished(run: Path) -> Path | None:
    """Where the fit to resume has left off: the folder or one within it; None if there is none."""
    places = (run / NEW, run)
    return next((place for place in places if (place / SETTINGS).exists()), None)


def finish(place: Path) -> Path:
    """Removes what only a resumed fit would need, and replaces the earlier fit if there is one.

    Returns:
        The folder of the run.
    """
    for name in (STATE, *TRIALS, SETTINGS):
        (place / name).unlink(missing_ok=True)
    run = place.parent if place.name == NEW else place
    settle(run)
    return run


def settle(run: Path) -> None:
    """Moves a complete new fit to the place of the earlier one; goes on where a kill cut it short.

    Metrics go first and come last, so that there are never those of one fit with a model of the
    other.
    """
    new = run / NEW
    if not (new / METRICS).exists() or (new / SETTINGS).exists():
        return
    names, records = {path.name for path in new.iterdir()}, {METRICS, SETTINGS}
    if any((run / name).exists() for name in records):  # nothing has been moved yet
        for name in _files_of(run) - names - records:
            (run / name).unlink(missing_ok=True)
        for name in records:
            (run / name).unlink(missing_ok=True)
    for name in sorted(names - {METRICS}):
        os.replace(new / name, run / name)
    os.replace(new / METRICS, run / METRICS)
    new.rmdir()


def abandon(place: Path) -> None:
    """Leaves nothing behind of a fit that failed before there was anything to resume."""
    if not has_state(place):
        if place.name == NEW:
            _remove(place)
            return
        for name in _files_of(place):
            (place / name).unlink(missing_ok=True)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def has_state(place: Path) -> bool:
    """Whether there is a training, or a trial, to go on with."""
    return any((place / name).exists() for name in (STATE, *TRIALS))


def clear_temporaries(run: Path) -> None:
    """Removes half-written files that a killed fit left."""
    for path in run.iterdir():
        if _is_temporary(path):
            path.unlink(missing_ok=True)


def _files_of(run: Path) -> set[str]:
    """Names of the files that a fit has written, by its own account."""
    names = {*_OURS, *_PICTURES}
    for record in (METRICS, SETTINGS):
        with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
            names.update(json.loads((run / record).read_text("utf-8")).get("pictures", ()))
    return {name for name in names if isinstance(name, str) and Path(name).name == name}


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _is_temporary(path: Path) -> bool:
    return path.is_file() and _TEMPORARY.fullmatch(path.name) is not None

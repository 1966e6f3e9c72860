"""What the verbs read: settings of a run's spectrograms, and recordings at its rate."""

from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.errors import InputError
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    from tfp_flows.audio import Clip, MelSettings


def mel_settings(run: Run) -> "MelSettings":
    """How the spectrograms of a run are made.

    Raises:
        InputError: If its record is damaged.
    """
    from tfp_flows.audio import MelSettings

    try:
        return MelSettings(**run.metrics["data"]["mel"])
    except TypeError as error:
        raise InputError(f"The record of {run.path} is damaged: {error}.") from error


def one_clip(path: Path, settings: "MelSettings") -> "Clip":
    """One recording at the rate of the run; what was done to it is noted."""
    from tfp_flows.audio import read_clip

    clip, remarks = read_clip(path, settings.rate, settings.window)
    for remark in remarks:
        note(remark)
    return clip

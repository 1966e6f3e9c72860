"""The pictures of good parts of a fit."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from tfp_flows import conformal
from tfp_flows.errors import InputError
from tfp_flows.kinds.anomaly.settings import AnomalySettings
from tfp_flows.terminal import import_tensorflow, note

_FEWEST = 8


class AnomalySource:
    """Pictures in two parts, and their features; see `tfp_flows.runs.work.Source`.

    Attributes:
        pictures: All of them.
        backbone: The network, once it is loaded.
        parts: By name, ``train`` and ``held_out``, the pictures of each.
        features: By name, ``[n, size]``, once they are computed.
    """

    def __init__(self, pictures, parts, settings: AnomalySettings):
        self.pictures, self.parts, self._settings = pictures, parts, settings
        self.backbone: Any = None
        self.features: dict[str, np.ndarray] = {}

    def digest(self, form: int) -> str:
        """A fingerprint of names and contents of the files, and of a backbone's own file."""
        found = hashlib.sha256()
        for file in sorted(self.pictures.facts):
            found.update(f"{file.name} {file.stat().st_size}".encode())
            found.update(file.read_bytes())
        backbone = Path(self._settings.backbone)
        if backbone.is_file():
            found.update(backbone.read_bytes())
        return found.hexdigest()

    def describe(self) -> dict[str, Any]:
        """How many pictures there are, and the maps that are made of each."""
        return {
            "pictures": len(self.pictures.facts),
            "skipped": len(self.pictures.skipped),
            "maps": [list(shape) for shape in self.backbone.shapes],
            "event_shape": [sum(math.prod(shape) for shape in self.backbone.shapes)],
        }

    def remarks(self) -> list[str]:
        """What is left out or converted."""
        shape = (*self.backbone.size, self.backbone.channels)
        return self.pictures.remarks_on(shape, self._settings.background)

    def look(self) -> None:
        """Computes the features of all pictures, once; what turns out to be damaged is left out."""
        if self.features:
            return
        shape = (*self.backbone.size, self.backbone.channels)
        for name, part in self.parts.items():
            batches = (read for _, read in part.batches(shape, 32, self._settings.background))
            self.features[name] = self.backbone.features_of(batches, len(part.files))
        for name, reason in self.pictures.skipped.items():
            note(f"{name} is left out. {reason}")
        if len(self.pictures.skipped) > 1:
            note(f"{len(self.pictures.skipped)} files are left out.")
        _check_rate(len(self.features["held_out"]), len(self.pictures.files), self._settings)
        count = sum(map(len, self.features.values()))
        size = sum(one.nbytes for one in self.features.values()) / 2**20
        maps = ", ".join(" x ".join(map(str, one)) for one in self.backbone.shapes)
        note(f"the features of {count:,} pictures, {maps}, are kept in {size:,.0f} MB of memory.")


def load(settings: AnomalySettings) -> AnomalySource:
    """Finds the pictures that a fit was asked for, and parts them.

    Raises:
        InputError: If there are none, or too few for the false-alarm rate.
    """
    import_tensorflow()
    from tfp_flows.anomaly.pictures import good_pictures

    pictures = good_pictures(Path(settings.data))
    usable = [i for i, file in enumerate(pictures.files) if file in pictures.facts]
    count = len(usable)
    if count < _FEWEST:
        raise InputError(
            f"{pictures.root} holds {count} pictures that can be read; give {_FEWEST} or more, a "
            "few hundred for a good fit."
        )
    order = np.random.default_rng(settings.seed).permutation(count)
    held = max(1, round(settings.held_out * count))
    _check_rate(held, count, settings)
    if held >= count:
        raise InputError(f"--held-out {settings.held_out:g} leaves no picture to train on.")
    ends = {"held_out": (0, held), "train": (held, count)}
    parts = {
        name: pictures.chosen([usable[i] for i in sorted(order[first:last])])
        for name, (first, last) in ends.items()
    }
    return AnomalySource(pictures, parts, settings)


def _check_rate(held: int, count: int, settings: AnomalySettings) -> None:
    needed = conformal.needed_for(settings.false_alarms)
    if held < needed:
        raise InputError(
            f"--false-alarms {settings.false_alarms:g} needs {needed:,} held-out pictures of good "
            f"parts, and of {count:,} there are {held:,} (--held-out {settings.held_out:g}); give "
            f"{math.ceil(needed / settings.held_out):,} pictures, or allow more false alarms."
        )

"""The recordings of a fit."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.kinds.speech.settings import SpeechSettings, given_speakers
from tfp_flows.terminal import import_tensorflow

if TYPE_CHECKING:
    from tfp_flows.audio import Clip, Framed, Spoken

# Of the training samples, one of so many validates.
VALIDATION = 16
_NAMED = 5


class Recordings:
    """Recordings in three parts, with what a flow of them is given; see `runs.work.Source`.

    Classes of it say what that is: the arguments of the recipe (`context`), batches and
    validation for training, held-out clips with their own and with another's (`swapped`), and
    what is made of one (`remade`).

    Attributes:
        settings: What was asked for.
        mel: Settings of the spectrograms.
        clips: What was read.
        names: Those of the clips held out.
        samples: Number of training samples, validation left out.
    """

    swapped_key: str
    columns: tuple[str, str]
    train: Any
    validation: Any
    test: "list[Framed] | list[Spoken]"
    samples: int

    def __init__(self, settings: SpeechSettings):
        from tfp_flows.audio import MelSettings, read_clips

        self.settings = settings
        self.clips = read_clips(settings.data, rate=settings.rate, shortest=settings.window)
        if not self.clips.test:
            self.clips.train, self.clips.test = self.held_out(self.clips.train)
        high = min(8000.0, self.clips.rate / 2) if settings.high is None else settings.high
        self.mel = MelSettings(
            rate=self.clips.rate,
            hop=settings.hop,
            window=settings.window,
            bands=settings.bands,
            high=high,
        )

    def held_out(self, train: "list[Clip]") -> "tuple[list[Clip], list[Clip]]":
        """Clips to train on, and clips held out, of a source without parts of its own."""
        raise NotImplementedError

    @property
    def names(self) -> list[str]:
        """Names of the clips held out."""
        return [clip.name for clip in self.clips.test]

    def digest(self, form: int) -> str:
        """A fingerprint of all samples, in order, and of how spectrograms are made."""
        found = hashlib.sha256(json.dumps(self.mel.record(), sort_keys=True).encode())
        for part in (self.train, self.validation, *self.test):
            found.update(f"{len(part.audio)}".encode())
            found.update(np.ascontiguousarray(part.audio))
        return found.hexdigest()

    def to_validate(self) -> tuple[np.ndarray, np.ndarray]:
        """Segments ``[n, segment, 1]`` to validate on, and what the flow is given of each."""
        return self.validation.cut(self.settings.segment)

    def shown(self, count: int) -> list[int]:
        """Places of the held-out clips that are drawn: evenly from all of them."""
        places = np.linspace(0, len(self.test) - 1, min(count, len(self.test)))
        return places.round().astype(int).tolist()

    def describe(self) -> dict[str, Any]:
        """Settings of the spectrograms, numbers of clips and samples, and what was left out."""
        return {
            "mel": self.mel.record(),
            "clips": {"train": len(self.clips.train), "test": len(self.clips.test)},
            "training_samples": self.samples,
            "skipped": len(self.clips.skipped),
        }

    def remarks(self) -> list[str]:
        """What was converted or left out."""
        return [*self.clips.remarks, *skipped_remarks(self.clips.skipped)]


def load(settings: SpeechSettings) -> Recordings:
    """Finds the recordings that a fit was asked for.

    Raises:
        InputError: If there are none, or too few.
    """
    import_tensorflow()
    if given_speakers(settings.flow):
        from tfp_flows.kinds.speech.voices import SpokenRecordings as Kind
    else:
        from tfp_flows.kinds.speech.spectrograms import FramedRecordings as Kind
    return Kind(settings)


def skipped_remarks(skipped: dict[str, str]) -> list[str]:
    """Names what was left out, and counts it."""
    named = [f"left out: {reason}" for reason in list(skipped.values())[:_NAMED]]
    return [*named, f"{len(skipped):,} recordings are left out."] if len(skipped) > 1 else named

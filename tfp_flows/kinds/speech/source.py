"""The recordings of a fit."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.terminal import import_tensorflow

if TYPE_CHECKING:
    from tfp_flows.audio import Clip, MelSettings

# Held out of a source without parts of its own: a tenth, but five clips if that is at most a
# quarter.
_SHARE, _FEWEST, _MOST = 10, 5, 4
# Of the frames that are left, one of so many validates.
_VALIDATION = 16
_NAMED = 5


class SpeechSource:
    """Recordings in three parts, with their spectrograms; see `tfp_flows.runs.work.Source`.

    Attributes:
        mel: Settings of the spectrograms.
        train: Training clips end to end, in an order drawn by the seed.
        validation: Likewise, the last sixteenth.
        test: The clips held out.
        names: Their names.
        samples: Number of training samples, validation left out.
    """

    def __init__(
        self,
        train: "list[Clip]",
        test: "list[Clip]",
        mel: "MelSettings",
        settings: SpeechSettings,
        skipped: dict[str, str],
        remarks: list[str],
    ):
        from tfp_flows.audio import Framed

        self.mel, self._skipped, self._remarks = mel, skipped, remarks
        self._counts = {"train": len(train), "test": len(test)}
        order = np.random.default_rng(settings.seed).permutation(len(train))
        whole = Framed.joined([Framed.of(train[i].samples, mel) for i in order])
        frames = settings.segment // mel.hop
        kept = len(whole) - max(frames, len(whole) // _VALIDATION)
        if kept < frames:
            raise InputError(
                f"{settings.data} holds {len(whole) * mel.hop:,} samples to train and validate on; "
                f"give more than two segments of {settings.segment:,}, or a shorter --segment."
            )
        self.train, self.validation = whole[:kept], whole[kept:]
        self.samples = kept * mel.hop
        self.test: list[Framed] = [Framed.of(clip.samples, mel) for clip in test]
        self.names = [clip.name for clip in test]

    def digest(self, form: int) -> str:
        """A fingerprint of all samples, in order, and of how spectrograms are made."""
        found = hashlib.sha256(json.dumps(self.mel.record(), sort_keys=True).encode())
        for part in (self.train, self.validation, *self.test):
            found.update(f"{len(part)}".encode())
            found.update(np.ascontiguousarray(part.audio))
        return found.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Settings of the spectrograms, numbers of clips and samples, and what was left out."""
        return {
            "mel": self.mel.record(),
            "clips": self._counts,
            "training_samples": self.samples,
            "skipped": len(self._skipped),
        }

    def remarks(self) -> list[str]:
        """What was converted or left out."""
        return [*self._remarks, *skipped_remarks(self._skipped)]


def load(settings: SpeechSettings) -> SpeechSource:
    """Finds the recordings that a fit was asked for.

    Raises:
        InputError: If there are none, or too few.
    """
    import_tensorflow()
    from tfp_flows.audio import MelSettings, read_clips

    clips = read_clips(settings.data, rate=settings.rate, shortest=settings.window)
    train, test = clips.train, clips.test
    if not test:
        if len(train) < 2:
            raise InputError(
                f"{settings.data} holds one recording that can be used; give two or more, as one "
                "at least is held out."
            )
        count = min(max(_FEWEST, len(train) // _SHARE), max(1, len(train) // _MOST))
        train, test = train[:-count], train[-count:]
    high = min(8000.0, clips.rate / 2) if settings.high is None else settings.high
    mel = MelSettings(
        rate=clips.rate,
        hop=settings.hop,
        window=settings.window,
        bands=settings.bands,
        high=high,
    )
    return SpeechSource(train, test, mel, settings, clips.skipped, clips.remarks)


def skipped_remarks(skipped: dict[str, str]) -> list[str]:
    """Names what was left out, and counts it."""
    named = [f"left out: {reason}" for reason in list(skipped.values())[:_NAMED]]
    return [*named, f"{len(skipped):,} recordings are left out."] if len(skipped) > 1 else named

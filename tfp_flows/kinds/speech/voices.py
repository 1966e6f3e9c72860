"""Recordings for a flow that is given who speaks."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.audio import Spoken, Voices, convert
from tfp_flows.errors import InputError
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.source import VALIDATION, Recordings

if TYPE_CHECKING:
    from tfp_flows.audio import Clip

_SHARE = 10


class SpokenRecordings(Recordings):
    """Recordings with their speakers.

    Attributes:
        speakers: Their names, in order.
        train: Training clips of each speaker end to end, in an order drawn by the seed.
        validation: Likewise, the last sixteenth of each speaker.
        test: The clips held out.
    """

    swapped_key = "as_another_speaker"
    columns = ("recorded", "as another speaker")

    def __init__(self, settings: SpeechSettings):
        super().__init__(settings)
        parts = self._by_speaker(settings)
        self.speakers = sorted(parts)
        if len(self.speakers) < 2:
            raise InputError(
                f"{settings.data} holds enough recordings of {len(self.speakers)} speakers; "
                "give two or more, each in a sub-folder or with a name that begins those of the "
                f"files, and three segments of {settings.segment:,} samples of each."
            )
        kept = [self._kept(len(parts[name])) for name in self.speakers]
        pairs = [
            (parts[name][:count], parts[name][count:])
            for name, count in zip(self.speakers, kept, strict=True)
        ]
        self.train, self.validation = (Voices.of(part) for part in zip(*pairs, strict=True))
        self.samples = sum(kept)
        test = [clip for clip in self.clips.test if clip.speaker in self.speakers]
        self.clips.test[:] = test
        self.test = [self._spoken(clip.samples, self.place(clip)) for clip in test]

    def _by_speaker(self, settings) -> dict[str, np.ndarray]:
        """Samples of each speaker of whom there are enough; the others are left out, and said."""
        nameless = [c.name for c in (*self.clips.train, *self.clips.test) if c.speaker is None]
        if nameless:
            raise InputError(
                f"{settings.data} does not say who speaks in {len(nameless):,} recordings "
                f"({nameless[0]}); put those of each speaker into a sub-folder, or begin the names "
                "of files with the speaker's."
            )
        order = np.random.default_rng(settings.seed).permutation(len(self.clips.train))
        parts: dict[str, list[np.ndarray]] = {c.speaker: [] for c in self.clips.test}
        for i in order:
            clip = self.clips.train[i]
            parts.setdefault(clip.speaker, []).append(clip.samples)
        whole = {
            name: np.concatenate([np.zeros(0, np.float32), *samples])
            for name, samples in parts.items()
        }
        for name in sorted(whole):
            if len(whole[name]) < 3 * settings.segment:
                self.clips.skipped[name] = (
                    f"speaker {name} has {len(whole[name]):,} samples to train on, fewer than "
                    f"three segments of {settings.segment:,}."
                )
                del whole[name]
        return whole

    def _kept(self, samples: int) -> int:
        return samples - max(self.settings.segment, samples // VALIDATION)

    def held_out(self, train: "list[Clip]") -> "tuple[list[Clip], list[Clip]]":
        """The last tenth of each speaker's in the order of names, one at least."""
        by_speaker: dict[str | None, list[Clip]] = {}
        for clip in train:
            by_speaker.setdefault(clip.speaker, []).append(clip)
        test = [c for part in by_speaker.values() for c in part[-max(1, len(part) // _SHARE) :]]
        names = {clip.name for clip in test}
        return [clip for clip in train if clip.name not in names], test

    def place(self, clip: "Clip") -> int:
        """Place of a clip's speaker among all."""
        return self.speakers.index(clip.speaker)

    def _spoken(self, samples, speaker: int) -> Spoken:
        return Spoken.of(samples, speaker, len(self.speakers), self.mel.hop)

    @property
    def context(self) -> dict[str, Any]:
        """Arguments of the recipe."""
        return {"context_shape": (len(self.speakers),)}

    def digest(self, form: int) -> str:
        """And of who speaks."""
        test = [self.place(clip) for clip in self.clips.test]
        who = [self.train.lengths, self.validation.lengths, test]
        found = hashlib.sha256(super().digest(form).encode())
        found.update(json.dumps([self.speakers, *who]).encode())
        return found.hexdigest()

    def describe(self) -> dict[str, Any]:
        """And the names of the speakers."""
        return super().describe() | {"speakers": self.speakers}

    def batches(self, steps: int, epoch):
        """Segments with their speakers, drawn for training."""
        settings = self.settings
        return self.train.drawn(
            settings.segment, settings.batch_size, steps, seed=settings.seed, epoch=epoch
        )

    def swapped(self) -> list[Spoken]:
        """The held-out clips, each as if the next speaker spoke."""
        return [Spoken(clip.audio, np.roll(clip.context, 1)) for clip in self.test]

    def remade(self, flow, place: int) -> np.ndarray:
        """A held-out clip, said by the next speaker, ``[T]``."""
        clip = self.test[place]
        speaker = int(clip.context.argmax())
        return convert(flow, clip.audio.ravel(), speaker, (speaker + 1) % len(self.speakers))

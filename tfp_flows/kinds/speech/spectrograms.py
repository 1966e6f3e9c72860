"""Recordings for a flow that is given their mel spectrograms."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows.audio import Framed
from tfp_flows.errors import InputError
from tfp_flows.kinds.speech.scoring import another_mel
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.source import VALIDATION, Recordings

if TYPE_CHECKING:
    from tfp_flows.audio import Clip

TEMPERATURE = 0.6
# Held out of a source without parts of its own: a tenth, but five clips if that is at most a
# quarter.
_SHARE, _FEWEST, _MOST = 10, 5, 4


class FramedRecordings(Recordings):
    """Recordings with their spectrograms.

    Attributes:
        train: Training clips end to end, in an order drawn by the seed.
        validation: Likewise, the last sixteenth.
        test: The clips held out.
    """

    swapped_key = "with_another_mel"
    columns = ("recorded", f"from its mel, temperature {TEMPERATURE}")

    def __init__(self, settings: SpeechSettings):
        super().__init__(settings)
        mel, frames = self.mel, settings.segment // self.mel.hop
        order = np.random.default_rng(settings.seed).permutation(len(self.clips.train))
        whole = Framed.joined([Framed.of(self.clips.train[i].samples, mel) for i in order])
        kept = len(whole) - max(frames, len(whole) // VALIDATION)
        if kept < frames:
            raise InputError(
                f"{settings.data} holds {len(whole) * mel.hop:,} samples to train and validate on; "
                f"give more than two segments of {settings.segment:,}, or a shorter --segment."
            )
        self.train, self.validation = whole[:kept], whole[kept:]
        self.samples = kept * mel.hop
        self.test = [Framed.of(clip.samples, mel) for clip in self.clips.test]

    def held_out(self, train: "list[Clip]") -> "tuple[list[Clip], list[Clip]]":
        """The last ones in the order of names."""
        if len(train) < 2:
            raise InputError(
                f"{self.settings.data} holds one recording that can be used; give two or more, as "
                "one at least is held out."
            )
        count = min(max(_FEWEST, len(train) // _SHARE), max(1, len(train) // _MOST))
        return train[:-count], train[-count:]

    @property
    def context(self) -> dict[str, Any]:
        """Arguments of the recipe."""
        return {"context_shape": (None, self.mel.bands), "hop": self.mel.hop}

    def batches(self, steps: int, epoch):
        """Segments with their frames, drawn for training."""
        settings = self.settings
        frames, size = settings.segment // self.mel.hop, settings.batch_size
        return self.train.drawn(self.mel, frames, size, steps, seed=settings.seed, epoch=epoch)

    def to_validate(self) -> tuple[np.ndarray, np.ndarray]:
        """Segments with their frames."""
        return self.validation.cut(self.settings.segment // self.mel.hop)

    def swapped(self) -> list[Framed]:
        """The held-out clips, each with the frames of another one; none of one clip."""
        return another_mel(self.test) if len(self.test) > 1 else []

    def remade(self, flow, place: int) -> np.ndarray:
        """A held-out clip, made again from its spectrogram, ``[T]``."""
        made = flow.sample(
            context=self.test[place].mel[None],
            seed=self.settings.seed + place,
            temperature=TEMPERATURE,
        )
        return made[0, :, 0].numpy()

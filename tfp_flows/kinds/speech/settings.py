"""What a fit to recordings can be asked for."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.options import again, option
from tfp_flows.runs.settings import ACCUMULATE, Settings

_PANEL = "Speech"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpeechSettings(Settings):
    """Recordings and options of a fit to them."""

    data: str = again(
        Settings,
        "data",
        help="A folder of .wav, .flac or .ogg files, a .zip of them, or an .npz file of clips.",
    )
    rate: int | None = option(
        None,
        panel=_PANEL,
        metavar="HZ",
        min=1000,
        shown="that of most",
        help="Samples a second; recordings of another rate are resampled.",
    )
    segment: int = option(
        8192, panel=_PANEL, metavar="N", min=2, help="Samples of a training segment."
    )
    hop: int = option(256, panel=_PANEL, metavar="N", min=1, help="Samples from frame to frame.")
    window: int = option(1024, panel=_PANEL, metavar="N", min=2, help="Samples of a frame.")
    bands: int = option(80, panel=_PANEL, metavar="N", min=1, help="Mel bands of a frame.")
    high: float | None = option(
        None,
        panel=_PANEL,
        metavar="HZ",
        min=1.0,
        shown="8000, or half the rate",
        help="Upper edge of the mel bands.",
    )
    flow: str = again(Settings, "flow", "waveglow")
    epochs: int = again(Settings, "epochs", 200)
    patience: int = again(Settings, "patience", 60)
    batch_size: int = again(Settings, "batch_size", 4)
    accumulate: int = option(1, **ACCUMULATE)
    learning_rate: float = again(
        Settings, "learning_rate", 3e-3, help="Highest learning rate of Adam, lowered to 0."
    )

    def check(self) -> "SpeechSettings":
        """Makes the path of the recordings absolute.

        Raises:
            InputError: If an option is out of range, or two contradict one another.
        """
        settings, path = super().check(), Path(self.data)
        if self.segment % self.hop:
            raise InputError(
                f"--segment is {self.segment} and --hop {self.hop}; give a segment of whole frames."
            )
        return (
            dataclasses.replace(settings, data=str(path.resolve())) if path.exists() else settings
        )


def given_speakers(flow: str) -> bool:
    """Whether a flow is given who speaks, rather than a spectrogram."""
    return RECIPES[flow].context == (1,)

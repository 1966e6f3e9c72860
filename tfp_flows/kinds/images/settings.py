"""What a fit to images can be asked for."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.options import again, option
from tfp_flows.runs.settings import ACCUMULATE, KEY, Settings

_PANEL = "Images"
_ENLARGES = "super_resolution"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageSettings(Settings):
    """Images and options of a fit to them."""

    data: str = again(
        Settings,
        "data",
        help="A folder of pictures, an .npy or .npz file of bytes, mnist, "
        "fashion_mnist, cifar10, cifar100, or tfds:NAME.",
    )
    key: str | None = option(None, **KEY)
    size: int | None = option(
        None,
        panel=_PANEL,
        metavar="N",
        min=2,
        shown="as they are",
        help="Height and width: arrays are padded, files cropped and resized.",
    )
    grey: bool = option(False, panel=_PANEL, help="Turn colours to grey.")
    background: str = option(
        "white",
        panel=_PANEL,
        metavar="COLOUR",
        help="What shows through transparent pictures, such as black or #808080.",
    )
    flip: bool = option(False, panel=_PANEL, help="Flip training images left to right at random.")
    upscale: int | None = option(
        None,
        panel=_PANEL,
        metavar="FACTOR",
        min=2,
        help="Learn to enlarge: condition the flow on each image made so many times smaller.",
    )
    by_class: bool = option(False, panel=_PANEL, help="Condition the flow on the labels.")
    flow: str = again(Settings, "flow", "glow")
    epochs: int = again(Settings, "epochs", 100)
    patience: int = again(Settings, "patience", 20)
    batch_size: int = again(Settings, "batch_size", 32)
    accumulate: int = option(1, **ACCUMULATE)
    learning_rate: float = again(
        Settings, "learning_rate", 1e-3, help="Highest learning rate of Adam, lowered to 0."
    )
    tensorboard: str | None = again(
        Settings,
        "tensorboard",
        help="Folder for the logs of TensorBoard: measures and samples of each epoch.",
    )

    def check(self) -> "ImageSettings":
        """Makes the path of the images absolute.

        Raises:
            InputError: If an option is out of range, or two contradict one another.
        """
        settings, path = super().check(), Path(self.data)
        if self.tensorboard is not None and not self.plots:
            raise InputError(
                "--tensorboard shows samples, --no-plots draws none; give one of them."
            )
        if self.upscale is not None:
            _check_upscaling(settings)
        elif settings.flow == _ENLARGES:
            raise InputError(f"--flow {_ENLARGES} enlarges images; say how much by --upscale.")
        return (
            dataclasses.replace(settings, data=str(path.resolve())) if path.exists() else settings
        )


def _check_upscaling(settings: ImageSettings) -> None:
    if settings.flow not in ("glow", _ENLARGES):
        raise InputError(f"--upscale is for --flow glow, not {settings.flow}.")
    if settings.by_class:
        raise InputError("--upscale and --by-class contradict each other; give one of them.")
    if settings.size is not None and settings.size % settings.upscale:
        raise InputError(
            f"--upscale is {settings.upscale}, which does not divide --size {settings.size}."
        )

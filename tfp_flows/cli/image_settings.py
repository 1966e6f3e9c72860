"""What `fit` was asked to do with images, as one record that can be saved and compared."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError

IMAGE_FLOWS = ("realnvp_image", "glow")


@dataclasses.dataclass(frozen=True)
class ImageSettings:
    """Images and options of a fit.

    Attributes:
        data: Name of a data set, or absolute path of a file or folder.
        key: Array of a ``.npz`` file.
        size: Height and width to bring images to; None leaves them.
        grey: Whether colours are turned to grey.
        flip: Whether training images are flipped left to right.
        by_class: Whether the flow is conditioned on the class.
        flow: Name of the recipe.
        hidden: Channels of the residual blocks; the recipe's own if None.
        flow_option: Further arguments of the recipe.
        epochs: Most epochs.
        minutes: Most minutes of training; None for no limit.
        tensorboard: Absolute path of the folder for TensorBoard's logs, or None.
        patience: Epochs without improvement before training stops.
        batch_size: Images a step.
        learning_rate: Highest learning rate of Adam.
        seed: Seed of split, weights and order of images.
        plots: Whether pictures are drawn.
    """

    data: str
    key: str | None
    size: int | None
    grey: bool
    flip: bool
    by_class: bool
    flow: str
    hidden: list[int] | None
    flow_option: dict[str, Any]
    epochs: int
    minutes: float | None
    tensorboard: str | None
    patience: int
    batch_size: int
    learning_rate: float
    seed: int
    plots: bool

    @classmethod
    def from_json(cls, values: dict, path: Path) -> "ImageSettings":
        """Rebuilds what `dataclasses.asdict` returned.

        Raises:
            InputError: If the entries are not those of a fit to images.
        """
        try:
            return cls(**values)
        except TypeError:
            raise InputError(f"{path} is not a record of a tfp-flows fit to images.") from None


def is_record_of_images(record: dict) -> bool:
    """Whether a record of a run, ``settings`` inside, is one of images."""
    return record.get("settings", {}).get("flow") in IMAGE_FLOWS


def same(settings: ImageSettings, other: ImageSettings) -> list[str]:
    """Names of the entries in which two records differ."""
    one, two = (json.loads(json.dumps(dataclasses.asdict(s))) for s in (settings, other))
    return [name for name in one if one[name] != two[name]]

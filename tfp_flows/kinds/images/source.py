"""The images of a fit."""

import hashlib
from typing import Any

import numpy as np

from tfp_flows import datasets
from tfp_flows.datasets import Images
from tfp_flows.errors import InputError
from tfp_flows.kinds.images.settings import ImageSettings
from tfp_flows.terminal import import_tensorflow, note


class ImageSource:
    """Images in three parts; see `tfp_flows.runs.work.Source`.

    Attributes:
        images: The images.
        classes: Number of classes on which the flow is conditioned; 0 for none.
    """

    def __init__(self, images: Images, classes: int):
        self.images, self.classes = images, classes

    def digest(self, form: int) -> str:
        """A fingerprint of pixels and labels, or of names and contents of files."""
        images = self.images
        found = hashlib.sha256(f"{images.shape} {tuple(images.sizes)} {images.classes}".encode())
        arrays = [getattr(images, "pixels", None), getattr(images, "labels", None)]
        for parts in arrays if form else arrays[:1]:  # format 0 knows nothing of labels
            for part in parts or ():
                found.update(np.ascontiguousarray(part))
        for part in getattr(images, "files", None) or ():
            for path in part:
                found.update(f"{path.name} {path.stat().st_size}".encode())
                if form:  # format 0 trusts the sizes
                    found.update(path.read_bytes())
        return found.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Shape, classes, and how many files were left out."""
        images = self.images
        return {
            "shape": list(images.shape),
            "classes": images.classes,
            "skipped": len(getattr(images, "skipped", {})),
        }

    def remarks(self) -> list[str]:
        """What was converted or left out; some files are found to be damaged when they are read."""
        return list(self.images.remarks)


def load(settings: ImageSettings) -> ImageSource:
    """Finds the images that a fit was asked for.

    Raises:
        InputError: If there are none, or they do not fit together.
    """
    import_tensorflow()
    images = datasets.load_images(
        settings.data,
        size=settings.size,
        key=settings.key,
        grey=settings.grey,
        background=settings.background,
        seed=settings.seed,
    )
    if settings.by_class and not images.classes:
        raise InputError(f"{settings.data} has no labels; leave --by-class out.")
    return ImageSource(images, images.classes if settings.by_class else 0)


def note_skipped(images: Images, fate: str = "left out") -> None:
    """Names the files that cannot be read; some are found to be damaged only when they are read."""
    skipped = getattr(images, "skipped", {})
    for name, reason in skipped.items():
        note(f"{name} is {fate}. {reason}")
    if len(skipped) > 1:
        note(f"{len(skipped)} files are {fate}.")

"""The images that every model gets."""

import os

from tfp_flows.datasets import ArrayImages, load_images
from tfp_flows.errors import InputError

SIZE = 32


def load(path: str | os.PathLike[str], seed: int) -> ArrayImages:
    """Reads arrays of images, padded with zeros to 32 x 32 pixels.

    Args:
        path: An ``.npy`` or ``.npz`` file; see `tfp_flows.datasets.load_images`.
        seed: Seed of the splits.

    Raises:
        InputError: If it is no such file, or its images are larger.
    """
    images = load_images(path, size=SIZE, seed=seed)
    if not isinstance(images, ArrayImages):
        raise InputError(f"{path} is a folder; give an .npy or .npz file of images.")
    return images

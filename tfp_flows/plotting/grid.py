"""Images side by side, as one image."""

import math
import os
from pathlib import Path

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def image_grid(images: np.ndarray, *, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Puts images side by side.

    Args:
        images: ``[n, height, width, channels]`` from 0 to 255, with 1 or 3 channels.
        columns: Images in a row; about as many as rows by default.
        gap: Pixels between images, white.

    Returns:
        Bytes ``[rows, width, 3]``.

    Raises:
        InputError: If the images have another shape.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not len(images):
        raise InputError(
            f"A grid needs images [n, height, width, 1 or 3], got an array of shape {images.shape}."
        )
    count, height, width, _ = images.shape
    columns = min(count, math.ceil(math.sqrt(count)) if columns is None else columns)
    rows = math.ceil(count / columns)
    pixels = np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(pixels):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def save_image(image: np.ndarray, path: str | os.PathLike[str], *, zoom: int = 1) -> Path:
    """Writes an image to a file, all of it or nothing.

    Args:
        image: Bytes ``[height, width, 3]``.
        path: A .png, .jpg or .webp file.
        zoom: How many times each pixel is repeated.

    Raises:
        InputError: a suffix that is none of these, or a file that cannot be written.
    """
    from PIL import Image

    path = Path(path)
    check_picture(path)
    picture = Image.fromarray(np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1))
    with atomic_path(path) as temporary:
        picture.save(temporary, format=_FORMATS[path.suffix.lower()])
    return path


def check_picture(path: str | os.PathLike[str], *further: str) -> bool:
    """Checks that an image can be written to a file, before the work is done.

    Args:
        path: The file.
        *further: Suffixes that will do as well.

    Returns:
        Whether it is a picture, and none of the further ones.

    Raises:
        InputError: If its suffix is another one.
    """
    suffix, allowed = Path(path).suffix, (*_FORMATS, *further)
    if suffix.lower() not in allowed:
        raise InputError(
            f"Cannot write {path}: its suffix is {suffix!r}; use one of {', '.join(allowed)}."
        )
    return suffix.lower() in _FORMATS


def save_images(
    images: np.ndarray, path: str | os.PathLike[str], *, columns: int | None = None
) -> None:
    """Writes images: a picture with a grid of them, or an ``.npy`` file of bytes.

    Args:
        images: ``[n, height, width, channels]``, 0 to 255; what is not finite or beyond is clipped.
        path: The file.
        columns: Images side by side in the grid.

    Raises:
        InputError: If the file cannot be written.
    """
    if check_picture(path, ".npy"):
        save_image(image_grid(images, columns=columns), path, zoom=3)
        return
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8))

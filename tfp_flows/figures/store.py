"""Writing pictures to files that say what they show, and finding the stale ones."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.figures import FIGURES
from tfp_flows.figures.record import Record, difference, record
from tfp_flows.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 120
_MARGIN = 14  # pixels around a picture, as it may lie on a dark page
_RECORD, _PIXELS = "tfp-flows:shows", "tfp-flows:pixels"


def path_of(folder: Path, name: str) -> Path:
    """The file of a picture."""
    return folder / f"{name}.png"


def write(folder: Path, name: str) -> Path:
    """Draws a picture to its file, with a record of what it shows.

    Args:
        folder: Where; it is made if missing.
        name: A key of `FIGURES`.

    Returns:
        The file.

    Raises:
        InputError: If the file cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {folder}: {error.strerror}.") from error
    figure = FIGURES[name].draw()
    pixels = _pixels(figure)
    about = PngInfo()
    about.add_text(_RECORD, json.dumps(record(figure)), zip=True)
    about.add_text(_PIXELS, _digest(pixels))
    path = path_of(folder, name)
    with atomic_path(path) as temporary:
        picture = Image.fromarray(pixels)
        picture.save(temporary, "PNG", optimize=True, pnginfo=about, dpi=(_DPI, _DPI))
    return path


def stale(folder: Path, names: Iterable[str] = tuple(FIGURES)) -> dict[str, str]:
    """Finds the pictures that the code would draw otherwise today.

    A file is good if its pixels are those that were written with its record, and the record says
    what the code shows now.

    Args:
        folder: Where the pictures are.
        names: Which to look at, keys of `FIGURES`.

    Returns:
        Name of each stale picture to what is wrong with it.
    """
    found = {name: _fault(path_of(folder, name), name) for name in names}
    return {name: fault for name, fault in found.items() if fault}


def strangers(folder: Path) -> dict[str, str]:
    """Finds the pictures in a folder that no code draws: name to what is wrong with it."""
    names = sorted({path.stem for path in folder.glob("*.png")} - set(FIGURES))
    return dict.fromkeys(names, "no code draws it")


def _fault(path: Path, name: str) -> str | None:
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        return "there is no such file"
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
            about = dict(image.text)
        shows: Record = json.loads(about[_RECORD])
    except (UnidentifiedImageError, OSError, KeyError, AttributeError, ValueError):
        return "the file was not written by this command"
    if about.get(_PIXELS) != _digest(pixels):
        return "the file was changed by something else"
    picture = FIGURES[name]
    return difference(shows, record(picture.draw()), picture.tolerance)


def _pixels(figure: "Figure") -> np.ndarray:
    figure.set_dpi(_DPI)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    return np.pad(pixels, [(_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)], constant_values=255)


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()

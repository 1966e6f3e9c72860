"""One picture in a file: what its header says, and its bytes in the shape that is asked for."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tfp_flows.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".avif", ".tga"),
)
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_TIFF_SIZE = (257, 256)
# Where a PNG file may say how it was held; without them Pillow would decode it to look further.
_SAY_ORIENTATION = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")


class Facts(NamedTuple):
    """What the header of a picture says.

    Attributes:
        height: Its height, as it is to be seen.
        width: Its width.
        grey: Whether it has no colours.
        transparent: Whether it has transparency.
        deep: Whether it has more than 8 bits.
        moving: Whether it has several frames or pages.
    """

    height: int
    width: int
    grey: bool
    transparent: bool
    deep: bool
    moving: bool


def facts_of(path: Path) -> Facts:
    """Reads the header of a picture.

    Raises:
        InputError: If the file is damaged or no picture.
    """
    with _opened(path) as image:
        height, width = image.height, image.width
        if image.format == "TIFF":  # turned by Pillow itself, by some versions before it is loaded
            height, width = (image.tag_v2[tag] for tag in _TIFF_SIZE)
        if _orientation(image) >= 5:
            height, width = width, height
        deep = image.mode.startswith("I;16") or image.mode in ("I", "F")
        return Facts(
            height, width, _is_grey(image), _is_transparent(image), deep, _is_moving(image)
        )


def background_colour(name: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour, by name or as ``#rrggbb``.

    Raises:
        InputError: If there is no such colour.
    """
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(str(name))[:3]
    except ValueError:
        raise InputError(
            f"Unknown background {name!r}; give a colour, such as white, black or #808080."
        ) from None


def read_image(
    path: Path, shape: tuple[int, int, int], *, background: str = "white", crop: bool = True
) -> np.ndarray:
    """Reads an image, cropped to the middle in the ratio of ``shape`` and resized to it.

    It is turned as the camera says that it was held (EXIF). Of 16 bits the upper 8 are kept, of
    several frames the first. Transparent places show the background.

    Args:
        path: A file that Pillow reads.
        shape: ``(height, width, channels)``.
        background: Colour behind transparent places, by name or as ``#rrggbb``.
        crop: Whether it is cropped; stretched otherwise, so that no edge is lost.

    Returns:
        Bytes of the given shape; one channel is grey, three are red, green and blue.

    Raises:
        InputError: If the file is damaged or no image, has numbers whose white is not known, or
            there is no such colour.
    """
    from PIL import Image, ImageOps

    colour = background_colour(background)
    with _opened(path) as image:
        image.load()
        orientation = _orientation(image)
        image = _of_eight_bits(image, path)
        if _is_transparent(image):
            base = Image.new("RGBA", image.size, (*colour, 255))
            image = Image.alpha_composite(base, image.convert("RGBA"))
        image = _upright(image.convert("L" if shape[2] == 1 else "RGB"), orientation)
        size, how = (shape[1], shape[0]), Image.Resampling.BOX
        image = ImageOps.fit(image, size, how) if crop else image.resize(size, how)
        return np.asarray(image, np.uint8).reshape(shape)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator["Image"]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            yield image
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"Cannot read {path}: it is damaged or no image.") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"Cannot read {path}: it has too many pixels; make it smaller.") from error
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"Cannot read {path}: it is damaged or no image ({reason}).") from error
    except Exception as error:  # decoders of damaged files raise anything
        raise InputError(f"Cannot read {path}: it is damaged or no image ({error}).") from error


def _orientation(image: "Image") -> int:
    """How a camera was held, 1 to 8 as EXIF counts it."""
    if image.format == "PNG" and not any(name in image.info for name in _SAY_ORIENTATION):
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow parses EXIF lazily; damaged, it says nothing
        return 1


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _is_grey(image: "Image") -> bool:
    if image.mode in ("P", "PA"):
        colours = np.reshape(image.getpalette("RGB") or [], (-1, 3))
        return bool((colours == colours[:, :1]).all())
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")


def _is_transparent(image: "Image") -> bool:
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _is_moving(image: "Image") -> bool:
    # Telephones write .jpg files of format MPO, with a preview behind the picture.
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # looking for a second frame, decoders raise anything
        return False


def _of_eight_bits(image: "Image", path: Path) -> "Image":
    """The picture itself, or the upper 8 bits of one that has more."""
    from PIL import Image

    whole = image.mode == "I" and image.format in ("PNG", "PPM")
    if image.mode in ("I", "F") and not whole:
        raise InputError(
            f"Cannot read {path}: it holds numbers of 32 bits, of which none is known to be white; "
            "save it with 8 or 16 bits."
        )
    if not whole and not image.mode.startswith("I;16"):
        return image
    bits = 16
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
    values = np.asarray(image).astype(np.int64)
    grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey

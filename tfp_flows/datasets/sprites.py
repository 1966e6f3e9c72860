"""Pictures of simple shapes, of which all that varies is known."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.errors import InputError

SPRITE_FACTORS = ("shape", "scale", "rotation", "across", "down")
"""What varies, in the order of the columns of `Sprites.factors`."""
_SHAPES = 3
_SMALLEST, _LEAST_SCALE = 8, 0.5
# Of the picture's side: half the extent of the largest shape, and how far its centre gets.
_EXTENT, _REACH = 0.2, 0.25
_SAMPLES = 4
_RADIUS = 1.25


class Sprites(NamedTuple):
    """Drawn shapes.

    Attributes:
        pictures: Bytes ``[n, size, size, 1]``.
        factors: ``[n, 5]`` integers from 0 on, of `SPRITE_FACTORS`.
    """

    pictures: np.ndarray
    factors: np.ndarray


def sprites(*, size: int = 32, values: Sequence[int] = (3, 4, 8, 8, 8)) -> Sprites:
    """Draws each combination of shape, scale, rotation and place once: white on black.

    A square, an ellipse or a heart, from half of the largest scale to all of it, turned by less
    than 90 degrees (a square looks the same after that), its centre on a grid of places. Edges are
    smooth: each pixel is the mean of 16 points. After dSprites (Matthey et al. 2017), by a few
    lines of arithmetic and with fewer values of each factor.

    Args:
        size: Height and width in pixels, at least 8.
        values: How many values each of `SPRITE_FACTORS` has, 3 shapes at most. The default makes
            6,144 pictures, in about two seconds.

    Raises:
        InputError: If the size, or a number of values, is out of range.
    """
    if not isinstance(size, int | np.integer) or size < _SMALLEST:
        raise InputError(f"size is {size!r}; give a whole number of at least {_SMALLEST} pixels.")
    counts = [int(n) if isinstance(n, int | np.integer) else 0 for n in values]
    if len(counts) != len(SPRITE_FACTORS) or min(counts) < 1 or counts[0] > _SHAPES:
        raise InputError(
            f"values are {values!r}; give the number of values of {', '.join(SPRITE_FACTORS)}, "
            f"each 1 at least and the first {_SHAPES} at most."
        )
    fine = size * _SAMPLES
    points = ((np.arange(fine) + 0.5) / fine - 0.5).astype(np.float32)
    scales = np.linspace(_LEAST_SCALE, 1, counts[1]) if counts[1] > 1 else [1.0]
    angles = np.arange(counts[2]) * math.pi / 2 / counts[2]
    across, down = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in counts[3:])
    pictures = [
        _drawn(shape, scale * _EXTENT, angle, points - _REACH * x, points - _REACH * y)
        for shape, scale, angle, x, y in itertools.product(
            range(counts[0]), scales, angles, across, down
        )
    ]
    factors = np.stack(np.unravel_index(np.arange(math.prod(counts)), counts), axis=1)
    return Sprites(np.stack(pictures)[..., None], factors)


def _drawn(shape: int, extent: float, angle: float, x, y) -> np.ndarray:
    """Bytes of one picture, of points at these distances from the shape's centre."""
    x, y = x / np.float32(extent), y / np.float32(extent)
    picture = np.zeros([len(x) // _SAMPLES] * 2, np.uint8)
    columns, rows = (_near(distances) for distances in (x, y))
    x, y = x.reshape(-1, _SAMPLES)[columns].ravel(), y.reshape(-1, _SAMPLES)[rows].reshape(-1, 1)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    u, v = cos * x + sin * y, cos * y - sin * x
    if shape == 0:
        inside = np.maximum(np.abs(u), np.abs(v)) < 0.85
    elif shape == 1:
        inside = u * u + v * v / 0.36 < 1
    else:
        # (a^2 + b^2 - 1)^3 < a^2 b^3, upside up.
        a, b = 1.2 * u, 0.15 - 1.2 * v
        a2, b2 = a * a, b * b
        rest = a2 + b2 - 1
        inside = rest * rest * rest < a2 * b2 * b
    counts = inside.reshape(len(y) // _SAMPLES, _SAMPLES, -1).sum(axis=1, dtype=np.uint8)
    counts = counts.reshape(len(counts), -1, _SAMPLES).sum(axis=2, dtype=np.uint8)
    picture[rows, columns] = np.round(255 / _SAMPLES**2 * counts)
    return picture


def _near(distances) -> slice:
    """The pixels along a side that a shape may reach."""
    inside = np.flatnonzero(np.abs(distances).reshape(-1, _SAMPLES).min(axis=1) < _RADIUS)
    return slice(inside[0], inside[-1] + 1)

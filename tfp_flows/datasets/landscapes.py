"""Small pictures of hills under a sky, drawn by a few lines of arithmetic, for a first try."""

import numpy as np

from tfp_flows.datasets._checks import checked_count, generator
from tfp_flows.errors import InputError

_SMALLEST = 8
_OVERSAMPLING = 3
_RIDGES = 3
_NOISE = 2.0
_CHUNK = 256

# Colours at night, at dusk and by day, between which the daylight interpolates.
_HOURS = np.array([0.0, 0.5, 1.0])
_ZENITH = np.array([[8, 10, 32], [64, 62, 120], [52, 120, 206]], float)
_HORIZON = np.array([[28, 30, 66], [244, 150, 92], [196, 222, 240]], float)
_GROUND = np.array([[10, 16, 22], [64, 56, 58], [70, 122, 58]], float)
_DISC = np.array([[226, 226, 208], [255, 214, 150], [255, 246, 206]], float)


def landscapes(
    num_samples: int,
    *,
    size: int = 32,
    daylight: np.ndarray | float | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Draws pictures of hills under a sky with a sun or a moon.

    Each has its own daylight, place of the disc and shape of the hills, and a little noise, as a
    camera has. The same seed gives the same hills and discs whatever the daylight is.

    Args:
        num_samples: Number of pictures.
        size: Height and width in pixels, at least 8.
        daylight: From 0, night, to 1, noon; one number or ``[num_samples]``. Drawn uniformly by
            default.
        seed: Seed of the draw.

    Returns:
        Bytes ``[num_samples, size, size, 3]``.

    Raises:
        InputError: a count, size, daylight or seed that is out of range.
    """
    count, rng = checked_count(num_samples), generator(seed)
    if not isinstance(size, int | np.integer) or size < _SMALLEST:
        raise InputError(f"size is {size!r}; give a whole number of at least {_SMALLEST} pixels.")
    hours = rng.uniform(size=count)
    if daylight is not None:
        hours = np.broadcast_to(np.asarray(daylight, float), (count,))
        if not ((hours >= 0) & (hours <= 1)).all():
            raise InputError(f"daylight is {daylight!r}; give numbers from 0 to 1.")
    scene = {
        "disc": rng.uniform([0.1, 0.1], [0.9, 0.4], size=(count, 2)),
        "radius": rng.uniform(0.05, 0.11, size=count),
        "height": rng.uniform(0.02, 0.07, size=(count, _RIDGES, 3)),
        "phase": rng.uniform(0, 2 * np.pi, size=(count, _RIDGES, 3)),
    }
    pictures = np.empty((count, size, size, 3), np.uint8)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        fine = _draw({key: values[part] for key, values in scene.items()}, hours[part], size)
        noisy = fine + _NOISE * rng.standard_normal(fine.shape)
        pictures[part] = np.clip(np.round(noisy), 0, 255)
    return pictures


def _draw(scene: dict[str, np.ndarray], hours: np.ndarray, size: int) -> np.ndarray:
    """Pictures ``[n, size, size, 3]``, averaged from finer ones so that edges are smooth."""
    fine = size * _OVERSAMPLING
    place = (np.arange(fine) + 0.5) / fine
    down, across = place[None, :, None], place[None, None, :]
    zenith, horizon, ground, disc = (
        _interpolated(table, hours) for table in (_ZENITH, _HORIZON, _GROUND, _DISC)
    )
    share = np.minimum(down / 0.75, 1)[..., None]
    picture = zenith + share * (horizon - zenith)
    x, y = (scene["disc"][:, axis, None, None] for axis in (0, 1))
    inside = (across - x) ** 2 + (down - y) ** 2 < scene["radius"][:, None, None] ** 2
    picture = np.where(inside[..., None], disc, np.broadcast_to(picture, (*inside.shape, 3)))
    for ridge in range(_RIDGES):
        waves = np.arange(1, 4) * (ridge + 2)
        phase, height = scene["phase"][:, ridge, :, None], scene["height"][:, ridge, :, None]
        crest = (height * np.sin(waves[:, None] * place + phase) / [[1], [1.5], [2]]).sum(axis=1)
        under = down > 0.55 + 0.14 * ridge - crest[:, None, :]
        # Far hills fade into the colour of the horizon.
        haze = 0.55 * (1 - ridge / (_RIDGES - 1))
        picture = np.where(under[..., None], ground + haze * (horizon - ground), picture)
    blocks = picture.reshape(len(hours), size, _OVERSAMPLING, size, _OVERSAMPLING, 3)
    return blocks.mean(axis=(2, 4))


def _interpolated(table: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Colours ``[n, 1, 1, 3]`` at the hours ``[n]``."""
    channels = [np.interp(hours, _HOURS, column) for column in table.T]
    return np.stack(channels, axis=-1)[:, None, None, :]

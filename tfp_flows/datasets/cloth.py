"""Pictures of woven cloth, good and spoiled, drawn by a few lines of arithmetic."""

from pathlib import Path

import numpy as np

from tfp_flows.datasets._checks import checked_count, generator
from tfp_flows.errors import InputError, unknown_name

DEFECTS = ("scratch", "stain", "worn")
"""A thin bright line; a spot a little darker than the cloth; no weave, as bright as the cloth."""
_SMALLEST = 32
_THREADS = 9.0
_BRIGHTNESS, _CONTRAST, _NOISE = 0.5, 0.35, 0.02
_THREAD_MEAN = 0.64  # of a sine over the half wave of a thread
_WAVES = 6


def cloth(
    num_samples: int, *, size: int = 224, defect: str | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws pictures of a plain weave under a camera that is never quite straight.

    Angle, width of the threads and light differ from picture to picture, the threads wander, and
    there is noise.

    Args:
        num_samples: Number of pictures.
        size: Height and width in pixels, at least 32.
        defect: One of `DEFECTS` in each picture, of random place, direction and extent; none by
            default.
        seed: Seed of the draw. The same seed gives the same cloth whatever the defect is.

    Returns:
        Bytes ``[num_samples, size, size, 1]``, and masks, booleans ``[num_samples, size, size]``,
        True where the defect is.

    Raises:
        InputError: A count, size or seed that is out of range, or an unknown defect.
    """
    count, rng = checked_count(num_samples), generator(seed)
    if not isinstance(size, int | np.integer) or size < _SMALLEST:
        raise InputError(f"size is {size!r}; give a whole number of at least {_SMALLEST} pixels.")
    if defect is not None and defect not in DEFECTS:
        raise unknown_name("defect", defect, DEFECTS)
    seeds = rng.integers(2**63, size=count)
    drawn = [_picture(np.random.default_rng(own), size, defect) for own in seeds]
    pictures = np.stack([picture for picture, _ in drawn])
    masks = np.stack([mask for _, mask in drawn])
    return pictures[..., None], masks


def write_cloth(
    folder: str | Path,
    *,
    train: int = 200,
    test: int = 40,
    size: int = 224,
    seed: int = 0,
) -> Path:
    """Writes pictures of cloth as a tree in the layout of MVTec AD.

    ``train/good``, ``test/good``, and ``test/DEFECT`` with ``ground_truth/DEFECT`` for each of
    `DEFECTS`: what ``tfp-flows fit --flow fastflow``, ``score`` and ``evaluate`` take.

    Args:
        folder: Where; it is made.
        train: Number of good pictures to learn from.
        test: Number of good pictures to judge, and of each defect.
        size: See `cloth`.
        seed: See `cloth`.

    Returns:
        The folder.

    Raises:
        InputError: See `cloth`; or the folder is there and not empty.
    """
    from PIL import Image

    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already; give a folder that is not, or an empty one.")
    parts = {"train/good": (train, None), "test/good": (test, None)}
    parts |= {f"test/{defect}": (test, defect) for defect in DEFECTS}
    for place, (name, (count, defect)) in enumerate(parts.items()):
        drawn = cloth(count, size=size, defect=defect, seed=seed + place)
        own = folder / name
        own.mkdir(parents=True)
        truth = folder / "ground_truth" / own.name
        if defect is not None:
            truth.mkdir(parents=True)
        for i, (picture, mask) in enumerate(zip(*drawn, strict=True)):
            Image.fromarray(picture[..., 0]).save(own / f"{i:03}.png")
            if defect is not None:
                Image.fromarray(np.uint8(255 * mask)).save(truth / f"{i:03}_mask.png")
    return folder


def _picture(rng: np.random.Generator, size: int, defect: str | None):
    """Bytes and a mask ``[size, size]``."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    angle, threads = rng.normal(0, 0.08), _THREADS * np.exp(rng.normal(0, 0.04))
    u = (x * np.cos(angle) + y * np.sin(angle)) * threads + rng.uniform()
    v = (y * np.cos(angle) - x * np.sin(angle)) * threads + rng.uniform()
    u, v = u + 0.12 * _wandering(rng, x, y, 4), v + 0.12 * _wandering(rng, x, y, 4)
    over = (np.floor(u) + np.floor(v)) % 2 == 0  # which of the two threads lies above
    thread = np.where(over, np.sin(np.pi * (u % 1)), np.sin(np.pi * (v % 1)))
    weave = _CONTRAST * (thread - _THREAD_MEAN)
    light = rng.normal(_BRIGHTNESS, 0.03) + 0.03 * _wandering(rng, x, y, 2)
    noise = _NOISE * rng.standard_normal((size, size))
    mask = np.zeros((size, size), bool)
    if defect is not None:
        inside, texture = _place_of(rng, x, y, defect)
        mask = inside > 0.5
        if defect == "scratch":
            light = light + 0.3 * inside
        elif defect == "stain":
            light = light - 0.18 * inside * texture
        else:
            weave = weave * (1 - inside)
    picture = np.clip(light + weave + noise, 0, 1)
    return np.uint8(np.round(255 * picture)), mask


def _place_of(rng, x, y, defect):
    """How much of each pixel the defect covers, 0 to 1, and a texture of its own about 1."""
    cx, cy = rng.uniform(0.25, 0.75, 2)
    angle = rng.uniform(0, np.pi)
    along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    texture = 1 + 0.15 * _wandering(rng, x, y, 6)
    if defect == "scratch":
        length, width = rng.uniform(0.12, 0.25), rng.uniform(0.008, 0.014)
        bent = across - rng.normal(0, 0.8) * along**2
        return _inside(np.maximum(np.abs(along) / length, np.abs(bent) / width)), texture
    long, short = rng.uniform(0.08, 0.16, 2)
    distance = np.hypot(along / long, across / short)
    return _inside(distance * texture), texture


def _inside(distance):
    """1 inside of distance 1, 0 outside, with a narrow edge."""
    return np.clip((1.1 - distance) / 0.2, 0, 1)


def _wandering(rng, x, y, cells):
    """A smooth random field of variance 1, a few waves of up to `cells` across the picture."""
    kx, ky = rng.uniform(-cells, cells, (2, _WAVES))
    phase = rng.uniform(0, 2 * np.pi, _WAVES)
    waves = np.cos(2 * np.pi * (kx * x[..., None] + ky * y[..., None]) / 2 + phase)
    return waves.sum(axis=-1) * np.sqrt(2 / _WAVES)

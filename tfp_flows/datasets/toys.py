"""Seeded toy data in the plane, with the exact density where there is one.

Every toy returns float32 ``[n, 2]`` of independent draws, has mean zero, and a root mean square
coordinate of about 1 (two moons: 0.87 across and 0.50 up), so none needs standardising.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tfp_flows.datasets._checks import checked_count, checked_scale, generator
from tfp_flows.datasets.potentials import POTENTIALS, sample_potential
from tfp_flows.errors import InputError, unknown_name

_GAUSSIANS_RADIUS = np.sqrt(2.0)
_GAUSSIANS_STD = 0.15


def two_moons(num_samples: int, *, seed: int = 0, noise: float = 0.05) -> np.ndarray:
    """Two interleaved half circles of radius 1.

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.
        noise: Standard deviation of the Gaussian noise around the arcs.

    Returns:
        float32 ``[num_samples, 2]``, without noise in ``[-1.5, 1.5] x [-0.75, 0.75]``.

    Raises:
        InputError: a count, seed or noise that is out of range.
    """
    count, rng, noise = _start(num_samples, seed, noise)
    side = rng.choice([-1.0, 1.0], size=count)
    angle = rng.uniform(0.0, np.pi, size=count)
    arc = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=-1)
    return _finish(side[:, None] * arc + noise * rng.standard_normal((count, 2)))


def rings(num_samples: int, *, seed: int = 0, noise: float = 0.05) -> np.ndarray:
    """Four concentric circles of radius 0.5, 1, 1.5 and 2, each with a quarter of the mass.

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.
        noise: Standard deviation of the Gaussian noise around the circles.

    Returns:
        float32 ``[num_samples, 2]``; each coordinate has a standard deviation of about 0.97.

    Raises:
        InputError: a count, seed or noise that is out of range.
    """
    count, rng, noise = _start(num_samples, seed, noise)
    radius = 0.5 * rng.integers(1, 5, size=count)
    points = _polar(radius, rng.uniform(0.0, 2 * np.pi, size=count))
    return _finish(points + noise * rng.standard_normal((count, 2)))


def spirals(
    num_samples: int, *, seed: int = 0, noise: float = 0.05, turns: float = 1.5
) -> np.ndarray:
    """Two arms that wind from the centre out to radius 2.

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.
        noise: Standard deviation of the Gaussian noise around the arms.
        turns: How often an arm goes round the centre.

    Returns:
        float32 ``[num_samples, 2]``; each coordinate has a standard deviation of about 1.

    Raises:
        InputError: a count, seed, noise or number of turns that is out of range.
    """
    count, rng, noise = _start(num_samples, seed, noise)
    turns = checked_scale("turns", turns)
    # Radius 2 sqrt(u): points are about evenly spaced along an arm, and mean(radius^2) is 2.
    share = np.sqrt(rng.uniform(size=count))
    side = rng.choice([-1.0, 1.0], size=count)
    arm = _polar(2.0 * share, 2 * np.pi * turns * share)
    return _finish(side[:, None] * arm + noise * rng.standard_normal((count, 2)))


def pinwheel(
    num_samples: int,
    *,
    seed: int = 0,
    radial_noise: float = 0.3,
    tangential_noise: float = 0.1,
    twist: float = 0.25,
    arms: int = 5,
) -> np.ndarray:
    """Bent Gaussian blades around the centre, after Johnson et al. 2016 (arXiv 1603.06277).

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.
        radial_noise: Standard deviation along a blade, in units of the blades' distance.
        tangential_noise: Standard deviation across a blade, in the same units.
        twist: A point at distance r along its blade is turned by ``twist * exp(r)`` radians.
        arms: Number of blades, at least 2.

    Returns:
        float32 ``[num_samples, 2]``; each coordinate has a standard deviation of about 1.

    Raises:
        InputError: a count, seed, noise or number of arms that is out of range.
    """
    count, rng, radial_noise = _start(num_samples, seed, radial_noise, "radial_noise")
    tangential_noise = checked_scale("tangential_noise", tangential_noise)
    if arms < 2:
        raise InputError(f"arms is {arms!r}; give at least 2, so that the mean is zero.")
    along = 1.0 + radial_noise * rng.standard_normal(count)
    across = tangential_noise * rng.standard_normal(count)
    blade = 2 * np.pi * rng.integers(arms, size=count) / arms
    angle = blade + twist * np.exp(along) + np.arctan2(across, along)
    mean_square = 1.0 + radial_noise**2 + tangential_noise**2
    return _finish(_polar(np.hypot(along, across), angle) / np.sqrt(mean_square / 2))


def checkerboard(num_samples: int, *, seed: int = 0) -> np.ndarray:
    """Uniform on the eight dark unit squares of a 4 x 4 board on ``[-2, 2)^2``.

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.

    Returns:
        float32 ``[num_samples, 2]``; each coordinate has a standard deviation of 1.15.

    Raises:
        InputError: a count or seed that is out of range.
    """
    count, rng, _ = _start(num_samples, seed, 0.0)
    row = rng.integers(4, size=count)
    column = 2 * rng.integers(2, size=count) + row % 2
    corner = np.stack([column, row], axis=-1) - 2.0
    points = _finish(corner + rng.uniform(size=(count, 2)))
    # Rounding to float32 can carry a point over the far edge, into a square without mass.
    return np.minimum(points, np.nextafter(_finish(corner + 1.0), np.float32(-np.inf)))


def checkerboard_log_prob(x: np.ndarray) -> np.ndarray:
    """Exact log density of :func:`checkerboard` in nats.

    Args:
        x: Points ``[..., 2]``.

    Returns:
        float64 ``[...]``: ``-log 8`` on a dark square, ``-inf`` elsewhere. The entropy is log 8.
    """
    cell = np.floor(np.asarray(x, dtype=np.float64))
    dark = (np.sum(cell, axis=-1) % 2 == 0) & np.all((cell >= -2) & (cell < 2), axis=-1)
    return np.where(dark, -np.log(8.0), -np.inf)


def eight_gaussians(
    num_samples: int, *, seed: int = 0, noise: float = _GAUSSIANS_STD
) -> np.ndarray:
    """Equal mixture of eight round Gaussians on a circle of radius ``sqrt(2)``.

    Args:
        num_samples: Number of points.
        seed: Seed of the draw.
        noise: Standard deviation of each Gaussian.

    Returns:
        float32 ``[num_samples, 2]``; each coordinate has a standard deviation of
        ``sqrt(1 + noise^2)``.

    Raises:
        InputError: a count, seed or noise that is out of range.
    """
    count, rng, noise = _start(num_samples, seed, noise)
    centre = _gaussian_centres()[rng.integers(8, size=count)]
    return _finish(centre + noise * rng.standard_normal((count, 2)))


def eight_gaussians_log_prob(x: np.ndarray, *, noise: float = _GAUSSIANS_STD) -> np.ndarray:
    """Exact log density of :func:`eight_gaussians` in nats.

    Args:
        x: Points ``[..., 2]``.
        noise: Standard deviation of each Gaussian, as given to :func:`eight_gaussians`.

    Returns:
        float64 ``[...]``.

    Raises:
        InputError: a noise that is not positive.
    """
    noise = checked_scale("noise", noise, zero_allowed=False)
    offset = np.asarray(x, dtype=np.float64)[..., None, :] - _gaussian_centres()
    exponent = -0.5 * np.sum((offset / noise) ** 2, axis=-1)
    return np.logaddexp.reduce(exponent, axis=-1) - np.log(16 * np.pi * noise**2)


def toy(name: str, num_samples: int, *, seed: int = 0) -> np.ndarray:
    """Draws from the toy called ``name``, with its default noise.

    Args:
        name: A key of :data:`TOYS`.
        num_samples: Number of points.
        seed: Seed of the draw.

    Returns:
        float32 ``[num_samples, 2]``.

    Raises:
        InputError: a name that is not in :data:`TOYS` (the nearest one is suggested), or a count
            or seed that is out of range.
    """
    if name not in TOYS:
        raise unknown_name("toy", name, TOYS)
    return TOYS[name](num_samples, seed=seed)


def _start(
    num_samples: int, seed: int, noise: float, noise_name: str = "noise"
) -> tuple[int, np.random.Generator, float]:
    return checked_count(num_samples), generator(seed), checked_scale(noise_name, noise)


def _finish(points: np.ndarray) -> np.ndarray:
    return points.astype(np.float32)


def _polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _gaussian_centres() -> np.ndarray:
    return _polar(np.full(8, _GAUSSIANS_RADIUS), np.pi / 4 * np.arange(8))


TOYS: Mapping[str, Callable[..., np.ndarray]] = MappingProxyType(
    {
        "two_moons": two_moons,
        "rings": rings,
        "spirals": spirals,
        "pinwheel": pinwheel,
        "checkerboard": checkerboard,
        "eight_gaussians": eight_gaussians,
        **{name: functools.partial(sample_potential, name) for name in POTENTIALS},
    }
)
"""Name to sampler ``f(num_samples, *, seed=0)``; includes the potentials ``u1`` to ``u4``."""


def toy_line(name: str) -> str:
    """One line on what a toy looks like; of a potential, its formula's."""
    if name in POTENTIALS:
        first = inspect.getdoc(POTENTIALS[name]).partition("\n")[0]
        return f"{first[:-1]} (Rezende and Mohamed 2015)."
    return inspect.getdoc(TOYS[name]).partition("\n")[0].replace("``", "")

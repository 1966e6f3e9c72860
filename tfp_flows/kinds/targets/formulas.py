"""Targets by name: unnormalised log-densities whose normaliser is known.

Importing this imports no TensorFlow.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets import POTENTIALS

if TYPE_CHECKING:
    import tensorflow as tf

_FUNNEL_SPREAD = 3.0
_BANANA_SPREAD, _BANANA_BEND = 10.0, 0.03
_WALL, _WALL_WIDTH, _WIDE = 4.0, 0.5, 9.0
# (log-normaliser, its error), in nats.
Known = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Formula:
    """A target by name.

    Attributes:
        text: The formula, which is part of the fingerprint; in words where it is long.
        log_density: From points ``[n, dim]`` to unnormalised log-densities ``[n]``, in nats.
        log_normaliser: From the dimension to the log of the integral, and a bound on its error.
        draw: ``(count, dim, seed)`` to draws ``[count, dim]`` of the target.
        fixed: The only dimension; None if it is free.
        smallest: Smallest dimension, if it is free.
        spread: Standard deviation of the flow with which a fit begins.
    """

    text: str
    log_density: "Callable[[tf.Tensor], tf.Tensor]"
    log_normaliser: Callable[[int], Known]
    draw: Callable[[int, int, int], np.ndarray]
    fixed: int | None = None
    smallest: int = 2
    spread: float = 1.0


def _funnel(x: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    v, rest = x[..., 0], x[..., 1:]
    size = rest.shape[-1]
    squares = tf.reduce_sum(rest**2, axis=-1)
    return -0.5 * ((v / _FUNNEL_SPREAD) ** 2 + squares * tf.exp(-v) + size * v)


def _funnel_normaliser(dim: int) -> Known:
    return math.log(_FUNNEL_SPREAD) + 0.5 * dim * math.log(2 * math.pi), 0.0


def _funnel_draws(count: int, dim: int, seed: int) -> np.ndarray:
    normal = np.random.default_rng(seed).standard_normal((count, dim))
    v = _FUNNEL_SPREAD * normal[:, :1]
    return np.concatenate([v, np.exp(v / 2) * normal[:, 1:]], axis=1)


def _banana(x: "tf.Tensor") -> "tf.Tensor":
    bent = x[..., 1] + _BANANA_BEND * (x[..., 0] ** 2 - _BANANA_SPREAD**2)
    return -0.5 * ((x[..., 0] / _BANANA_SPREAD) ** 2 + bent**2)


def _banana_normaliser(dim: int) -> Known:
    return math.log(2 * math.pi * _BANANA_SPREAD), 0.0


def _banana_draws(count: int, dim: int, seed: int) -> np.ndarray:
    normal = np.random.default_rng(seed).standard_normal((count, 2))
    x0 = _BANANA_SPREAD * normal[:, 0]
    return np.stack([x0, normal[:, 1] - _BANANA_BEND * (x0**2 - _BANANA_SPREAD**2)], axis=1)


def _rosenbrock(x: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    before, after = x[..., :-1], x[..., 1:]
    return -tf.reduce_sum(100 * (after - before**2) ** 2 + (1 - before) ** 2, axis=-1)


def _chain(dim: int, nodes: int):
    """Grid, kernel and messages of Rosenbrock's chain, from its end to its start.

    Each coordinate meets its neighbours alone, so that the integral is one of products of
    matrices over a grid; the rule is exact to rounding where the grid resolves the ridge.
    """
    grid = np.linspace(-4.0, 6.0, nodes)
    step = grid[1] - grid[0]
    own = np.exp(-((1 - grid) ** 2))
    kernel = np.exp(-100 * (grid[None, :] - grid[:, None] ** 2) ** 2) * own[None, :]
    messages = [np.full(nodes, math.sqrt(math.pi / 100))]  # the last coordinate is Gaussian
    for _ in range(dim - 2):
        messages.append(step * kernel @ messages[-1])
    return grid, step, own, kernel, messages


def _rosenbrock_normaliser(dim: int) -> Known:
    def value(nodes: int) -> float:
        _, step, own, _, messages = _chain(dim, nodes)
        return math.log(step * own @ messages[-1])

    coarse, fine = value(1501), value(2001)
    return fine, abs(fine - coarse)


def _rosenbrock_draws(count: int, dim: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    grid, step, own, kernel, messages = _chain(dim, 1501)
    weights = np.broadcast_to(own * messages[-1], (count, len(grid)))
    columns = []
    for place in range(dim - 1):
        sums = np.cumsum(weights, axis=1)
        cells = (sums < generator.uniform(size=(count, 1)) * sums[:, -1:]).sum(axis=1)
        columns.append(grid[cells] + step * generator.uniform(-0.5, 0.5, count))
        if place < dim - 2:
            weights = kernel[cells] * messages[-2 - place]
    columns.append(columns[-1] ** 2 + math.sqrt(1 / 200) * generator.standard_normal(count))
    return np.stack(columns, axis=1)


def _potential(name: str) -> "Callable[[tf.Tensor], tf.Tensor]":
    def log_density(x):
        import tensorflow as tf

        if name == "u1":
            return -POTENTIALS[name](x)
        beyond = tf.nn.relu(tf.abs(x[..., 0]) - _WALL)
        return -POTENTIALS[name](x) - 0.5 * (beyond / _WALL_WIDTH) ** 2

    return log_density


def _cells(name: str, nodes: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Centres ``[n, 2]`` of the cells of a wide grid, the target there, and the cells' width."""
    axis = -_WIDE + 2 * _WIDE * (np.arange(nodes) + 0.5) / nodes
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid, np.exp(_potential(name)(grid).numpy()), 2 * _WIDE / nodes


def _potential_normaliser(name: str) -> Callable[[int], Known]:
    def value(nodes: int) -> float:
        _, density, width = _cells(name, nodes)
        return math.log(density.sum() * width**2)

    def log_normaliser(dim: int) -> Known:
        coarse, fine = value(600), value(900)
        return fine, abs(fine - coarse)

    return log_normaliser


def _potential_draws(name: str) -> Callable[[int, int, int], np.ndarray]:
    def draw(count: int, dim: int, seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        grid, density, width = _cells(name, 900)
        cells = generator.choice(len(grid), count, p=density / density.sum())
        return grid[cells] + width * generator.uniform(-0.5, 0.5, (count, 2))

    return draw


_PAPER = "exp(-{}(x)) of Rezende and Mohamed 2015"
_WALLS = f", with soft walls at |x0| = {_WALL:g} of width {_WALL_WIDTH:g}"

FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {
        **{
            name: Formula(
                text=_PAPER.format(name.upper()) + ("" if name == "u1" else _WALLS),
                log_density=_potential(name),
                log_normaliser=_potential_normaliser(name),
                draw=_potential_draws(name),
                fixed=2,
                spread=2.0,
            )
            for name in POTENTIALS
        },
        "funnel": Formula(
            text="x0 normal of deviation 3, the others given it normal of variance exp(x0)",
            log_density=_funnel,
            log_normaliser=_funnel_normaliser,
            draw=_funnel_draws,
        ),
        "banana": Formula(
            text="x0 normal of deviation 10, x1 + 0.03 (x0^2 - 100) standard normal",
            log_density=_banana,
            log_normaliser=_banana_normaliser,
            draw=_banana_draws,
            fixed=2,
            spread=3.0,
        ),
        "rosenbrock": Formula(
            text="exp(-sum 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2)",
            log_density=_rosenbrock,
            log_normaliser=_rosenbrock_normaliser,
            draw=_rosenbrock_draws,
        ),
    }
)
"""Name to formula: the four potentials, the funnel of Neal 2003, the banana of Haario, Saksman and
Tamminen 1999, and Rosenbrock's function as minus a log-density."""

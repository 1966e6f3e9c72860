"""A table of any size whose law is known: a chain of columns, begun in one of three places."""

import math
from pathlib import Path

import numpy as np

from tfp_flows.files import atomic_path

KINDS = ("a", "b", "c")
_APART, _NOISE = 2.0, 0.4


def names(columns: int) -> list[str]:
    """Names of the columns of numbers."""
    return [f"x{j:02d}" for j in range(columns)]


def rows(count: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers ``[count, columns]`` and the place ``[count]`` of their kind among `KINDS`."""
    generator = np.random.default_rng([7, seed])
    kind = generator.integers(0, len(KINDS), count)
    z = generator.standard_normal((count, columns))
    x = np.empty_like(z)
    x[:, 0] = z[:, 0] + _APART * (kind - 1)
    for j in range(1, columns):
        x[:, j] = _next(x[:, j - 1]) + _NOISE * z[:, j]
    return x, kind


def log_prob(x: np.ndarray) -> np.ndarray:
    """Log-densities ``[rows]`` of the numbers, in nats, whatever their kind."""
    starts = np.stack([_normal(x[:, 0], _APART * (k - 1), 1.0) for k in range(len(KINDS))])
    steps = _normal(x[:, 1:], _next(x[:, :-1]), _NOISE).sum(axis=1)
    return np.logaddexp.reduce(starts, axis=0) - math.log(len(KINDS)) + steps


def _next(x):
    return 0.6 * x + 0.5 * np.sin(2 * x)


def _normal(x, mean, deviation):
    z = (x - mean) / deviation
    return -0.5 * z**2 - math.log(deviation) - 0.5 * math.log(2 * math.pi)


def write(path: Path, count: int, columns: int, seed: int) -> None:
    """Writes rows as a ``.parquet`` file, the kind as a last column of text."""
    import pyarrow
    import pyarrow.parquet

    x, kind = rows(count, columns, seed)
    found = dict(zip(names(columns), x.T, strict=True))
    found["kind"] = np.array(KINDS)[kind]
    with atomic_path(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(found), temporary, row_group_size=100_000)


def folder(place: Path, count: int, columns: int, part: int) -> int:
    """Writes a table in parts, but for those that are there; gives its size in bytes."""
    place.mkdir(parents=True, exist_ok=True)
    for k, start in enumerate(range(0, count, part)):
        path = place / f"part-{k:04d}.parquet"
        if not path.exists():
            write(path, min(part, count - start), columns, k)
    return sum(path.stat().st_size for path in place.iterdir())

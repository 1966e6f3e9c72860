"""The four potentials U(z) of Rezende and Mohamed 2015 (arXiv 1505.05770), Table 1.

They stand for the densities ``exp(-U(z)) / Z``. U2 to U4 do not fall off along the first axis,
so they have no finite ``Z`` on the whole plane: normalised densities and samples here are those
on the box ``[-4, 4]^2``, the one of the paper's figure. The box cuts a little of U4, whose lower
branch comes down to -4. Potentials are not centred: they are targets as the paper gives them.
"""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._checks import checked_count, generator
from tfp_flows.errors import unknown_name

if TYPE_CHECKING:
    import tensorflow as tf

POTENTIAL_BOX = 4.0
"""Half the width of the box ``[-4, 4]^2`` on which the densities are normalised."""

# Upper bounds of exp(-U), which is a sum of one or two exponentials of something not positive.
# In U1 the two peak 4 apart, so that their sum is at most 1 + exp(-(4 / 0.6)^2 / 2).
_BOUND = {"u1": 1.0 + 1e-9, "u2": 1.0, "u3": 2.0, "u4": 2.0}


def _u1(z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    """Two crescents on a ring of radius 2."""
    import tensorflow as tf

    z1, z2 = _coordinates(z)
    # The floor keeps the gradient at the origin zero, where that of a bare root is not a number.
    radius = tf.sqrt(tf.maximum(z1**2 + z2**2, 1e-30))
    crescents = _log_sum(-0.5 * ((z1 - 2) / 0.6) ** 2, -0.5 * ((z1 + 2) / 0.6) ** 2)
    return 0.5 * ((radius - 2) / 0.4) ** 2 - crescents


def _u2(z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    """A sine wave."""
    z1, z2 = _coordinates(z)
    return 0.5 * ((z2 - _wave(z1)) / 0.4) ** 2


def _u3(z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    """A sine wave with a bump split off in the middle."""
    import tensorflow as tf

    z1, z2 = _coordinates(z)
    upper = z2 - _wave(z1)
    lower = upper + 3 * tf.exp(-0.5 * ((z1 - 1) / 0.6) ** 2)
    return -_log_sum(-0.5 * (upper / 0.35) ** 2, -0.5 * (lower / 0.35) ** 2)


def _u4(z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    """A sine wave that forks."""
    import tensorflow as tf

    z1, z2 = _coordinates(z)
    upper = z2 - _wave(z1)
    lower = upper + 3 * tf.sigmoid((z1 - 1) / 0.3)
    return -_log_sum(-0.5 * (upper / 0.4) ** 2, -0.5 * (lower / 0.35) ** 2)


POTENTIALS: Mapping[str, "Callable[[tf.Tensor | np.ndarray], tf.Tensor]"] = MappingProxyType(
    {"u1": _u1, "u2": _u2, "u3": _u3, "u4": _u4}
)
"""Name to ``U(z)``: ``z`` is ``[..., 2]`` (tensor or array), the result a tensor ``[...]`` in
nats, of the precision of ``z`` (float32 for whole numbers)."""


def potential_log_prob(name: str, z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    """Log density of a potential, normalised on the box ``[-4, 4]^2``.

    Args:
        name: A key of :data:`POTENTIALS`.
        z: Points ``[..., 2]``.

    Returns:
        Tensor ``[...]`` in nats, of the precision of ``z``; ``-inf`` outside the box.

    Raises:
        InputError: a name that is not in :data:`POTENTIALS`.
    """
    import tensorflow as tf

    log_normaliser = _log_normaliser(_checked(name))
    z = _as_tensor(z)
    inside = tf.reduce_all(tf.abs(z) <= POTENTIAL_BOX, axis=-1)
    # Points outside are replaced before U is taken: no overflow, and so no bad gradient there.
    energy = POTENTIALS[name](tf.where(inside[..., None], z, tf.zeros_like(z)))
    minus_infinity = tf.constant(-np.inf, z.dtype)
    return tf.where(inside, -energy - tf.cast(log_normaliser, z.dtype), minus_infinity)


def sample_potential(name: str, num_samples: int, *, seed: int = 0) -> np.ndarray:
    """Draws from a potential's density on the box ``[-4, 4]^2``, by rejection: exact draws.

    Args:
        name: A key of :data:`POTENTIALS`.
        num_samples: Number of points.
        seed: Seed of the draw.

    Returns:
        float32 ``[num_samples, 2]``.

    Raises:
        InputError: a name that is not in :data:`POTENTIALS`, or a count or seed out of range.
    """
    bound = _BOUND[_checked(name)]
    count, rng = checked_count(num_samples), generator(seed)
    acceptance = np.exp(_log_normaliser(name)) / (bound * (2 * POTENTIAL_BOX) ** 2)
    kept: list[np.ndarray] = []
    missing = count
    while missing > 0:
        # A few per cent more than needed on average; at most a million for memory's sake.
        proposals = min(int(1.05 * missing / acceptance) + 100, 1_000_000)
        points = rng.uniform(-POTENTIAL_BOX, POTENTIAL_BOX, size=(proposals, 2))
        density = np.exp(-POTENTIALS[name](points).numpy())
        kept.append(points[bound * rng.uniform(size=proposals) < density])
        missing -= len(kept[-1])
    return np.concatenate(kept)[:count].astype(np.float32)


@functools.cache
def _log_normaliser(name: str) -> float:
    """Log of the integral of ``exp(-U)`` over the box: Gauss-Legendre, 400 nodes an axis."""
    import tensorflow as tf

    nodes, weights = np.polynomial.legendre.leggauss(400)
    grid = POTENTIAL_BOX * np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1)
    with tf.init_scope():  # a number, even when first asked for while a graph is traced
        density = np.exp(-POTENTIALS[name](grid).numpy())
    return float(np.log(POTENTIAL_BOX**2 * weights @ density @ weights))


def _checked(name: str) -> str:
    if name not in POTENTIALS:
        raise unknown_name("potential", name, POTENTIALS)
    return name


def _as_tensor(z: "tf.Tensor | np.ndarray") -> "tf.Tensor":
    import tensorflow as tf

    if tf.is_tensor(z):
        return z
    z = np.asarray(z)
    return tf.convert_to_tensor(z if z.dtype.kind == "f" else z.astype(np.float32))


def _coordinates(z: "tf.Tensor | np.ndarray") -> tuple["tf.Tensor", "tf.Tensor"]:
    z = _as_tensor(z)
    return z[..., 0], z[..., 1]


def _wave(z1: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.sin(0.5 * np.pi * z1)


def _log_sum(a: "tf.Tensor", b: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.reduce_logsumexp(tf.stack([a, b]), axis=0)

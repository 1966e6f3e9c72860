"""Where a fit begins: a Gaussian from a mode, or from the way to one, and the curvature there."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError

# Starts, draws by which Gaussians on the ways from them are compared, and the best is judged.
_STARTS, _DRAWS, _JUDGED = 4, 128, 2048
# Most steps of Newton's, and the largest dimension for which matrices are made.
_NEWTON, _LARGEST = 40, 400
# Steps after which the place is looked at; each look costs more than a step.
_TOLD = (0, 1, 2, 4, 8, 16)
# A Gaussian at a mode may be too wide on one side of it.
_NARROWER = (1.0, 0.5, 0.25)
# Iterations of L-BFGS after which the way is looked at.
_LOOKS = (5, 15, 40, 100, 250)
# Curvatures below this share of the diagonal's count as this share.
_FLOOR = {tf.float32: 1e-4, tf.float64: 1e-9}


class Start(NamedTuple):
    """A Gaussian in unconstrained coordinates.

    Attributes:
        location: ``[D]``.
        scale: ``[D, D]``, lower-triangular, or ``[D]`` where no curvature could be had.
        bound: Its ELBO, in nats.
    """

    location: np.ndarray
    scale: np.ndarray
    bound: float

    @property
    def deviations(self) -> np.ndarray:
        """Standard deviations ``[D]``."""
        if self.scale.ndim == 1:
            return self.scale
        return np.sqrt((self.scale**2).sum(axis=1))


class Density:
    """A log-density on the reals with its derivatives, compiled once; NumPy in and out.

    Args:
        log_prob: From ``[n, D]`` to ``[n]``, in nats.
        dim: ``D``.
        dtype: ``float32`` or ``float64``.

    Its methods raise an `InputError` if the log-density is not differentiable.
    """

    def __init__(self, log_prob: Callable[[tf.Tensor], tf.Tensor], dim: int, dtype: tf.DType):
        self.dim, self.dtype = dim, dtype
        like = [tf.TensorSpec([None, dim], dtype)]
        options = {"autograph": False, "input_signature": like}
        self._log_prob = tf.function(log_prob, **options)

        def value_and_gradient(z):
            with tf.GradientTape() as tape:
                tape.watch(z)
                value = log_prob(z)
            gradient = tape.gradient(value, z)
            if gradient is None:
                raise InputError(
                    "The log-density is not differentiable: it does not depend on its parts by "
                    "operations that have gradients; write it with operations of TensorFlow."
                )
            return value, gradient

        def curvature(z):
            # The rows are copies of one point: row i of the result is that of the Hessian.
            with tf.GradientTape() as tape:
                tape.watch(z)
                along = tf.linalg.diag_part(value_and_gradient(z)[1])
            return tape.gradient(along, z)

        self.tensors = tf.function(value_and_gradient, **options)
        self._curvature = tf.function(curvature, **options)

    def __call__(self, z) -> np.ndarray:
        """Log-densities ``[n]`` at ``[n, D]``."""
        return self._log_prob(tf.constant(z, self.dtype)).numpy().astype(np.float64)

    def gradient(self, z) -> np.ndarray:
        """The gradient ``[D]`` at ``[D]``."""
        return self.tensors(tf.constant(z[None], self.dtype))[1].numpy()[0].astype(np.float64)

    def hessian(self, z) -> np.ndarray | None:
        """The Hessian ``[D, D]`` at ``[D]``; None where it has no finite one."""
        copies = np.repeat(z[None], self.dim, axis=0)
        try:
            rows = self._curvature(tf.constant(copies, self.dtype))
        except (LookupError, NotImplementedError, ValueError, tf.errors.OpError):
            return None  # an operation of the model has no second derivative
        if rows is None or not np.isfinite(rows).all():
            return None
        rows = rows.numpy().astype(np.float64)
        return (rows + rows.T) / 2


def begin(density: Density, seed: int) -> Start | None:
    """The Gaussian of the highest ELBO among those on the ways from several starts to modes.

    The ways are those of damped Newton's steps, or of L-BFGS where there are too many dimensions
    for matrices, or no second derivatives. Each Gaussian has the curvature of the log-density at
    its place (Laplace), or, without one, the best of a few deviations. A mode may be the worst
    place of all, at the tip of a funnel, so that places before it compete too, as in Pathfinder
    (Zhang et al. 2022, JMLR 23).

    Args:
        density: The log-density.
        seed: Of starts and draws.

    Returns:
        The best; None if the density is finite at no start.
    """
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((_DRAWS, density.dim))
    points = generator.uniform(-2, 2, (8 * _STARTS, density.dim))
    points[0] = 0
    values = density(points)
    points = points[np.isfinite(values)][:_STARTS]
    if not len(points):
        return None
    smooth = density.dim <= _LARGEST and density.hessian(points[0]) is not None
    if smooth:
        ways = (z for point in points for z in _newton(density, point))
    else:
        ways = (z for way in _lbfgs(density, points) for z in way)
    finite = (z for z in ways if np.isfinite(z).all())
    best = max((_gaussian(density, z, noise) for z in finite), key=_height)
    # The bound of the best of many is too high by these draws.
    fresh = generator.standard_normal((_JUDGED, density.dim))
    return best._replace(bound=_bound(density, best.location, best.scale, fresh))


def _height(start: Start) -> float:
    return start.bound


def _lbfgs(density: Density, points) -> Iterator[np.ndarray]:
    """The starts, and where L-BFGS has come to from each after some iterations ``[n, D]``."""
    low = tf.constant(1e30 if density.dtype == tf.float32 else 1e100, density.dtype)

    def negative(z):
        value, gradient = density.tensors(z)
        good = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient), axis=-1)
        gradient = tf.where(good[:, None], -gradient, tf.zeros_like(gradient))
        return tf.where(good, -value, low), gradient

    @tf.function(autograph=False)
    def search(position, iterations):
        return tfp.optimizer.lbfgs_minimize(
            negative,
            initial_position=position,
            max_iterations=iterations,
            tolerance=1e-6,
            f_relative_tolerance=1e-10,
            max_line_search_iterations=20,
        ).position

    yield points
    z, done = tf.constant(points, density.dtype), 0
    for look in _LOOKS:
        z = search(z, tf.constant(look - done))
        done = look
        yield z.numpy().astype(np.float64)


def _newton(density: Density, z) -> Iterator[np.ndarray]:
    """Places on the way from a start by damped Newton's steps, fewer the further, and its end."""
    value, told = density(z[None])[0], False
    for step_number in range(_NEWTON):
        if told := step_number in _TOLD:
            yield z
        factor = _factor(density, z)
        if factor is None:
            break
        step = factor @ (factor.T @ density.gradient(z))
        shares = 2.0 ** -np.arange(0, 7)
        tried = z + shares[:, None] * step
        values = np.where(np.isfinite(heights := density(tried)), heights, -np.inf)
        gain = values.max() - value
        if not gain > 1e-6:
            break
        z, value, told = tried[values.argmax()], values.max(), False
    if not told:
        yield z


def _factor(density: Density, z) -> np.ndarray | None:
    """A root ``C`` of the inverse curvature: ``C C'`` is a covariance; None if there is none.

    Negative curvatures count by their size, tiny ones as the floor.
    """
    hessian = density.hessian(z) if density.dim <= _LARGEST else None
    if hessian is None:
        return None
    diagonal = np.abs(np.diag(hessian))
    unit = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 1.0)
    try:
        values, vectors = np.linalg.eigh(-hessian * unit[:, None] * unit)
    except np.linalg.LinAlgError:
        return None
    values = np.maximum(np.abs(values), _FLOOR[density.dtype])
    return unit[:, None] * vectors / np.sqrt(values)


def _gaussian(density: Density, z, noise) -> Start:
    """The Gaussian at a point with the curvature there, or narrower, or of the best deviation."""
    root = _factor(density, z)
    candidates = []
    if root is not None:
        # The lower-triangular root of the same covariance.
        scale = np.linalg.qr(root.T)[1].T
        scale *= np.where(np.diag(scale) < 0, -1.0, 1.0)
        if (np.diag(scale) > 0).all() and np.isfinite(scale).all():
            candidates = [share * scale for share in _NARROWER]
    if not candidates:
        candidates = [np.full(density.dim, s) for s in (1.0, 0.1, 0.01)]
    starts = [Start(z, scale, _bound(density, z, scale, noise)) for scale in candidates]
    return max(starts, key=_height)


def _bound(density: Density, location, scale, noise) -> float:
    """The ELBO of a Gaussian by standard normal noise ``[n, D]``."""
    diagonal = scale if scale.ndim == 1 else np.diag(scale)
    draws = location + (noise * scale if scale.ndim == 1 else noise @ scale.T)
    entropy = np.log(diagonal).sum() + 0.5 * density.dim * np.log(2 * np.pi * np.e)
    bound = density(draws).mean() + entropy
    return float(bound) if np.isfinite(bound) else -np.inf

"""A normal distribution with learned rejections."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases.base import Base
from tfp_flows.networks.mlp import MLP


class Resampled(Base):
    """Draws of a normal that a network accepts or not, the last of ``num_tries`` in any case.

    The density is ``((1 - q) a(z) / Z + q) N(z)``, with ``a`` the network's acceptance, ``Z`` its
    mean and ``q = (1 - Z)^(num_tries - 1)``. ``Z`` is the mean over fixed points of a Halton
    sequence, so that the density of a point is one number. Its error falls almost as one over
    their number in few dimensions; from about ten on, raise ``num_points``.

    Source: Stimper et al. 2022, arXiv:2110.15828, section 3; Bauer and Mnih 2019,
    arXiv:1810.11428.

    Args:
        event_shape: Size of the event, a vector.
        hidden_units: Hidden layers of the network.
        num_tries: Most draws for a sample, at least 2.
        num_points: Points for ``Z``.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or a number is too small.
    """

    def __init__(
        self,
        *,
        event_shape,
        hidden_units=(64, 64),
        num_tries: int = 20,
        num_points: int = 2048,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name, reparameterized=False)
        if shapes.positive(num_tries, "num_tries") < 2:
            raise ValueError(f"num_tries must be at least 2, got {num_tries!r}.")
        num_points = shapes.positive(num_points, "num_points")
        self._network = MLP(
            input_size=self._size,
            output_size=1,
            hidden_units=hidden_units,
            activation="silu",
            dtype=self.dtype,
            seed=seed,
        )
        self._tries = int(num_tries)
        uniform = tfp.mcmc.sample_halton_sequence(
            self._size, num_results=num_points, dtype=tf.float64, randomized=True, seed=(0, 1)
        )
        points = math.sqrt(2) * tf.math.erfinv(2 * uniform - 1)
        self._points = tf.cast(points, self.dtype).numpy()

    def _log_acceptance(self, value):
        return tf.math.log_sigmoid(self._network(value)[..., 0])

    def _log_prob(self, value):
        flat = tf.reshape(value, [-1, self._size])
        log_accepted = tf.reshape(self._log_acceptance(flat), tf.shape(value)[:-1])
        log_mean = tf.reduce_logsumexp(self._log_acceptance(tf.constant(self._points)))
        log_mean -= math.log(len(self._points))
        # At an acceptance of 1, nothing is left for the last draw.
        tiny = tf.constant(1e-30, self.dtype)
        log_rest = (self._tries - 1) * tf.math.log(tf.maximum(-tf.math.expm1(log_mean), tiny))
        log_taken = tf.math.log(tf.maximum(-tf.math.expm1(log_rest), tiny))
        factor = tf.math.reduce_logsumexp(
            [log_taken + log_accepted - log_mean, tf.zeros_like(log_accepted) + log_rest], axis=0
        )
        normal = -0.5 * tf.reduce_sum(tf.square(value), axis=-1)
        return factor + normal - 0.5 * self._size * math.log(2 * math.pi)

    def _sample_n(self, n, seed=None):
        seed = tfp.random.sanitize_seed(seed)

        def unfinished(i, _, waiting):
            return (i < self._tries) & tf.reduce_any(waiting)

        def draw(i, value, waiting):
            one, two = tfp.random.split_seed(tf.random.experimental.stateless_fold_in(seed, i), n=2)
            new = tf.random.stateless_normal([n, self._size], one, dtype=self.dtype)
            luck = tf.random.stateless_uniform([n], two, dtype=self.dtype)
            value = tf.where(waiting[:, None], new, value)
            return i + 1, value, waiting & (tf.math.log(luck) > self._log_acceptance(new))

        start = (tf.constant(0), tf.zeros([n, self._size], self.dtype), tf.ones([n], tf.bool))
        return tf.stop_gradient(tf.while_loop(unfinished, draw, start)[1])

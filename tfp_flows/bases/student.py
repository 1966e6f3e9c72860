"""Student's t, for data with heavy tails."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.bases.base import Base

tfd = tfp.distributions


class StudentT(Base):
    """Independent Student t distributions with trained degrees of freedom.

    Flows of bounded slope cannot make heavy tails of light ones.

    Source: Jaini et al. 2020, arXiv:1907.04481; Laszkiewicz et al. 2022, arXiv:2206.10311.

    Args:
        event_shape: Size of the event, a vector.
        df: Initial degrees of freedom, positive.
        trainable: Whether they are trained, each entry's by itself.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or ``df`` is not positive.
    """

    def __init__(
        self,
        *,
        event_shape,
        df: float = 4.0,
        trainable: bool = True,
        dtype=tf.float32,
        name: str | None = None,
    ):
        super().__init__(event_shape=event_shape, dtype=dtype, name=name)
        if not df > 0:
            raise ValueError(f"df must be positive, got {df!r}.")
        initial = tf.fill([self._size], tf.cast(math.log(df), self.dtype))
        self._log_df = tf.Variable(initial, trainable=trainable, name="log_df")

    @property
    def df(self) -> tf.Tensor:
        """Degrees of freedom, ``[D]``."""
        return tf.exp(self._log_df)

    def _independent(self):
        zero, one = tf.zeros([], self.dtype), tf.ones([], self.dtype)
        return tfd.Independent(tfd.StudentT(self.df, zero, one), 1)

    def log_prob_entries(self, value) -> tf.Tensor:
        """The log-density of each entry, in nats, of the shape of ``value``."""
        return self._independent().distribution.log_prob(value)

    def _log_prob(self, value):
        return self._independent().log_prob(value)

    def _sample_n(self, n, seed=None):
        return self._independent().sample(n, seed=seed)

    def _mean(self):
        return tf.zeros([self._size], self.dtype)

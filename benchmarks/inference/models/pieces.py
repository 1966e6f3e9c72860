"""What several models are made of: improper and restricted priors, linear regressions."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import vi

tfb, tfd = tfp.bijectors, tfp.distributions
Root = tfd.JointDistributionCoroutine.Root
DTYPE = tf.float64
Posterior = tuple[tfd.JointDistribution, dict[str, tf.Tensor]]


def real(values: Any) -> tf.Tensor:
    """The values as a tensor of the models' precision."""
    return tf.cast(tf.convert_to_tensor(values), DTYPE)


class Restricted(tfd.Distribution):
    """A density on a part of its support, not normalised there.

    Draws are for starting points alone: images of standard normal numbers, not of this density.

    Args:
        distribution: Its density is taken as it is.
        bijector: Maps the real numbers to the part.
        name: Of the parameter.
    """

    def __init__(self, distribution, bijector, name="Restricted"):
        self._law, self._support = distribution, bijector
        self._event = distribution.event_shape
        super().__init__(
            dtype=DTYPE,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters={
                "distribution": distribution,
                "bijector": bijector,
                "name": name,
            },
            name=name,
        )

    @property
    def support(self) -> tfb.Bijector:
        """The bijector that was given."""
        return self._support

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _batch_shape(self):
        return self._support.experimental_batch_shape(x_event_ndims=self._event.rank)

    def _batch_shape_tensor(self):
        return self._support.experimental_batch_shape_tensor(x_event_ndims=self._event.rank)

    def _event_shape(self):
        return self._event

    def _event_shape_tensor(self):
        return tf.constant(self._event.as_list(), tf.int32)

    def _sample_n(self, n, seed=None):
        event = self._support.inverse_event_shape_tensor(self._event_shape_tensor())
        shape = tf.concat([[n], self._batch_shape_tensor(), event], 0)
        return self._support.forward(tfd.Normal(real(0), real(1)).sample(shape, seed))

    def _log_prob(self, value):
        return self._law.log_prob(value)

    def _default_event_space_bijector(self):
        return self._support


def flat(name: str, size: int | None = None) -> Root:
    """An improper prior: density 1 on the real numbers.

    Args:
        name: Of the parameter.
        size: Number of entries of a vector; None for a number.
    """
    return Root(vi.Flat(() if size is None else size, dtype=DTYPE, name=name))


def positive(name: str) -> Root:
    """An improper prior: density 1 on all positive numbers."""
    return Root(vi.Flat(low=0, dtype=DTYPE, name=name))


def normal(name: str, loc: Any, scale: Any, size: int | None = None) -> Root:
    """Independent normal numbers, one unless ``size`` says how many."""
    law = tfd.Normal(real(loc), real(scale), name=name)
    return Root(law if size is None else tfd.Sample(law, size, name=name))


def half_normal(name: str, scale: float, size: int | None = None) -> Root:
    """Independent positive halves of normal numbers around 0."""
    law = tfd.HalfNormal(real(scale), name=name)
    return Root(law if size is None else tfd.Sample(law, size, name=name))


def half_cauchy(name: str, scale: float) -> Root:
    """A positive half of a Cauchy number around 0."""
    return Root(tfd.HalfCauchy(real(0.0), real(scale), name=name))


def restricted_normal(name: str, loc: Any, scale: Any, support: tfb.Bijector) -> Root:
    """A vector of normal numbers on a part of the space, not normalised there."""
    law = tfd.Independent(tfd.Normal(real(loc), real(scale)), 1)
    return Root(Restricted(law, support, name))


def rows(loc: tf.Tensor, scale: tf.Tensor, name: str) -> tfd.Distribution:
    """Normal observations ``[..., rows]`` of one scale ``[...]``."""
    return tfd.Independent(tfd.Normal(loc, scale[..., tf.newaxis]), 1, name=name)


def joint(law: Callable[[], Any], **observed: Any) -> Posterior:
    """The joint distribution of a generator of distributions, and what is observed of it."""
    return tfd.JointDistributionCoroutine(law), {k: real(v) for k, v in observed.items()}


def regression(
    outcome: Any,
    columns: Sequence[Any],
    coefficients: Root | None = None,
    scale: Root | None = None,
) -> Posterior:
    """A linear regression with coefficients ``beta`` and the scale ``sigma``.

    Args:
        outcome: ``[rows]``.
        columns: Of the design, each ``[rows]``, or a number.
        coefficients: Their prior; flat by default.
        scale: Its prior; flat on the positive numbers by default.
    """
    outcome = real(outcome)
    columns = [tf.broadcast_to(real(column), outcome.shape) for column in columns]
    design = tf.stack(columns, axis=-1)

    def law():
        beta = yield coefficients or flat("beta", len(columns))
        sigma = yield scale or positive("sigma")
        yield rows(tf.tensordot(beta, design, [[-1], [-1]]), sigma, "outcome")

    return joint(law, outcome=outcome)

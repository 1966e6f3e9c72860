"""A flow: a base distribution and a bijector, as one distribution."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors import Bijector, Given
from tfp_flows.copies import Copied

tfd = tfp.distributions


class Flow(Copied, tfd.TransformedDistribution):
    """A `tfd.TransformedDistribution` that takes a context and evaluates each network once.

    All of TFP's methods work. Those named below take a ``context`` as well, whose batch axes
    broadcast against those of the data.

    Args:
        distribution: Base distribution over latents, of the bijector's latent shape. It may have
            trainable variables of its own.
        bijector: One of `tfp_flows.bijectors`; ``forward`` maps latent to data.
        name: Name for ops.

    Raises:
        TypeError: If the bijector is not one of ours (wrap TFP's own in a `Chain`).
        ValueError: If base and bijector differ in event shape or dtype, or if the bijector takes
            a context and the base has a batch shape.
    """

    def __init__(self, distribution: tfd.Distribution, bijector: Bijector, *, name=None):
        if not isinstance(bijector, Bijector):
            raise TypeError(
                f"Flow needs a bijector of tfp_flows, got {type(bijector).__name__}; put TFP's "
                "own bijectors into tfp_flows.bijectors.Chain([...], event_shape=...)."
            )
        if tuple(distribution.event_shape) != bijector.latent_shape:
            raise ValueError(
                f"The base distribution has event shape {tuple(distribution.event_shape)}, "
                f"the bijector {bijector.latent_shape} for latents."
            )
        if distribution.dtype != bijector.dtype:
            raise ValueError(
                f"The base distribution has dtype {distribution.dtype}, "
                f"the bijector {bijector.dtype.name}."
            )
        if bijector.context_shape is not None and distribution.batch_shape.rank != 0:
            raise ValueError(
                "A conditional flow needs a base distribution without batch shape, got "
                f"{distribution.batch_shape}."
            )
        parameters = {"distribution": distribution, "bijector": bijector, "name": name}
        super().__init__(
            distribution=distribution,
            bijector=bijector,
            parameters=parameters,
            name=name or f"{bijector.name}_flow",
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return super()._parameter_properties(dtype, num_classes)

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context of an event; None for an unconditional flow."""
        return self.bijector.context_shape

    def log_prob(self, value, context=None, *, training=False, name="log_prob"):
        """Log-density in nats.

        Args:
            value: ``[..., *event_shape]``.
            context: ``[..., *context_shape]`` for a conditional flow.
            training: Whether batch statistics and dropout are in training mode.
            name: Name for ops.

        Returns:
            A tensor of the batch shape of data and context.

        Raises:
            ValueError: If a shape does not fit, or a context is missing or not expected.
        """
        return self._call_log_prob(value, name, context=context, training=training)

    def prob(self, value, context=None, *, name="prob"):
        """Density; see `log_prob`."""
        return self._call_prob(value, name, context=context)

    def sample(
        self, sample_shape=(), context=None, seed=None, *, temperature: float = 1.0, name="sample"
    ):
        """Draws samples.

        Args:
            sample_shape: Shape of the draw, or a number.
            context: ``[*batch, *context_shape]`` for a conditional flow.
            seed: Seed, as in TFP: an ``int`` or a pair.
            temperature: Factor on how far latents lie from the mean of the base; below 1, samples
                are likelier and vary less (Kingma and Dhariwal 2018, arXiv:1807.03039, section 6).
            name: Name for ops.

        Returns:
            ``[*sample_shape, *batch, *event_shape]``.

        Raises:
            ValueError: If the temperature is negative, or another than 1 with a base without mean.
        """
        if not temperature >= 0:
            raise ValueError(f"temperature must not be negative, got {temperature!r}.")
        with tf.name_scope(name):
            z = self._latents(sample_shape, context, seed)
            if temperature != 1:
                mean = self._base_mean()
                z = mean + tf.cast(temperature, z.dtype) * (z - mean)
            return self.bijector.forward_value(z, context)

    def sample_and_log_prob(self, sample_shape=(), context=None, seed=None):
        """Draws samples, with their log-density in nats, in one pass.

        Returns:
            Samples as from `sample`, and ``[*sample_shape, *batch]`` log-densities.
        """
        z = self._latents(sample_shape, context, seed)
        x, log_det = self.bijector.forward_and_log_det(z, context)
        return x, self.distribution.log_prob(z) - log_det

    def to_latent(self, x, context=None):
        """Maps data ``[..., *event_shape]`` to latents ``[..., *latent_shape]``."""
        return self.bijector.inverse_value(x, context)

    def from_latent(self, z, context=None):
        """Maps latents ``[..., *latent_shape]`` to data ``[..., *event_shape]``."""
        return self.bijector.forward_value(z, context)

    def given(self, context) -> "Flow":
        """Fixes the context.

        Args:
            context: ``[*batch, *context_shape]``.

        Returns:
            An unconditional flow of batch shape ``batch`` that shares the weights of this one.

        Raises:
            ValueError: If the flow takes no context, or the context does not fit.
        """
        bijector = Given(self.bijector, context)
        batch = shapes.batch_shape_tensor(bijector.context, len(self.context_shape))
        base = self.distribution
        if not (isinstance(batch, list) and not batch):
            base = tfd.BatchBroadcast(base, with_shape=batch)
        return Flow(base, bijector)

    def adapt(self, data, context=None) -> None:
        """Initialises the bijectors that wait for data (standardiser, ActNorm); see `Chain`.

        Args:
            data: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` for a conditional flow.
        """
        if self.bijector.needs_adapt:
            self.bijector.adapt(data, context)

    def _latents(self, sample_shape, context, seed):
        sample_shape = tf.reshape(tf.convert_to_tensor(sample_shape, tf.int32), [-1])
        static = tf.get_static_value(sample_shape)
        shape = sample_shape if static is None else static.tolist()
        if context is not None and self.context_shape is not None:
            context = shapes.as_float_tensor(context, self.dtype, "context")
            context = shapes.check_event(context, self.context_shape, "context", self.name)
            batch = shapes.batch_shape_tensor(context, len(self.context_shape))
            both = isinstance(shape, list) and isinstance(batch, list)
            shape = shape + batch if both else tf.concat([shape, batch], axis=0)
        return self.distribution.sample(shape, seed=seed)

    def _base_mean(self):
        try:
            return self.distribution.mean()
        except NotImplementedError:
            raise ValueError(
                f"A temperature needs a base distribution with a mean; {self.distribution.name} "
                "has none."
            ) from None

    # TFP's own entry points, for everything that calls them from inside TFP.

    def _log_prob(self, y, context=None, training=False):
        x, log_det = self.bijector.inverse_and_log_det(y, context, training)
        return self.distribution.log_prob(x) + log_det

    def _call_sample_n(self, sample_shape, seed, context=None):
        return self.sample(sample_shape, context, seed)

    def _sample_and_log_prob(self, sample_shape, seed, context=None):
        return self.sample_and_log_prob(sample_shape, context, seed)

"""The map of a variational autoencoder between data and latents, as a layer of a flow."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import noise, shapes
from tfp_flows.bijectors import AffineInjector, Bijector, Chain, Invert
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows.building import build
from tfp_flows.flows.catalogue import RECIPES
from tfp_flows.interop import Bridge
from tfp_flows.models import likelihoods

tfd = tfp.distributions

POSTERIORS = ("diagonal", "planar", "radial", "sylvester", "iaf", "naf", "bnaf", "realnvp", "nsf")
# Posteriors of well coded images are a thousand times narrower than the prior.
_MAX_LOG_SCALE = 7.0


class Called(Bridge):
    """An encoder or a decoder, tried once so that its variables exist."""

    def __init__(self, network, shape: tuple[int, ...], dtype, role: str):
        super().__init__(network, role)
        self._ndims = len(shape)
        with tf.init_scope():
            try:
                self.output_shape = tuple(self(tf.zeros([2, *shape], dtype)).shape[1:])
            except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                raise InputError(
                    f"{role} fails at events of shape {shape}, which it is given here: "
                    f"{(lines or [type(error).__name__])[0]}"
                ) from error
        self._see_variables()

    def __call__(self, value, training=False):
        """The output for values ``[..., *shape]``."""
        flat = shapes.flatten_batch(value, self._ndims)
        options = {"training": training} if self._takes_training else {}
        output = tf.cast(self.network(flat, **options), value.dtype)
        batch = tf.shape(value)[: value.shape.rank - self._ndims]
        return tf.reshape(output, tf.concat([batch, tf.shape(output)[1:]], axis=0))


class Variational(Bijector):
    """From latents to data by a decoder, and back by draws of an approximate posterior.

    ``inverse`` draws a latent ``z`` of the posterior ``q(z | y)`` anew at each call, and its
    log-det is ``log p(y | z) - log q(z | y)``. With the log-density of a prior at ``z`` that makes
    the log-density of ``y`` that a flow reports, on average a lower bound (the ELBO), in nats.
    ``forward`` returns the mean of ``p(y | z)``.

    Source: Kingma and Welling 2014, arXiv:1312.6114; as a layer of a flow, Nielsen et al. 2020,
    arXiv:2007.02731.

    Args:
        encoder: A Keras layer or model, or a callable `tf.Module`, from events to vectors.
        decoder: Likewise, from latents ``[n, latent_size]``, behind which stands the context if
            there is one, to what the likelihood takes: ``[n, *event_shape]`` (``"normal"``: twice
            as many on the last axis).
        latent_size: Size of a latent.
        event_shape: Shape of an event, where the encoder does not say it.
        posterior: One of ``"diagonal"``, ``"planar"``, ``"radial"``, ``"sylvester"``, ``"iaf"``,
            ``"naf"``, ``"bnaf"``, ``"realnvp"``, ``"nsf"``: a Gaussian with a diagonal covariance,
            which a flow of this name, given what the encoder says, bends.
        posterior_options: Arguments of that flow.
        likelihood: A name of `likelihoods.LIKELIHOODS`.
        context_shape: Size of a context of which encoder and decoder are told.
        dtype: ``float32`` or ``float64``.
        seed: Of the posterior's weights.
        name: Name for ops.

    Raises:
        InputError: If there is no such posterior or likelihood, or networks have outputs of other
            shapes.
    """

    resizes = True

    def __init__(
        self,
        *,
        encoder,
        decoder,
        latent_size: int,
        event_shape=None,
        posterior: str = "diagonal",
        posterior_options: dict[str, Any] | None = None,
        likelihood: str = "bernoulli",
        context_shape=None,
        dtype=tf.float32,
        seed: int | None = None,
        name=None,
    ):
        latent_size = shapes.positive(latent_size, "latent_size")
        super().__init__(
            event_shape=_event_shape_of(encoder) if event_shape is None else event_shape,
            latent_shape=latent_size,
            context_shape=context_shape,
            dtype=dtype,
            name=name,
        )
        self._likelihood = likelihoods.likelihood(likelihood)
        extra = 0 if self.context_shape is None else self.context_shape[0]
        if self.context_shape is not None and len(self.context_shape) != 1:
            raise InputError(f"{self.name} takes vectors as context, got {self.context_shape}.")
        self._encoder = Called(encoder, self.event_shape, self.dtype, f"{self.name}: an encoder")
        if len(self._encoder.output_shape) != 1:
            raise InputError(
                f"{self.name}: the encoder returns events of shape {self._encoder.output_shape}; "
                "give one that returns a vector each, with a Flatten at its end."
            )
        size = latent_size + extra
        self._decoder = Called(decoder, (size,), self.dtype, f"{self.name}: a decoder")
        expected = (*self.event_shape[:-1], self._likelihood.parameters * self.event_shape[-1])
        if self._decoder.output_shape != expected:
            raise InputError(
                f"{self.name}: the decoder returns events of shape {self._decoder.output_shape}; "
                f"for data of shape {self.event_shape} and likelihood {likelihood!r} it must be "
                f"{expected}."
            )
        self._posterior = posterior_bijector(
            posterior,
            latent_size,
            self._encoder.output_shape[0] + extra,
            posterior_options or {},
            dtype=self.dtype,
            seed=seed,
        )

    @property
    def posterior(self) -> Bijector:
        """From standard normal noise to latents, given what the encoder says."""
        return self._posterior

    def encode(self, y, context=None, training=False):
        """What the posterior is given, ``[..., features]``."""
        y, context = self._prepare(y, context, "y")
        features = self.features(y, training)
        return features if context is None else tf.concat([features, context], axis=-1)

    def features(self, y, training=False):
        """What the encoder says, without the context."""
        return self._encoder(y, training)

    def draw(self, features, training=False):
        """A latent ``[..., latent_size]`` of each posterior, and its log-density in nats."""
        shape = tf.concat([tf.shape(features)[:-1], self.latent_shape], axis=0)
        eps = noise.normal(shape, dtype=self.dtype)
        z, log_det = self._posterior.forward_and_log_det(eps, features, training)
        density = tf.reduce_sum(tfd.Normal(tf.zeros([], self.dtype), 1.0).log_prob(eps), axis=-1)
        return z, density - log_det

    def reconstruction(self, y, z, context=None, training=False):
        """``log p(y | z)`` in nats, of the batch shape, which those of y and z must share."""
        entries = self._likelihood.log_prob(y, self._output(z, context, training))
        return self._total(entries)

    def decoded(self, z, context=None, draws: bool = False):
        """Means of ``p(y | z)``, or draws of it."""
        z, context = self._prepare(z, context, "x", self.latent_shape)
        output = self._output(z, context, False)
        return self._likelihood.draw(output) if draws else self._likelihood.mean(output)

    def check(self, y, name: str) -> None:
        """Raises an `InputError` if values are none that the likelihood has a density for."""
        low, high = float(tf.reduce_min(y)), float(tf.reduce_max(y))
        if low < self._likelihood.low or high > self._likelihood.high:
            raise InputError(
                f"{name} has values from {low:g} to {high:g}, and this likelihood is of values "
                f"from {self._likelihood.low:g} to {self._likelihood.high:g}; scale or round them, "
                "or choose another one."
            )

    def _output(self, z, context, training):
        return self._decoder(z if context is None else tf.concat([z, context], axis=-1), training)

    def _inverse_and_log_det(self, y, context, training):
        z, log_q = self.draw(self.encode(y, context, training), training)
        return z, self.reconstruction(y, z, context, training) - log_q

    def _forward_value(self, x, context, training):
        return self._likelihood.mean(self._output(x, context, training))

    def _forward_and_log_det(self, x, context, training):
        raise NotImplementedError(
            f"{self.name} has means of data for latents, of which there is no density; log_prob "
            "bounds that of data."
        )


def _event_shape_of(encoder) -> tuple[int, ...]:
    """Shape of an event, where a Keras model says what it takes.

    Raises:
        InputError: If it does not.
    """
    shape = getattr(encoder, "input_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise InputError(
            "The encoder does not say what it takes; give event_shape=(28, 28, 1), or a model with "
            "a keras.Input."
        )
    return tuple(shape[1:])


def posterior_bijector(
    name: str, size: int, features: int, options: dict[str, Any], *, dtype, seed
) -> Bijector:
    """From standard normal noise to latents: a Gaussian of the features, bent by a flow.

    Args:
        name: One of `POSTERIORS`.
        size: Of a latent.
        features: Size of what the encoder says.
        options: Arguments of the flow.
        dtype: Of all.
        seed: Of its weights.

    Raises:
        InputError: If there is no such posterior, or an argument does not fit.
    """
    if name not in POSTERIORS:
        raise unknown_name("posterior", name, POSTERIORS)
    gaussian = AffineInjector(
        event_shape=size,
        context_shape=features,
        hidden_units=(),
        max_log_scale=_MAX_LOG_SCALE,
        dtype=dtype,
        seed=seed,
    )
    if name == "diagonal":
        if options:
            raise InputError(f"A diagonal posterior has no options, got {', '.join(options)}.")
        return gaussian
    fixed = {"context_shape": features, "standardize": False, "standardize_context": False}
    flow = build(name, size, options, dtype=dtype, seed=seed, **fixed).bijector
    # What is fast one way is turned so that draws are.
    fast = Invert(flow) if RECIPES[name].fast == "density" else flow
    return Chain([fast, gaussian])

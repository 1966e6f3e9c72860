"""Variational autoencoders with flows as posteriors and priors, trained as any flow."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows import noise, serialization, shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow, standard_normal
from tfp_flows.models import data as rows
from tfp_flows.models import vae_kl
from tfp_flows.models.accumulation import refuse_parts
from tfp_flows.models.flow_model import FlowModel, RunningMean
from tfp_flows.models.tracking import held
from tfp_flows.models.vae_measures import Measured
from tfp_flows.models.variational import Variational

keras = tf.keras


@keras.utils.register_keras_serializable(package="tfp_flows")
class VAE(Measured, FlowModel):
    """A variational autoencoder: ``fit``, ``evaluate``, ``predict``, ``save`` of a `FlowModel`.

    It is a flow from latents to data by a layer with a random part, `variational.Variational`:
    ``predict`` and ``loss`` are bounds (ELBO) on log-likelihoods in nats, by one draw each.
    ``model.flow`` samples means of data. `bound` says how tight the bound is.

    Sources: Kingma and Welling 2014, arXiv:1312.6114; flows as posteriors, Rezende and Mohamed
    2015, arXiv:1505.05770; IAF and free bits, Kingma et al. 2016, arXiv:1606.04934; Sylvester
    flows, van den Berg et al. 2018, arXiv:1803.05649; NAF, Huang et al. 2018, arXiv:1804.00779;
    parts of the KL, Chen et al. 2018, arXiv:1802.04942.

    Args:
        encoder: A Keras layer or model, or a callable `tf.Module`, from data to vectors of
            features, in either Keras.
        decoder: Likewise, from latents ``[n, latent_size]`` (and the context behind them) to
            outputs of the data's shape, logits for ``"bernoulli"`` and ``"words"``; for
            ``"normal"`` means and log-scales, together on the last axis.
        latent_size: Size of a latent.
        posterior: ``"diagonal"``, or the name of the flow that bends it: ``"planar"``,
            ``"radial"``, ``"sylvester"``, ``"iaf"``, ``"naf"``, ``"bnaf"``, ``"realnvp"``,
            ``"nsf"``.
        posterior_options: Arguments of that flow, ``{"num_layers": 4}``.
        prior: A `Flow` over ``[latent_size]``, trained along; standard normal by default.
        likelihood: ``"bernoulli"``, ``"normal"`` or ``"words"`` (counts of words in a bag).
        event_shape: Shape of an event, where the encoder does not say it.
        context_shape: Size of a context (a class, one-hot) that all parts are given.
        free_bits: Nats of the mean KL of a batch that cost nothing in training.
        warm_up: Steps over which the KL's weight rises from 0 to 1.
        kl_weights: Of the KL's parts in training, for latents that say one thing each: index-code
            information, total correlation, dimension-wise KL (`kl_parts`); all 1 by default. Each
            step looks at all pairs of rows of its batch. With another weight for the second than
            for the third the posterior is diagonal and the prior standard normal. Bounds are those
            of the model, whatever the weights.
        dtype: ``float32`` or ``float64``.
        seed: Of the posterior's weights.
        name: Name of the model.

    Raises:
        InputError: If a name is unknown or parts do not fit each other.

    Example:
        >>> vae = tff.models.VAE(encoder, decoder, latent_size=40, posterior="iaf")
        >>> vae.compile("adam")
        >>> vae.fit(x, validation_split=0.1, epochs=50)
        >>> vae.bound(x_test, draws=5000).mean()   # nats
        >>> vae.sample(64)
    """

    # Arguments beside those of the layer; those of the layer that the model sets.
    _SAVED, _IMPLIED = ("free_bits", "warm_up", "kl_weights"), ("name",)
    # Of the data that are fitted to, and the weights of the KL's parts in training.
    _row_count, kl_weights = None, None

    def __init__(
        self,
        encoder,
        decoder,
        *,
        latent_size: int,
        posterior: str = "diagonal",
        posterior_options: dict[str, Any] | None = None,
        prior: Flow | None = None,
        likelihood: str = "bernoulli",
        event_shape=None,
        context_shape=None,
        free_bits: float = 0.0,
        warm_up: int = 0,
        kl_weights: Sequence[float] | None = None,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        layer = Variational(
            encoder=encoder,
            decoder=decoder,
            event_shape=event_shape,
            latent_size=latent_size,
            posterior=posterior,
            posterior_options=posterior_options,
            likelihood=likelihood,
            context_shape=context_shape,
            dtype=dtype,
            seed=seed,
        )
        self._begin(layer, prior, free_bits, warm_up, name)
        if kl_weights is not None:
            self.kl_weights = vae_kl.checked_weights(kl_weights, layer, prior)

    def _begin(self, layer: Variational, prior, free_bits, warm_up, name, *metrics: str) -> None:
        """What remains to be done once the layer is there."""
        if free_bits < 0 or warm_up < 0:
            raise InputError(
                f"free_bits and warm_up must not be negative, got {free_bits} and {warm_up}."
            )
        if prior is not None:
            _check_prior(prior, layer)
        base = standard_normal(layer.latent_shape, layer.dtype) if prior is None else prior
        FlowModel.__init__(self, Flow(base, layer, name="vae"), name=name)
        self.free_bits, self.warm_up = float(free_bits), int(warm_up)
        dtype = self.flow.dtype.name
        more = (RunningMean(name=each, dtype=dtype) for each in ("kl", *metrics))
        object.__setattr__(self, "_means", (*self._means, *more))

    @property
    def layer(self) -> Variational:
        """Encoder, posterior and decoder."""
        return self.flow.bijector

    def parts(self, x, context=None, training=False):
        """Both parts of the bound, by one draw each.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if there is one.
            training: Training flag of Keras.

        Returns:
            ``log p(x | z)`` and ``log q(z | x) - log p(z)``, ``[n]`` each, in nats.
        """
        z, log_q = self.layer.draw(self.layer.encode(x, context, training), training)
        reconstruction = self.layer.reconstruction(x, z, context, training)
        return reconstruction, log_q - self.flow.distribution.log_prob(z)

    def _batch_loss(self, batch, training):
        x, context, weight = rows.unpack(batch)
        x, weight = (self._cast(part) for part in (x, weight))
        context = self.flow.cast_context(context)
        features = self.layer.encode(x, context, training)
        z, log_q = self.layer.draw(features, training)
        log_p = self.flow.distribution.log_prob(z)
        reconstruction, trained = self.layer.reconstruction(x, z, context, training), None
        if training and self.kl_weights is not None:
            if weight is not None or self._row_count is None:
                raise InputError("kl_weights are for fit, of an array without sample_weight.")
            given = (self.layer, features, z, log_q, log_p, self._row_count, training)
            trained = vae_kl.divergence(self.kl_weights, *given)
        return self._counted(reconstruction, log_q - log_p, weight, training, trained)

    def _counted(self, reconstruction, divergence, weight, training, trained=None):
        """The loss of both parts of the bound, which is measured.

        ``trained`` takes the second one's place in training, if it is given.
        """
        losses = divergence - reconstruction
        self._means[0].update_state(losses, sample_weight=weight)
        scale = np.log(2) * np.prod(self.layer.event_shape)
        self._means[1].update_state(losses / scale, sample_weight=weight)
        self._means[2].update_state(divergence, sample_weight=weight)

        def mean(values):
            if weight is None:
                return tf.reduce_mean(values)
            return tf.math.divide_no_nan(tf.reduce_sum(values * weight), tf.reduce_sum(weight))

        if not training:
            return mean(losses)
        divergence = divergence if trained is None else trained
        kl = tf.maximum(mean(divergence), tf.cast(self.free_bits, losses.dtype))
        if self.warm_up:
            share = tf.cast(self.optimizer.iterations + 1, kl.dtype) / self.warm_up
            kl *= tf.minimum(share, tf.ones_like(share))
        return kl - mean(reconstruction)

    def fit(self, x, context=None, sample_weight=None, **options):
        """Fits the autoencoder; arguments, results and errors as in `FlowModel.fit`.

        Raises:
            InputError: If data are outside of what the likelihood is of, or a stream, weights of
                rows or ``accumulate`` come with ``kl_weights``.
        """
        array = rows.as_pair(self.flow, x, context, "x")[0]
        self._check_array(array, "x")
        if self.kl_weights is not None:
            refuse_parts(self, "kl_weights compare the rows of a batch with each other")
            self._count_rows(array, sample_weight, options)
        return super().fit(x, context, sample_weight, **options)

    def _count_rows(self, x, sample_weight, options) -> None:
        if rows.is_stream(x) or sample_weight is not None:
            raise InputError(
                "kl_weights need to know how many rows there are, each as good as another; give "
                "fit an array, and no sample_weight."
            )
        own = options.get("validation_data") is None
        count = int(len(x) * (1 - options.get("validation_split", 0.0) * own))
        if count != self._row_count:
            self._row_count, self.train_function = count, None  # it was made for other data

    def _rows(self, x, context) -> tuple[np.ndarray, np.ndarray | None]:
        """Data and contexts, checked."""
        x, *context = rows.as_arrays(self.flow, x, self._as_context(context, len(x)))
        self.layer.check(x, "x")
        return x, context[0] if context else None

    def _as_context(self, context, count: int):
        """The context of so many rows as the layer takes it."""
        return context

    def _as_stream(self, x, context, sample_weight, batch_size):
        self._check_array(x, "x")
        return super()._as_stream(x, context, sample_weight, batch_size)

    def _validation(self, data, batch_size):
        self._check_array(data, "validation_data")
        return super()._validation(data, batch_size)

    def _check_array(self, data, name: str) -> None:
        """Raises an `InputError` where an array, or the first of a tuple, is not the likelihood's.

        What a stream will bring is not known.
        """
        data = data[0] if isinstance(data, tuple) and data else data
        if data is not None and not rows.is_stream(data):
            self.layer.check(self._cast(np.asarray(data)), name)

    def decode(self, z, context=None, *, draws: bool = False, seed: int = 0):
        """Means of data given latents ``[n, latent_size]``, or draws: ``[n, *event_shape]``."""
        with noise.seeded(seed, 0):
            return self.layer.decoded(z, self._as_context(context, len(z)), draws).numpy()

    def sample(self, n: int, context=None, *, draws: bool = False, seed: int = 0):
        """Means of data, or draws of them, at latents of the prior: ``[n, *event_shape]``."""
        z = self.flow.distribution.sample(shapes.positive(n, "n"), seed=(seed, 1))
        return self.decode(z, context, draws=draws, seed=seed)

    def reconstruct(self, x, context=None, *, seed: int = 0):
        """Means of data at a latent drawn for each row: ``[n, *event_shape]``."""
        x, told = self._rows(x, context)
        with noise.seeded(seed, 0):
            z, _ = self.layer.draw(self.layer.encode(x, told))
        return self.decode(z, context)

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        config = super().get_config()
        own = {name: getattr(self, name) for name in self._SAVED}
        return config if "arguments" in config else {**config, **own}

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        if "arguments" in config_:  # of a subclass, which repeats its constructor
            return super().from_config(config_, custom_objects)
        ours = {name: config_[name] for name in (*cls._SAVED, "name") if name in config_}
        flow = serialization.decode(json.loads(config_["flow"]))
        prior = flow.distribution if isinstance(flow.distribution, Flow) else None
        layer = {k: v for k, v in flow.bijector.get_config().items() if k not in cls._IMPLIED}
        with held(cls, flow):
            model = cls(**layer, **ours, prior=prior)
        model.trainable, model.kind = config_["trainable"], config_.get("kind")
        return model


def _check_prior(prior: Flow, layer: Variational) -> None:
    if not isinstance(prior, Flow):
        raise InputError(f"A prior is a Flow over latents or None, got {type(prior).__name__}.")
    if tuple(prior.event_shape) != layer.latent_shape or prior.dtype != layer.dtype:
        raise InputError(
            f"The prior is of events {tuple(prior.event_shape)} in {prior.dtype.name}, latents are "
            f"of {layer.latent_shape} in {layer.dtype.name}."
        )
    if prior.context_shape is not None or prior.needs_adapt:
        raise InputError(
            "A prior takes no context and sees no data before training; build it with "
            "standardize=False."
        )

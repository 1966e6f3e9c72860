"""A flow: a base distribution and a bijector, as one distribution."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bases.entries import log_prob_entries
from tfp_flows.bijectors import Bijector, Given
from tfp_flows.copies import Copied
from tfp_flows.embedding import Embedding
from tfp_flows.flows import chunks
from tfp_flows.flows.frozen import FrozenFlow
from tfp_flows.flows.lengths import free_lengths
from tfp_flows.flows.statistics import Statistics, kl_divergence
from tfp_flows.flows.walked import show_modules
from tfp_flows.real import real_array
from tfp_flows.spread import check_precision
from tfp_flows.standardized_context import ContextStandardizer

tfd = tfp.distributions


class Flow(Copied, Statistics, tfd.TransformedDistribution):
    """A `tfd.TransformedDistribution` that takes a context and evaluates each network once.

    All of TFP's methods work. Those named below take a ``context`` as well, whose batch axes
    broadcast against those of the data.

    Args:
        distribution: Base distribution over latents, of the bijector's latent shape. It may have
            trainable variables of its own.
        bijector: One of `tfp_flows.bijectors`; ``forward`` maps latent to data.
        embedding: A network from the raw context, an array or a dict of arrays, to the one tensor
            that the bijector takes: a Keras layer or model (its named inputs are the names of the
            dict), or a callable `tf.Module`. It runs once an evaluation, is trained and saved with
            the flow, and is called with ``training`` if it takes that. Every method then takes the
            raw context, and ``context_shape`` is that of the raw context.
        context_shape: Shape of the raw context of an embedding, or a dict of shapes, with None for
            free lengths. A functional Keras model says it by itself.
        standardize_context: Whether the raw context is standardised, as `adapt` has found it (see
            `tfp_flows.standardized_context.ContextStandardizer`), before an embedding or the
            bijector sees it. What the bijector takes is then what `standardized_context` returns.
        name: Name for ops.

    Raises:
        TypeError: If the bijector is not one of ours (wrap TFP's own in a `Chain`), or the
            embedding is of a kind whose variables cannot be seen.
        ValueError: If base and bijector differ in event shape or dtype, if the bijector takes
            a context and the base has a batch shape, or if an embedding does not fit.
    """

    def __init__(
        self,
        distribution: tfd.Distribution,
        bijector: Bijector,
        *,
        embedding=None,
        context_shape=None,
        standardize_context: bool = False,
        name=None,
    ):
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
        if embedding is None and context_shape is not None:
            raise ValueError(
                "context_shape is that of the raw context of an embedding; without one it is the "
                f"bijector's, {bijector.context_shape}."
            )
        if embedding is not None and bijector.context_shape is None:
            raise ValueError(
                f"{bijector.name} takes no context, so an embedding has nothing to serve; build "
                "it with context_shape."
            )
        show_modules(type(self))
        parameters = {
            "distribution": distribution,
            "bijector": bijector,
            "embedding": embedding,
            "context_shape": context_shape,
            "standardize_context": standardize_context,
            "name": name,
        }
        super().__init__(
            distribution=distribution,
            bijector=bijector,
            parameters=parameters,
            name=name or f"{bijector.name}_flow",
        )
        self._embedding = None
        if embedding is not None:
            self._embedding = Embedding(
                embedding,
                context_shape=context_shape,
                output_shape=bijector.context_shape,
                dtype=bijector.dtype,
                owner=self.name,
            )
        self._widest_row = None
        self._context_standardizer = None
        if standardize_context:
            if bijector.context_shape is None:
                raise ValueError(
                    f"{bijector.name} takes no context, so there is none to standardise; leave "
                    "standardize_context out, or build it with context_shape."
                )
            self._context_standardizer = ContextStandardizer(
                self.context_shape, self.context_dtype, self.name
            )

    @property
    def walked_modules(self) -> tuple[tf.Module, ...]:
        """The parts with variables, for walks that take the flow apart; see `walked`."""
        parts = (self.distribution, self.bijector, self._embedding, self._context_standardizer)
        # Bases that are composite themselves are taken apart in their turn.
        apart = tf.__internal__.CompositeTensor
        return tuple(p for p in parts if isinstance(p, tf.Module) and not isinstance(p, apart))

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return super()._parameter_properties(dtype, num_classes)

    @property
    def context_shape(self) -> tuple[int, ...] | dict[str, tuple] | None:
        """Shape of the context of an event, as the methods take it; None for an unconditional flow.

        With an embedding it is that of the raw context: a shape, or a dict of shapes.
        """
        return (self._embedding or self.bijector).context_shape

    @property
    def context_dtype(self):
        """Dtype of the context, or a dict of dtypes."""
        return self.dtype if self._embedding is None else self._embedding.context_dtype

    @property
    def embedding(self):
        """The network of the raw context, as it was given; None without one."""
        return None if self._embedding is None else self._embedding.network

    def cast_context(self, context):
        """The context as tensors of the dtypes that the flow takes; None stays None."""
        if context is None:
            return None
        if self._embedding is None:
            return shapes.cast_real(context, self.dtype, "a context")
        return self._embedding.cast(context)

    @property
    def context_standardizer(self) -> ContextStandardizer | None:
        """The standardiser of the raw context; None without one."""
        return self._context_standardizer

    @property
    def needs_adapt(self) -> bool:
        """Whether a standardiser or a normalisation waits to see data by `adapt`."""
        waits = self._context_standardizer is not None and self._context_standardizer.needs_adapt
        return waits or self.bijector.needs_adapt

    def standardized_context(self, context):
        """The raw context as an embedding or the bijector sees it; as it is without a standardiser.

        Args:
            context: ``[..., *context_shape]``, or a dict of such arrays.
        """
        if self._context_standardizer is None or context is None:
            return context
        return self._context_standardizer(context)

    def _embedded(self, context, training=False):
        """The bijector's context from the raw one: here, and once an evaluation."""
        if isinstance(context, dict) and not isinstance(self.context_shape, dict):
            raise ValueError(
                f"{self.name} takes one array as context, got a dict of {sorted(context)}; "
                "build the flow with an embedding of several inputs."
            )
        context = self.standardized_context(context)
        if self._embedding is None:
            return context
        if context is None:
            raise ValueError(
                f"{self.name} needs a context of shape {self.context_shape}; pass context=..."
            )
        return self._embedding(context, training)

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
        value = shapes.checked_array(value, "x")
        return self._of_rows(
            lambda x, given: self._call_log_prob(x, name, context=given, training=training),
            value,
            context,
            training,
        )

    def prob(self, value, context=None, *, name="prob"):
        """Density; see `log_prob`."""
        value = shapes.checked_array(value, "x")
        return self._of_rows(
            lambda x, given: self._call_prob(x, name, context=given), value, context
        )

    def _of_rows(self, function, value, context, training=False, latent=False):
        """What a function of data, or latents, and raw contexts gives, in chunks of many rows."""
        bijector = self.bijector
        value = chunks.Part(value, bijector.latent_shape if latent else bijector.event_shape)
        context = chunks.Part(context, self.context_shape)
        if training is not False:
            # Statistics of a batch are those of all of its rows.
            return function(value.value, context.value)
        embedded = None if self._embedding is None else context
        return chunks.mapped(function, self, value, context, embedded)

    def rows_at_once(self, lengths: int = 1) -> int:
        """How many rows are one chunk of what is called eagerly; see `tfp_flows.flows.chunks`.

        Args:
            lengths: Product of the lengths of an event that are free.
        """
        if self._widest_row is None:
            self._widest_row = chunks.widest_row(self.bijector)
        return chunks.rows_of(self._widest_row * lengths)

    def log_prob_map(self, value, context=None, *, training=False):
        """Log-density by place, in nats: how likely each place of an event is, given the others.

        Exact, where each bijector treats places alike and the base is independent over entries. A
        place's share is the log-density of its latent, and of all log-det the part that is its
        own; networks may look at all places. Where a squeeze makes one place of several, they get
        equal shares of it.

        Args:
            value: ``[..., *event_shape]``.
            context: ``[..., *context_shape]`` for a conditional flow.
            training: Whether batch statistics and dropout are in training mode.

        Returns:
            ``[..., *places]``, where places are all axes of an event but the last, its channels;
            their sum is `log_prob`. The density of a vector, which is one place, is `log_prob`.

        Raises:
            NotImplementedError: If a bijector mixes places, or the base is not known to be
                independent over entries; it is named.
            ValueError: As in `log_prob`.
        """
        if len(self.bijector.event_shape) <= 1:
            return self.log_prob(value, context, training=training)

        def of_rows(value, context):
            context = self._embedded(context, training)
            x, shares = self.bijector.inverse_and_log_det_map(value, context, training)
            entries = log_prob_entries(self.distribution, x)
            return self.bijector.spread_entries(entries) + shares

        return self._of_rows(of_rows, value, context, training)

    def sample(
        self,
        sample_shape=(),
        context=None,
        seed=None,
        *,
        length=None,
        temperature: float = 1.0,
        name="sample",
    ):
        """Draws samples.

        Args:
            sample_shape: Shape of the draw, or a number.
            context: ``[*batch, *context_shape]`` for a conditional flow.
            seed: Seed, as in TFP: an ``int`` or a pair.
            length: Length of events whose length is free, or a tuple if several axes are; by
                default that of a context map.
            temperature: Factor on how far latents lie from the mean of the base; below 1, samples
                are likelier and vary less (Kingma and Dhariwal 2018, arXiv:1807.03039, section 6).
            name: Name for ops.

        Returns:
            ``[*sample_shape, *batch, *event_shape]``.

        Raises:
            ValueError: If the temperature is negative, or another than 1 with a base without mean,
                or a length is missing, not expected, or not divisible by what the flow squeezes.
        """
        if not temperature >= 0:
            raise ValueError(f"temperature must not be negative, got {temperature!r}.")
        with tf.name_scope(name):
            give = self.bijector.forward_value
            return self._drawn(give, sample_shape, context, seed, length, temperature)

    def _drawn(self, give, sample_shape, context, seed, length, temperature=1.0):
        """What a function of latents and the bijector's context gives for latents of the base."""
        context = self._embedded_in_parts(context)

        def block(shape, context, seed):
            z = self._latents(shape, context, seed, length)
            if temperature != 1:
                mean = self._base_mean()
                z = mean + tf.cast(temperature, z.dtype) * (z - mean)
            parts = (z, self.bijector.latent_shape), (context, self.bijector.context_shape)
            return chunks.mapped(give, self, *[chunks.Part(*part) for part in parts])

        return chunks.drawn(block, self, sample_shape, context, seed)

    def sample_and_log_prob(self, sample_shape=(), context=None, seed=None, *, length=None):
        """Draws samples, with their log-density in nats, in one pass; see `sample`.

        Returns:
            Samples as from `sample`, and ``[*sample_shape, *batch]`` log-densities.
        """

        def give(z, context):
            x, log_det = self.bijector.forward_and_log_det(z, context)
            return x, self.distribution.log_prob(z) - log_det

        return self._drawn(give, sample_shape, context, seed, length)

    def to_latent(self, x, context=None):
        """Maps data ``[..., *event_shape]`` to latents ``[..., *latent_shape]``."""
        return self._of_rows(
            lambda x, context: self.bijector.inverse_value(x, self._embedded(context)), x, context
        )

    def from_latent(self, z, context=None):
        """Maps latents ``[..., *latent_shape]`` to data ``[..., *event_shape]``."""
        return self._of_rows(
            lambda z, context: self.bijector.forward_value(z, self._embedded(context)),
            z,
            context,
            latent=True,
        )

    def given(self, context) -> "Flow":
        """Fixes the context.

        Args:
            context: ``[*batch, *context_shape]``.

        Returns:
            An unconditional flow of batch shape ``batch`` that shares the weights of this one.

        Raises:
            ValueError: If the flow takes no context, or the context does not fit.
        """
        return self._through(Given(self.bijector, self._embedded(context)), self.distribution)

    @staticmethod
    def _through(bijector: Given, base) -> "Flow":
        batch = shapes.batch_shape_tensor(bijector.context, len(bijector.bijector.context_shape))
        if not (isinstance(batch, list) and not batch):
            free = None in bijector.event_shape
            base = base.spread(batch) if free else tfd.BatchBroadcast(base, with_shape=batch)
        return Flow(base, bijector)

    def __getitem__(self, slices) -> "Flow":
        """A part of a flow with a batch shape, of `given` or of a base with one.

        Raises:
            ValueError: If the flow has no batch shape.
        """
        if self.batch_shape.rank == 0:
            raise ValueError(
                f"{self.name} has no batch shape, so no part of it can be taken; a flow with a "
                "fixed batch of contexts, flow.given(context), has one."
            )
        if not isinstance(self.bijector, Given):
            return Flow(self.distribution[slices], self.bijector)
        context, inner = self.bijector.context, self.bijector.bijector
        batch = tf.shape(context)[: self.batch_shape.rank]
        places = tf.reshape(tf.range(tf.reduce_prod(batch)), batch)[slices]
        rows = shapes.flatten_batch(context, len(inner.context_shape))
        free = None in inner.event_shape
        base = self.distribution.spread(()) if free else self.distribution.distribution
        return self._through(Given(inner, tf.gather(rows, places)), base)

    def frozen(
        self, *, check: bool = True, batch_sizes=None, compute_dtype=None, jit_compile="auto"
    ) -> FrozenFlow:
        """Densities, latents and samples by compiled programs whose weights are constants.

        For scoring that repeats, of small flows above all: what the weights alone decide is
        computed once, and a call costs its kernels.

        Args:
            check: Whether each call looks, exactly, for weights that were written since, and
                freezes the new ones. Without, the numbers stay those of the weights of now.
            batch_sizes: Numbers of rows that get programs, which others are filled up to; powers
                of two and 10, 20, 30, 50, 70, 100 and so on, up to 4,096, by default.
            compute_dtype: ``"bfloat16"`` for the products of matrices and convolutions in it.
            jit_compile: Whether XLA compiles the programs; ``"auto"`` does where it can.

        Returns:
            An object with ``log_prob``, ``prob``, ``to_latent``, ``from_latent``, ``sample`` and
            ``sample_and_log_prob``, ``stale`` and ``refresh``; see
            `tfp_flows.flows.frozen.FrozenFlow`.

        Raises:
            ValueError: If the flow has batches of its own, or an argument is out of range; when
                a density is called, if it draws noise.

        Example:
            >>> frozen = flow.frozen()
            >>> frozen.log_prob(x)              # [n]
        """
        return FrozenFlow(
            self,
            check=check,
            batch_sizes=batch_sizes,
            compute_dtype=compute_dtype,
            jit_compile=jit_compile,
        )

    def adapt(self, data, context=None) -> None:
        """Initialises what waits for data: standardisers of data and context, ActNorm; see `Chain`.

        Args:
            data: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` for a conditional flow.

        Raises:
            ValueError: If a shape does not fit, the data hold NaN or infinity, or their spread gets
                lost in the flow's precision.
        """
        standardizer = self._context_standardizer
        if standardizer is not None:
            if context is None:
                raise ValueError(
                    f"{self.name} needs a context of shape {self.context_shape}; pass context=..."
                )
            if isinstance(context, dict):
                context = {
                    n: real_array(c, f"context[{n!r}]", booleans=True) for n, c in context.items()
                }
            else:
                context = real_array(context, "context", booleans=True)
            if standardizer.needs_adapt:
                standardizer.adapt(context)
        if not self.bijector.needs_adapt:
            return
        check_precision(real_array(data, "data"), self.dtype.as_numpy_dtype, "data")
        if self._embedding is not None or standardizer is not None:
            context = self._embedded_in_parts(context)
        self.bijector.adapt(data, context)

    def _embedded_in_parts(self, context):
        """What `_embedded` returns for many rows, in the memory of a few."""
        if self._embedding is None:
            return self._embedded(context)
        part = chunks.Part(context, self.context_shape)
        return chunks.mapped(lambda given, _: self._embedded(given), self, part, embedded=part)

    def _latents(self, sample_shape, context, seed, length=None):
        sample_shape = tf.reshape(tf.convert_to_tensor(sample_shape, tf.int32), [-1])
        static = tf.get_static_value(sample_shape)
        shape = sample_shape if static is None else static.tolist()
        wanted = self.bijector.context_shape
        if context is not None and wanted is not None:
            context = shapes.as_float_tensor(context, self.dtype, "context")
            context = shapes.check_event(context, wanted, "context", self.name)
            batch = shapes.batch_shape_tensor(context, len(wanted))
            both = isinstance(shape, list) and isinstance(batch, list)
            shape = shape + batch if both else tf.concat([shape, batch], axis=0)
        lengths = free_lengths(self.bijector, length, context, self.name)
        options = {"length": lengths} if lengths else {}
        return self.distribution.sample(shape, seed=seed, **options)

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
        context = self._embedded(context, training)
        x, log_det = self.bijector.inverse_and_log_det(y, context, training)
        return self.log_prob_of_latent(y, x, log_det)

    def log_prob_of_latent(self, y, x, log_det):
        """The log-density of data, in nats, from what `inverse_and_log_det` of the bijector gave.

        Args:
            y: Data ``[..., *event_shape]``.
            x: Their latents.
            log_det: ``log|det dx/dy|``, ``[...]``.
        """
        log_prob = self.distribution.log_prob(x) + log_det
        # So far out that it overflows, the density is zero. All else that is no number stays so.
        axes = list(range(-len(self.event_shape), 0))
        far = tf.reduce_any(tf.abs(y) > y.dtype.max**0.75, axis=axes)
        never = tf.constant(-math.inf, log_prob.dtype)
        return tf.where(far & tf.math.is_nan(log_prob), never, log_prob)

    def _call_sample_n(self, sample_shape, seed, context=None, length=None):
        return self.sample(sample_shape, context, seed, length=length)

    def _sample_and_log_prob(self, sample_shape, seed, context=None, length=None):
        return self.sample_and_log_prob(sample_shape, context, seed, length=length)


for _pair in ((Flow, Flow), (Flow, tfd.Distribution), (tfd.Distribution, Flow)):
    tfd.RegisterKL(*_pair)(kl_divergence)

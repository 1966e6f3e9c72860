"""The contract of a bijector: one method a direction, value and log-det together."""

import math
from collections.abc import Iterable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors.places import ByPlace
from tfp_flows.copies import Copied

tfb = tfp.bijectors

_FullSpace = tfp.experimental.tangent_spaces.FullSpace
_MEMO = "_tfp_flows_log_det"


# AutoGraph rewrites functions that are called in a `tf.function`; nothing below needs it, and it
# takes several times as long as the tracing. Inside TFP's own methods it does not reach us.
_as_it_is = tf.autograph.experimental.do_not_convert


def is_training(flag) -> bool:
    """The training flag as a Python value; a tensor whose value is not known counts as False."""
    return bool(tf.get_static_value(flag)) if tf.is_tensor(flag) else bool(flag)


class Bijector(Copied, ByPlace, tfb.Bijector):
    """A `tfb.Bijector` that computes a value and its log-det in one evaluation.

    A subclass gives its event shape (and that of its latent, where it differs) to the constructor
    and writes one or both of

    - ``_forward_and_log_det(x, context, training)``, returning ``y`` and ``log|det dy/dx|``;
    - ``_inverse_and_log_det(y, context, training)``, returning ``x`` and ``log|det dx/dy|``;

    where log-dets have the batch shape, in nats, and ``context``, if the bijector takes one, has
    the batch shape of the input. Everything that TFP asks for follows from these two. Where the
    log-det costs much, ``_forward_value`` and ``_inverse_value`` leave it out. All variables are
    made in the constructor.

    TFP's cache is not used: it is keyed by the identity of tensors and so returns values computed
    with old weights, and cuts gradients. Each call computes anew. The one exception is inside
    ``TransformedDistribution.log_prob``, where the log-det that came with the inverse is handed
    on once, so that plain TFP distributions too evaluate a conditioner once. (A plain `tfb.Chain`
    or `tfb.Blockwise` of our bijectors has TFP's cache, with its faults; our `Chain` has not.)

    Args:
        event_shape: Shape of an event, known in advance; an ``int`` means a vector. Classes with
            ``free_lengths`` take None for axes, but the last, whose length each value says.
        latent_shape: Shape of its latent, with as many entries; that of the event by default.
        context_shape: Shape of the context of an event, or None for an unconditional bijector.
        latent_context_shape: Shape of the context that a bijector behind this one, on the side of
            the latent, is given; the same by default. See ``_context_inward``.
        dtype: ``float32`` or ``float64``.
        name: Name for ops; the class name in snake case by default.

    Raises:
        ValueError: If a shape is not made of positive integers, or dtype is another one.
    """

    checks_results = False
    """Whether results can fail when they are computed; see `tfp_flows.checks`."""

    resizes = False
    """Whether a latent may have more or fewer entries than its event: no bijection, but a map with
    a random part, whose log-det makes a bound of the density."""

    free_lengths = False
    """Whether axes of an event, but the last, may be None: of a length that each value says."""

    def __init__(
        self,
        *,
        event_shape: int | Iterable[int],
        latent_shape: int | Iterable[int] | None = None,
        context_shape: int | Iterable[int] | None = None,
        latent_context_shape: int | Iterable[int] | None = None,
        dtype=tf.float32,
        name: str | None = None,
    ):
        shape = shapes.as_shape(event_shape, "event_shape", free=True)
        latent = shape
        if latent_shape is not None:
            latent = shapes.as_shape(latent_shape, "latent_shape", free=True)
        if None in shape and not self.free_lengths:
            raise ValueError(
                f"{type(self).__name__} needs events of known size, got event_shape {shape}; only "
                "bijectors that treat all places alike take lengths that are free."
            )
        resizes = self.resizes or None in shape
        if not resizes and math.prod(latent) != math.prod(shape):
            raise ValueError(
                f"A latent has as many entries as its event, got latent_shape {latent} for "
                f"event_shape {shape}."
            )
        super().__init__(
            forward_min_event_ndims=len(latent),
            inverse_min_event_ndims=len(shape),
            dtype=shapes.as_float_dtype(dtype),
            name=name,
        )
        self._event_shape = self._no_dependency(shape)
        self._latent_shape = self._no_dependency(latent)
        if context_shape is not None:
            context_shape = shapes.as_shape(context_shape, "context_shape", free=True)
        self._context_shape = self._no_dependency(context_shape)
        inward = context_shape
        if latent_context_shape is not None:
            inward = shapes.as_shape(latent_context_shape, "latent_context_shape", free=True)
        self._latent_context_shape = self._no_dependency(inward)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an event: of what `forward` returns."""
        return self._event_shape

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the latent of an event: of what `inverse` returns."""
        return self._latent_shape

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context of an event; None if the bijector takes none."""
        return self._context_shape

    @property
    def latent_context_shape(self) -> tuple[int, ...] | None:
        """Shape of the context as it goes on to bijectors on the side of the latent."""
        return self._latent_context_shape

    @property
    def needs_adapt(self) -> bool:
        """Whether the bijector waits to be initialised from data by `adapt`."""
        return False

    def adapt(self, data, context=None) -> None:
        """Initialises data-dependent weights from a batch of data; does nothing by default.

        Args:
            data: Outputs of `forward`, ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if the bijector takes a context.
        """

    @_as_it_is
    def forward_and_log_det(self, x, context=None, training=False):
        """Maps latent to data.

        Args:
            x: ``[..., *latent_shape]``.
            context: ``[..., *context_shape]``, whose batch axes broadcast against those of ``x``.
            training: Whether batch statistics, dropout and the like are in training mode.

        Returns:
            ``y``, ``[..., *event_shape]``, and ``log|det dy/dx|`` in nats, of the batch shape.

        Raises:
            ValueError: If a shape does not fit, or a context is missing or not expected.
            NotImplementedError: If this direction has no formula.
        """
        x, context = self._prepare(x, context, "x", self._latent_shape)
        return self._forward_and_log_det(x, context, training)

    @_as_it_is
    def inverse_and_log_det(self, y, context=None, training=False):
        """Maps data to latent; arguments, results and errors as in `forward_and_log_det`."""
        y, context = self._prepare(y, context, "y")
        return self._inverse_and_log_det(y, context, training)

    @_as_it_is
    def forward_value(self, x, context=None, training=False):
        """Maps latent to data without the log-det, which some bijectors pay for."""
        x, context = self._prepare(x, context, "x", self._latent_shape)
        return self._forward_value(x, context, training)

    @_as_it_is
    def inverse_value(self, y, context=None, training=False):
        """Maps data to latent without the log-det, which some bijectors pay for."""
        y, context = self._prepare(y, context, "y")
        return self._inverse_value(y, context, training)

    def _context_inward(self, context):
        """The context for bijectors behind this one: ``[..., *latent_context_shape]``."""
        return context

    def _forward_value(self, x, context, training):
        return self._forward_and_log_det(x, context, training)[0]

    def _inverse_value(self, y, context, training):
        return self._inverse_and_log_det(y, context, training)[0]

    def _forward_and_log_det(self, x, context, training):
        raise NotImplementedError(f"{self.name} has no forward direction.")

    def _inverse_and_log_det(self, y, context, training):
        raise NotImplementedError(f"{self.name} has no inverse direction.")

    def _prepare(self, value, context, name, event_shape=None):
        event_shape = self._event_shape if event_shape is None else event_shape
        value = shapes.as_float_tensor(value, self.dtype, name)
        value = shapes.check_event(value, event_shape, name, self.name)
        if self._context_shape is None:
            if context is not None:
                raise ValueError(
                    f"{self.name} was built without context_shape but got a context; "
                    "leave the context out, or build it with context_shape."
                )
            return value, None
        if context is None:
            raise ValueError(
                f"{self.name} needs a context of shape [..., "
                f"{', '.join(map(str, self._context_shape))}]; pass context=..."
            )
        context = shapes.as_float_tensor(context, self.dtype, "context")
        context = shapes.check_event(context, self._context_shape, "context", self.name)
        if None in self._context_shape:
            # A latent may have fewer places; its context has those of the event all the same.
            factors = self.place_factors if name == "x" else None
            shapes.check_same_lengths(
                value, event_shape, context, self._context_shape, self.name, factors
            )
        return shapes.broadcast_batches(value, len(event_shape), context, len(self._context_shape))

    # What follows derives TFP's interface from the two methods above.

    def _call_forward(self, x, name, context=None, training=False):
        with tf.name_scope(name):
            return self.forward_value(x, context, training)

    def _call_inverse(self, y, name, context=None, training=False):
        with tf.name_scope(name):
            x, log_det = self.inverse_and_log_det(y, context, training)
            # `log_prob` of a plain TransformedDistribution asks for the log-det at x next. It
            # travels on the tensor itself, so it lives no longer, and it is taken only once.
            setattr(x, _MEMO, (log_det, self, context, training))
            return x

    def _call_forward_log_det_jacobian(self, x, event_ndims, name, context=None, training=False):
        with tf.name_scope(name):
            log_det = self.forward_and_log_det(x, context, training)[1]
            return self._sum_extra(log_det, event_ndims, self._latent_shape)

    def _call_inverse_log_det_jacobian(self, y, event_ndims, name, context=None, training=False):
        with tf.name_scope(name):
            log_det = self.inverse_and_log_det(y, context, training)[1]
            return self._sum_extra(log_det, event_ndims, self._event_shape)

    def _experimental_compute_density_correction(
        self,
        x,
        tangent_space,
        backward_compat=False,
        event_ndims=None,
        context=None,
        training=False,
    ):
        log_det, *origin = x.__dict__.pop(_MEMO, (None,)) if tf.is_tensor(x) else (None,)
        same = len(origin) == 3 and all(
            a is b for a, b in zip(origin, (self, context, training), strict=True)
        )
        if same and backward_compat and type(tangent_space) is _FullSpace:
            return self._sum_extra(-log_det, event_ndims, self._latent_shape), tangent_space
        return super()._experimental_compute_density_correction(
            x,
            tangent_space,
            backward_compat,
            event_ndims=event_ndims,
            context=context,
            training=training,
        )

    def _total(self, log_slopes):
        """The sum over an event: the log-det of a map of single entries, of their log-slopes."""
        return tf.reduce_sum(log_slopes, axis=list(range(-len(self.event_shape), 0)))

    def _sum_extra(self, log_det, event_ndims, event_shape):
        smallest = len(event_shape)
        static = smallest if event_ndims is None else tf.get_static_value(event_ndims)
        if static is None or int(static) < smallest:
            raise ValueError(
                f"{self.name}: event_ndims must be known and at least {smallest}, "
                f"got {event_ndims}."
            )
        extra = int(static) - smallest
        return tf.reduce_sum(log_det, axis=list(range(-extra, 0))) if extra else log_det

    def _forward_event_shape(self, input_shape):
        return self._swapped(input_shape, self._latent_shape, self._event_shape)

    def _inverse_event_shape(self, output_shape):
        return self._swapped(output_shape, self._event_shape, self._latent_shape)

    def _forward_event_shape_tensor(self, input_shape):
        outer = input_shape[: -len(self._latent_shape)]
        return tf.concat([outer, self._known(self._event_shape)], axis=0)

    def _inverse_event_shape_tensor(self, output_shape):
        outer = output_shape[: -len(self._event_shape)]
        return tf.concat([outer, self._known(self._latent_shape)], axis=0)

    @staticmethod
    def _known(shape):
        # As TensorFlow writes sizes that are not known.
        return [-1 if size is None else size for size in shape]

    def _swapped(self, shape, expected, result):
        if shape.rank is None:
            return shape
        outer, event = shape[: shape.rank - len(expected)], shape[shape.rank - len(expected) :]
        if not event.is_compatible_with(expected):
            raise ValueError(f"{self.name}: got events of shape {event}, expected {expected}.")
        return outer.concatenate(list(result))

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

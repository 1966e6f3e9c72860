"""The density of each entry, of a base that is independent over entries."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def log_prob_entries(base: tfd.Distribution, value: tf.Tensor) -> tf.Tensor:
    """The log-density of each entry of an event, in nats.

    Args:
        base: One of `tfp_flows.bases` that is independent over entries, or a `tfd.Sample` or
            `tfd.Independent` of scalar distributions.
        value: ``[..., *event_shape]``.

    Returns:
        ``[..., *event_shape]``, whose sum over the event is the log-density.

    Raises:
        NotImplementedError: If the base is not known to be independent over entries.
    """
    own = getattr(base, "log_prob_entries", None)
    if own is not None:
        return own(value)
    # Some of TFP's classes hide behind a private parent.
    kind, inner = type(base).__name__.lstrip("_"), getattr(base, "distribution", None)
    if kind == "BatchBroadcast":
        return log_prob_entries(inner, value)
    if kind in ("Sample", "Independent") and inner.event_shape.rank == 0:
        sampled = kind == "Sample" and inner.batch_shape.rank == 0
        if sampled or (kind == "Independent" and inner.batch_shape.rank == base.event_shape.rank):
            return inner.log_prob(value)
    raise NotImplementedError(
        f"The base {base.name} is not known to be independent over entries, so there is no density "
        "by place; use tfp_flows.bases.StandardNormal, or a tfd.Independent of scalars."
    )

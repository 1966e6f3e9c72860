"""The functions of a flow that an export has, with named tensors in and out."""

from collections.abc import Callable

import tensorflow as tf

from tfp_flows.errors import remark
from tfp_flows.flows import Flow
from tfp_flows.flows.graphs import draws_noise

# What makes a density exact, by the bijector that draws noise in it.
_SWITCHES = {
    "Dequantize": "build the flow with bins=None, for data that are real numbers, to have it exact",
    "Variational": "its mean over many calls is a bound from below, and never exact",
}


class Functions:
    """``log_prob``, ``sample`` and ``to_latent`` of a flow, and what they take.

    Args:
        flow: The flow.

    Attributes:
        rows: Specifications of what ``log_prob`` and ``to_latent`` take, by name: ``x`` and the
            context, by ``context`` or by the names of its entries.
        draws: Those of what ``sample`` takes: ``count``, ``seed``, the context, ``length``.
    """

    def __init__(self, flow: Flow):
        self._flow, contexts = flow, _context_specs(flow)
        if clash := sorted({"x", "count", "seed", "length"} & set(contexts)):
            raise ValueError(
                f"{flow.name} has a context named {clash[0]!r}, as an input of every export is; "
                "rename that input of its embedding."
            )
        event, context_shape = flow.bijector.event_shape, flow.bijector.context_shape
        mapped = context_shape is not None and len(context_shape) == len(event)
        self._free = 0 if mapped else event.count(None)
        self.rows = {"x": _spec([None, *flow.event_shape], flow.dtype, "x"), **contexts}
        self.draws = {
            "count": _spec([], tf.int32, "count"),
            "seed": _spec([2], tf.int32, "seed"),
            **contexts,
        }
        if self._free:
            self.draws["length"] = _spec([self._free], tf.int32, "length")

    def log_prob(self, x, context=None):
        """Log-densities ``[n]``, in nats."""
        return tf.ensure_shape(self._flow.log_prob(x, context), [None])

    def to_latent(self, x, context=None):
        """Latents ``[n, *latent_shape]``."""
        latent = self._flow.to_latent(x, context)
        return tf.ensure_shape(latent, [None, *self._flow.bijector.latent_shape])

    def sample(self, count, seed, context=None, length=None):
        """Samples ``[count, *event_shape]``; of a context of ``m`` rows ``[count, m, ...]``."""
        length = None if length is None else tf.unstack(length, self._free)
        drawn = self._flow.sample(count, context, seed=seed, length=length)
        rows = [None] if context is None else [None, None]
        return tf.ensure_shape(drawn, [*rows, *self._flow.event_shape])

    def named(self, function: Callable, output: str) -> Callable:
        """One of these with the entries of a context as inputs, and its result by name."""
        shape = self._flow.context_shape

        def signature(**given):
            if isinstance(shape, dict):
                given["context"] = {name: given.pop(name) for name in sorted(shape)}
            return {output: function(**given)}

        return signature


def traced(function: Callable, specs: dict[str, tf.TensorSpec]):
    """A function of named tensors as a concrete one."""
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def remark_if_random(flow: Flow, log_prob) -> bool:
    """Says that a density is an estimate, which each call draws anew.

    Args:
        flow: The flow.
        log_prob: Its density as a concrete function.

    Returns:
        Whether it is.
    """
    if not draws_noise(log_prob):
        return False
    names = {cls.__name__ for module in flow.submodules for cls in type(module).__mro__}
    known = sorted(names & set(_SWITCHES))
    ways = "; ".join(f"{name} draws it: {_SWITCHES[name]}" for name in known)
    remark(
        f"The density of {flow.name} is an estimate with noise, so log_prob of one event differs "
        f"from call to call in the export as it does here{'; ' if ways else ''}{ways}."
    )
    return True


def _context_specs(flow: Flow) -> dict[str, tf.TensorSpec]:
    shape, dtype = flow.context_shape, flow.context_dtype
    if shape is None:
        return {}
    if not isinstance(shape, dict):
        return {"context": _spec([None, *shape], dtype, "context")}
    return {name: _spec([None, *shape[name]], dtype[name], name) for name in sorted(shape)}


def _spec(shape, dtype, name) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, name=name)

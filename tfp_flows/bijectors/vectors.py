"""What bijectors of vectors share: sizes, and parameters that a context may move."""

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.interop import ContextNetwork
from tfp_flows.networks.initial import new_generator
from tfp_flows.networks.mlp import MLP


def vector_size(bijector: Bijector, smallest: int = 1) -> int:
    """The size of a bijector's event, which must be a vector of at least ``smallest`` entries.

    Raises:
        ValueError: If it is not.
    """
    shape = bijector.event_shape
    if len(shape) != 1 or shape[0] < smallest:
        need = f"a vector of at least {smallest} entries" if smallest > 1 else "a vector"
        raise ValueError(f"{bijector.name} needs {need} as event, got event_shape {shape}.")
    return shape[0]


def context_size(bijector: Bijector) -> int:
    """The size of a bijector's context, which must be a vector; 0 without a context.

    Raises:
        ValueError: If the context is not a vector.
    """
    shape = bijector.context_shape
    if shape is None:
        return 0
    if len(shape) != 1:
        raise ValueError(
            f"{bijector.name} needs a vector as context, got context_shape {shape}; an embedding "
            "of the flow makes one of anything."
        )
    return shape[0]


def check_context(bijector: Bijector) -> None:
    """Checks that a context is a vector, or a map of the places of an event that has places.

    Raises:
        ValueError: If it is neither.
    """
    shape, places = bijector.context_shape, bijector.event_shape[:-1]
    if shape is None or len(shape) == 1 or (places and shape[:-1] == places):
        return
    if not places:
        context_size(bijector)
    raise ValueError(
        f"{bijector.name} needs a vector or a map of places {places} as context, those of its "
        f"events {bijector.event_shape}, got context_shape {shape}."
    )


def unflattened(bijector: Bijector, like, value, log_det):
    """A value ``[n, D]`` and its log-det ``[n]`` in the batch shape of ``like``."""
    return (
        shapes.unflatten_batch(value, like, 1, bijector.event_shape),
        shapes.unflatten_batch(log_det, like, 1, ()),
    )


class ParametricVector(Bijector):
    """A bijector of vectors with a vector of parameters, which a network of the context may move.

    A subclass gives the initial parameters and writes the two methods of `Bijector`, with
    ``self._parameters_of(context, training)``: ``[P]``, or ``[..., P]`` with a context.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        hidden_units: Hidden layers of the network.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the initial weights.
        name: Name for ops.

    Raises:
        ValueError: If event or context are not vectors.
    """

    def __init__(
        self,
        *,
        event_shape,
        context_shape=None,
        hidden_units=(32,),
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        generator = new_generator(seed)
        initial = np.asarray(self._initial(vector_size(self), generator))
        network, contexts = None, context_size(self)
        if contexts:
            network = MLP(
                input_size=0,
                context_size=contexts,
                output_size=len(initial),
                hidden_units=hidden_units,
                dtype=self.dtype,
                seed=int(generator.integers(2**31)),
            )
        self._parameters_of = ContextNetwork(
            initial=tf.constant(initial, self.dtype), network=network
        )

    def _initial(self, size: int, generator: np.random.Generator):
        """The initial parameters, for a map near the identity."""
        raise NotImplementedError

"""What bijectors of vectors share: sizes, and networks of their context."""

from tfp_flows.bijectors.base import Bijector
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
        raise ValueError(f"{bijector.name} needs a vector as context, got context_shape {shape}.")
    return shape[0]


def context_mlp(bijector: Bijector, output_size: int, hidden_units, generator) -> MLP | None:
    """A network from a bijector's context to ``output_size`` numbers; None without a context."""
    size = context_size(bijector)
    if not size:
        return None
    return MLP(
        input_size=0,
        context_size=size,
        output_size=output_size,
        hidden_units=hidden_units,
        dtype=bijector.dtype,
        seed=int(generator.integers(2**31)),
    )

"""How long a sample is, of events whose length is free."""

from tfp_flows import shapes
from tfp_flows.bijectors import Bijector, Given


def free_lengths(bijector: Bijector, length, context, owner: str) -> list:
    """The lengths of the latents of a sample, for each free axis; none for events of known shape.

    Args:
        bijector: From latents to events.
        length: What the user asked for: None, a number, or one for each free axis.
        context: The context of the bijector, or None.
        owner: Name of the flow, for errors.

    Raises:
        ValueError: If a length is missing, not expected, differs from that of a context map, or
            does not divide.
    """
    free = [i for i, size in enumerate(bijector.event_shape) if size is None]
    if not free:
        if length is not None:
            raise ValueError(
                f"{owner}: length is for events of free length, and these are of shape "
                f"{bijector.event_shape}."
            )
        return []
    mapped = None
    if isinstance(bijector, Given):
        context, bijector = bijector.context, bijector.bijector
    rank = len(bijector.event_shape)
    if context is not None and len(bijector.context_shape) == rank:
        mapped = shapes.sizes(context, [context.shape.rank - rank + i for i in free])
    if length is None and mapped is None:
        raise ValueError(
            f"{owner}: events {bijector.event_shape} are of free length; give length=..., a number "
            "for each None."
        )
    wanted = mapped if length is None else length
    wanted = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if len(wanted) != len(free):
        raise ValueError(
            f"{owner}: events {bijector.event_shape} need {len(free)} lengths, got {length!r}."
        )
    if mapped is not None and any(
        isinstance(a, int) and isinstance(b, int) and a != b
        for a, b in zip(wanted, mapped, strict=True)
    ):
        raise ValueError(
            f"{owner}: the context map is of length {mapped}, but length={length!r} was asked for; "
            "leave length out."
        )
    return bijector.latent_lengths(wanted)

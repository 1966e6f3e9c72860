"""What is checked: a constructor, and where and how exactly its results are compared."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfp_flows import shapes

Interval = tuple[float, float]
LINE: Interval = (-math.inf, math.inf)
DIRECTIONS = ("forward", "inverse")


def randomise(module, seed: int = 0, scale: float = 0.4):
    """Moves every trainable variable away from its initial value; constraints stay kept."""
    generator = np.random.default_rng(seed)
    for variable in module.trainable_variables:
        noise = scale * generator.normal(size=variable.shape)
        value = variable + tf.cast(noise, variable.dtype)
        variable.assign(value if variable.constraint is None else variable.constraint(value))
    return module


def draw(shape, dtype, domain: Interval = LINE, seed: int = 1) -> tf.Tensor:
    """Random points of ``shape`` inside an interval; normal numbers on the whole line."""
    numbers = np.random.default_rng(seed).normal(size=shape)
    low, high = domain
    if math.isfinite(low) and math.isfinite(high):
        numbers = low + (high - low) * (0.5 + 0.45 * np.tanh(numbers))
    elif math.isfinite(low):
        numbers = low + np.exp(numbers)
    elif math.isfinite(high):
        numbers = high - np.exp(numbers)
    return tf.constant(numbers, dtype)


def clipped(values, domain: Interval) -> np.ndarray:
    """Values moved into an interval."""
    low, high = domain
    if math.isfinite(low) and math.isfinite(high):
        margin = 1e-3 * (high - low)
        return np.clip(values, low + margin, high - margin)
    return np.clip(values, low + 1e-3, high - 1e-3)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """A bijector under test.

    Args:
        build: Makes a new one, without arguments; each call gives one of the same shape.
        tolerance: Bound on differences, relative to 1 + the expected value.
        gradient_tolerance: The same for gradients against differences of values.
        gradient_step: Step of those differences, in float64.
        spread: How far weights are moved from their initial values.
        directions: What is evaluated: "forward", "inverse" or both.
        latent_domain: Interval in which latents lie.
        data_domain: Interval in which data lie; None if what `forward` returns stands for all.
        context_domain: Interval in which contexts lie.
        one_program: Whether XLA can compile it.
        length: Length of events whose length is free.
    """

    build: Callable
    tolerance: float
    gradient_tolerance: float = 1e-5
    gradient_step: float = 1e-6
    spread: float = 0.4
    directions: tuple[str, ...] = DIRECTIONS
    latent_domain: Interval = LINE
    data_domain: Interval | None = None
    context_domain: Interval = LINE
    one_program: bool = True
    length: int = 4

    def new(self, seed: int = 0):
        """A new bijector, its weights away from their initial values."""
        return randomise(self.build(), seed, self.spread)

    def latents(self, bijector, shape=()) -> tf.Tensor:
        """Latents ``[*shape, *latent_shape]``, of events of ``length`` where it is free."""
        lengths = [self.length] * bijector.event_shape.count(None)
        lengths = iter(bijector.latent_lengths(lengths))
        latent = [next(lengths) if size is None else size for size in bijector.latent_shape]
        return draw((*shape, *latent), bijector.dtype, self.latent_domain)

    def contexts(self, bijector, shape=()) -> tf.Tensor | None:
        """Contexts ``[*shape, *context_shape]``, or None where there are none."""
        if bijector.context_shape is None:
            return None
        size = (*shape, *shapes.filled(bijector.context_shape, self.length))
        return draw(size, bijector.dtype, self.context_domain, seed=2)

    def data(self, bijector, shape=()) -> tf.Tensor:
        """Data ``[*shape, *event_shape]``: what latents are mapped to."""
        if "forward" in self.directions:
            latents, context = self.latents(bijector, shape), self.contexts(bijector, shape)
            return bijector.forward_and_log_det(latents, context)[0]
        return self.drawn_data(bijector, shape)

    def drawn_data(self, bijector, shape=()) -> tf.Tensor:
        """Data ``[*shape, *event_shape]`` of the domain, wherever `forward` may lead."""
        size = (*shape, *shapes.filled(bijector.event_shape, self.length))
        return draw(size, bijector.dtype, self.data_domain or LINE, seed=4)

    def inputs(self, bijector, direction: str, shape=()) -> tuple[tf.Tensor, tf.Tensor | None]:
        """What a direction is evaluated at, and its context."""
        value = (self.latents if direction == "forward" else self.data)(bijector, shape)
        return value, self.contexts(bijector, shape)


def evaluate(bijector, direction: str, value, context=None):
    """Value and log-det of a direction."""
    return getattr(bijector, f"{direction}_and_log_det")(value, context)


def as_keywords(context) -> dict:
    """The context as keyword arguments of TFP's methods."""
    return {} if context is None else {"context": context}

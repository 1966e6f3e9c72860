"""The residual network in NumPy, and the mistakes that students make in it."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.rubrics.realnvp.maths import Normalisation, convolve

CONVOLUTIONS = 5
_ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "tanh": np.tanh,
}


class Convolution(NamedTuple):
    """Weights of a convolution."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclasses.dataclass(frozen=True)
class Form:
    """How a network is put together, with or without a mistake.

    Attributes:
        activations: Of the four convolutions in the two blocks.
        normalised: Which of those have a normalisation.
        normalised_when: "last", "first" (before the activation) or "before" the convolution.
        added: What each block adds: "input" (its own), "image" (the network's) or "nothing".
        relu_of_sum: Whether a relu follows the sums.
        last: Activation of the last convolution.
        bounded: Which of shift and log-scale go through tanh.
        outputs_swapped: Log-scale comes first.
        halves_swapped: The halves of the last convolution are taken the other way round.
    """

    activations: tuple[str, ...] = ("relu",) * 4
    normalised: tuple[bool, ...] = (True,) * 4
    normalised_when: str = "last"
    added: tuple[str, str] = ("input", "input")
    relu_of_sum: bool = False
    last: str = "linear"
    bounded: tuple[bool, bool] = (False, True)
    outputs_swapped: bool = False
    halves_swapped: bool = False

    def evaluate(
        self,
        x: np.ndarray,
        convolutions: Sequence[Convolution],
        normalisations: Sequence[Normalisation],
        *,
        training: bool = False,
    ) -> list[np.ndarray]:
        """Both outputs.

        Raises:
            ValueError: The weights do not fit together in this way.
            IndexError: There are too few of them.
        """
        image = x = x.astype(float)
        left = list(normalisations)
        for block in range(2):
            start = x
            for number in (2 * block, 2 * block + 1):
                x = self._layer(number, x, convolutions[number], left, training)
            x = x + {"input": start, "image": image, "nothing": 0.0}[self.added[block]]
            if self.relu_of_sum:
                x = np.maximum(x, 0)
        x = _ACTIVATIONS[self.last](convolve(x, *convolutions[4]))
        halves = np.split(x, 2, axis=-1)
        if self.halves_swapped:
            halves.reverse()
        outputs = [
            np.tanh(half) if bounded else half
            for half, bounded in zip(halves, self.bounded, strict=True)
        ]
        return outputs[::-1] if self.outputs_swapped else outputs

    def _layer(self, number: int, x: np.ndarray, weights: Convolution, left: list, training: bool):
        normalisation = left.pop(0) if self.normalised[number] else None
        activation = _ACTIVATIONS[self.activations[number]]

        def normalise(values: np.ndarray) -> np.ndarray:
            if normalisation is None:
                return values
            return normalisation.normalise(values, of_batch=training)

        if self.normalised_when == "before":
            return activation(convolve(normalise(x), *weights))
        if self.normalised_when == "first":
            return activation(normalise(convolve(x, *weights)))
        return normalise(activation(convolve(x, *weights)))


class Mistake(NamedTuple):
    """A form with one mistake: its kind and what it tells."""

    form: Form
    kind: str
    message: str


def mistakes() -> Iterator[Mistake]:
    """The mistakes, most likely first."""
    yield Mistake(Form(bounded=(False, False)), "tanh", "log_scale is not passed through tanh.")
    yield Mistake(
        Form(bounded=(True, True)), "tanh", "The shift is passed through tanh, which bounds it."
    )
    yield Mistake(
        Form(bounded=(True, False)), "tanh", "The tanh is on the shift instead of log_scale."
    )
    yield Mistake(
        Form(outputs_swapped=True), "order", "The outputs are in the wrong order: shift is first."
    )
    yield Mistake(
        Form(halves_swapped=True), "order", "The halves of the split are taken the other way round."
    )
    yield Mistake(
        Form(outputs_swapped=True, bounded=(True, False)),
        "order",
        "The halves of the split are returned in the wrong order.",
    )
    for block, name in enumerate(("first", "second")):
        added = tuple("nothing" if i == block else "input" for i in range(2))
        yield Mistake(
            Form(added=added), "residual", f"The {name} residual connection (add) is missing."
        )
    yield Mistake(
        Form(added=("nothing", "nothing")), "residual", "Both residual connections are missing."
    )
    yield Mistake(
        Form(added=("input", "image")),
        "residual",
        "The second residual connection adds the network's input, not that of its block.",
    )
    yield Mistake(Form(relu_of_sum=True), "activation", "A relu after the sums is too much.")
    for last in ("relu", "tanh"):
        yield Mistake(
            Form(last=last), "activation", f"The last convolution has the activation {last}."
        )
    yield Mistake(
        Form(normalised_when="first"),
        "normalisation",
        "The normalisations stand before the activations instead of after them.",
    )
    yield Mistake(
        Form(normalised_when="before"),
        "normalisation",
        "The normalisations stand before the convolutions instead of after them.",
    )
    yield from _inner_activations()


def _inner_activations() -> Iterator[Mistake]:
    patterns = [(False,) * 4, (True, False, True, False), (False, True, False, True)]
    patterns += [tuple(i != number for i in range(4)) for number in range(4)]
    for pattern in patterns:
        activations = tuple("relu" if active else "linear" for active in pattern)
        lacking = ", ".join(str(i + 1) for i, active in enumerate(pattern) if not active)
        yield Mistake(
            Form(activations=activations),
            "activation",
            f"A relu is missing: at convolution {lacking}.",
        )
    yield Mistake(
        Form(activations=("tanh",) * 4), "activation", "The inner activations are tanh, not relu."
    )


def missing_normalisations(count: int) -> Iterator[Form]:
    """Forms of networks with fewer normalisations than four."""
    for bits in range(16):
        normalised = tuple(bool(bits >> i & 1) for i in range(4))
        if sum(normalised) == count:
            yield Form(normalised=normalised)

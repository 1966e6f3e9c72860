"""The residual network in NumPy, put together in the right way or in another one."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.rubrics.realnvp.maths import Normalisation, convolve

CONVOLUTIONS = 5
BEFORE_ALL, AFTER_FIRST_SUM, AFTER_SECOND_SUM = -1, 100, 101
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
    """How a network is put together, with or without mistakes.

    Attributes:
        blocks: Convolutions in each of the two blocks; one more follows.
        fed: What a convolution sees whose kernel is for one channel: the "sum" or the "mean" of
            all, or each "group" of outputs its own; "all" if kernels are for all channels.
        activations: Of the convolutions in the blocks; "relu" of those beyond.
        normalised: After which convolutions a normalisation stands, from 0; or one of the places
            `BEFORE_ALL`, `AFTER_FIRST_SUM`, `AFTER_SECOND_SUM`.
        normalised_when: "last", "first" (before the activation) or "before" the convolution.
        added: What each block adds: "input" (its own), "image" (the network's) or "nothing".
        relu_of_sum: Whether a relu follows the sums.
        last: Activation of the last convolution.
        bounded: Which of shift and log-scale go through tanh.
        outputs_swapped: Log-scale comes first.
        halves_swapped: The halves of the last convolution are taken the other way round.
    """

    blocks: tuple[int, int] = (2, 2)
    fed: str = "all"
    activations: tuple[str, ...] = ("relu",) * 4
    normalised: tuple[int, ...] = (0, 1, 2, 3)
    normalised_when: str = "last"
    added: tuple[str, str] = ("input", "input")
    relu_of_sum: bool = False
    last: str = "linear"
    bounded: tuple[bool, bool] = (False, True)
    outputs_swapped: bool = False
    halves_swapped: bool = False

    @property
    def trunk(self) -> "Form":
        """The same network as far as its last convolution goes."""
        right = {"bounded": (False, True), "outputs_swapped": False, "halves_swapped": False}
        return dataclasses.replace(self, **right)

    def evaluate(
        self,
        x: np.ndarray,
        convolutions: Sequence[Convolution],
        normalisations: Sequence[Normalisation],
        *,
        of_batch: Sequence[bool] = (),
    ) -> list[np.ndarray]:
        """Both outputs.

        Args:
            x: The images.
            convolutions: In order.
            normalisations: In order.
            of_batch: Which normalisations use the statistics of the batch; none by default.

        Raises:
            ValueError: The weights do not fit together in this way.
            IndexError: There are too few of them.
        """
        return self.head(self.features(x, convolutions, normalisations, of_batch=of_batch))

    def features(
        self,
        x: np.ndarray,
        convolutions: Sequence[Convolution],
        normalisations: Sequence[Normalisation],
        *,
        of_batch: Sequence[bool] = (),
    ) -> np.ndarray:
        """What the last convolution gives; for arguments and errors see `evaluate`."""
        flags = list(of_batch) or [False] * len(normalisations)
        left = list(zip(normalisations, flags, strict=True))
        number = 0
        x = image = self._normalise(x.astype(float), BEFORE_ALL, left)
        for block, length in enumerate(self.blocks):
            start = x
            for _ in range(length):
                activation = self.activations[number] if number < 4 else "relu"
                x = self._layer(number, x, convolutions[number], activation, left)
                number += 1
            added = {"input": start, "image": image, "nothing": np.zeros(())}[self.added[block]]
            if added.shape not in (x.shape, ()):
                raise ValueError("a sum of different shapes")
            x = x + added
            if self.relu_of_sum:
                x = np.maximum(x, 0)
            x = self._normalise(x, (AFTER_FIRST_SUM, AFTER_SECOND_SUM)[block], left)
        x = self._layer(number, x, convolutions[number], self.last, left)
        if left or number + 1 != len(convolutions):
            raise ValueError("weights are left over")
        return x

    def head(self, features: np.ndarray) -> list[np.ndarray]:
        """Both outputs, of what the last convolution gives."""
        halves = np.split(features, 2, axis=-1)
        if self.halves_swapped:
            halves.reverse()
        outputs = [
            np.tanh(half) if bounded else half
            for half, bounded in zip(halves, self.bounded, strict=True)
        ]
        return outputs[::-1] if self.outputs_swapped else outputs

    def _layer(self, number: int, x: np.ndarray, weights: Convolution, activation: str, left):
        function = _ACTIVATIONS[activation]
        if self.normalised_when == "before":
            return function(self._convolve(self._normalise(x, number, left), weights))
        if self.normalised_when == "first":
            return function(self._normalise(self._convolve(x, weights), number, left))
        return self._normalise(function(self._convolve(x, weights)), number, left)

    def _normalise(self, x: np.ndarray, place: int, left) -> np.ndarray:
        if place not in self.normalised:
            return x
        normalisation, of_batch = left.pop(0)
        if normalisation.mean.shape != x.shape[-1:]:
            raise ValueError("a normalisation of another number of channels")
        return normalisation.normalise(x, of_batch=of_batch)

    def _convolve(self, x: np.ndarray, weights: Convolution) -> np.ndarray:
        kernel, bias = weights
        channels, seen = x.shape[-1], kernel.shape[2]
        if seen == channels or self.fed == "all":
            return convolve(x, kernel, bias)
        if self.fed in ("sum", "mean") and seen == 1:
            return convolve(getattr(x, self.fed)(axis=-1, keepdims=True), kernel, bias)
        if self.fed != "group" or channels % seen or kernel.shape[-1] % (channels // seen):
            raise ValueError("a kernel of another number of channels")
        groups = channels // seen
        parts = zip(
            np.split(x, groups, axis=-1),
            np.split(kernel, groups, axis=-1),
            np.split(bias, groups),
            strict=True,
        )
        return np.concatenate([convolve(*part) for part in parts], axis=-1)

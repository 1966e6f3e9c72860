"""What is right, in NumPy and double precision; mistakes that students make are variations of it.

Everything follows Dinh et al. 2017, sections 3.2 to 3.7.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

BATCH_NORMALISATION_EPSILON = 1e-3  # the default of Keras

Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
_IMAGE_AXES = (-3, -2, -1)


def random_kernels(random: np.random.Generator, channels: int) -> list[np.ndarray]:
    """Weights of a network of the probes, for up to so many channels."""
    shapes = ((channels, channels), (channels, channels), (channels,)) * 2
    return [random.uniform(-0.6, 0.6, shape).astype(np.float32) for shape in shapes]


def network(kernels: Sequence[np.ndarray]) -> Network:
    """The function that the probes make of some weights."""

    def evaluate(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n = x.shape[-1]
        near = np.roll(x, 1, axis=-2) + np.roll(x, 1, axis=-3)
        shift, log_scale = (
            x @ here[:n, :n] + near @ beside[:n, :n] + offset[:n]
            for here, beside, offset in (kernels[:3], kernels[3:])
        )
        return shift, np.tanh(log_scale)

    return evaluate


def mask(kind: str, orientation: int, shape: Sequence[int]) -> np.ndarray:
    """Mask of an image [height, width, channels]: [height, width, 1] or [1, 1, channels]."""
    height, width, channels = shape
    if kind == "channel":
        ones = np.arange(channels) >= channels // 2
        return (ones != bool(orientation)).astype(np.float32)[None, None]
    sums = np.arange(height)[:, None] + np.arange(width)[None]
    return ((sums + orientation) % 2).astype(np.float32)[..., None]


@dataclasses.dataclass(frozen=True)
class Coupling:
    """A coupling layer, or one with a mistake.

    Attributes:
        mask: "kept" where the mask keeps what is 1; "moved" if its roles are swapped.
        seen: What the network sees: "kept", "moved" or "all" entries.
        outputs_swapped: The network's outputs are taken in the wrong order.
        log_scale, shift: Factors on them, of the sign; 0 leaves them out.
        exponential: Whether the scale is exp of the log-scale, or the log-scale itself.
        shift_inside: Whether the shift comes before the scale, for the wrong direction's order.
        rest: Factor of moved entries: "masked", or "everywhere".
        keeps: Whether the kept entries are in the result.
        shift_everywhere: Whether the shift is added to kept entries too.
        summed: What the log-det sums: "moved", "kept" or "all" log-scales, "shift", "exp", "mean".
    """

    mask: str = "kept"
    seen: str = "kept"
    outputs_swapped: bool = False
    log_scale: float = 1.0
    shift: float = 1.0
    exponential: bool = True
    shift_inside: bool = False
    rest: str = "masked"
    keeps: bool = True
    shift_everywhere: bool = False
    summed: str = "moved"

    def _parts(self, x: np.ndarray, b: np.ndarray, net: Network) -> tuple[np.ndarray, ...]:
        keep = b if self.mask == "kept" else 1 - b
        seen = {"kept": keep * x, "moved": (1 - keep) * x, "all": x}[self.seen]
        shift, log_scale = net(seen)
        if self.outputs_swapped:
            shift, log_scale = log_scale, shift
        return keep, self.shift * shift, self.log_scale * log_scale

    def _join(self, x: np.ndarray, keep: np.ndarray, moved: np.ndarray) -> np.ndarray:
        rest = moved if self.rest == "everywhere" else (1 - keep) * moved
        return keep * x + rest if self.keeps else rest

    def forward(self, x: np.ndarray, b: np.ndarray, net: Network) -> np.ndarray:
        """Equation 7 of the paper."""
        keep, shift, log_scale = self._parts(x, b, net)
        scale = np.exp(log_scale) if self.exponential else log_scale
        if self.shift_everywhere:
            return self._join(x, keep, x * scale) + shift
        return self._join(x, keep, (x + shift) * scale if self.shift_inside else x * scale + shift)

    def inverse(self, y: np.ndarray, b: np.ndarray, net: Network) -> np.ndarray:
        """Equation 8 of the paper."""
        keep, shift, log_scale = self._parts(y, b, net)
        scale = np.exp(-log_scale) if self.exponential else -log_scale
        if self.shift_everywhere:
            return self._join(y, keep, y * scale) - shift
        return self._join(y, keep, y * scale - shift if self.shift_inside else (y - shift) * scale)

    def forward_log_det_jacobian(self, x: np.ndarray, b: np.ndarray, net: Network) -> np.ndarray:
        """Equation 6 of the paper."""
        keep, shift, log_scale = self._parts(x, b, net)
        summed = {
            "moved": (1 - keep) * log_scale,
            "kept": keep * log_scale,
            "all": log_scale,
            "shift": (1 - keep) * shift,
            "exp": (1 - keep) * np.exp(log_scale),
            "mean": (1 - keep) * log_scale / np.prod(x.shape[1:]),
        }[self.summed]
        return summed.sum(axis=_IMAGE_AXES)

    def inverse_log_det_jacobian(self, y: np.ndarray, b: np.ndarray, net: Network) -> np.ndarray:
        """The same of the inverse, at its own argument."""
        negative = dataclasses.replace(self, log_scale=-self.log_scale)
        log_det = negative.forward_log_det_jacobian(y, b, net)
        return -log_det if self.summed == "shift" else log_det


RIGHT = Coupling()


def squeeze(x: np.ndarray) -> np.ndarray:
    """Each 2x2 square of pixels to channels, row by row."""
    batch, height, width, channels = x.shape
    squares = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    squares = squares.transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(batch, height // 2, width // 2, 4 * channels)


def unsqueeze(y: np.ndarray) -> np.ndarray:
    """Undoes `squeeze`."""
    batch, height, width, channels = y.shape
    squares = y.reshape(batch, height, width, 2, 2, channels // 4)
    squares = squares.transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(batch, 2 * height, 2 * width, channels // 4)


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """Variables of a batch normalisation."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All of them, in order."""
        return self.gamma, self.beta, self.mean, self.variance

    def normalise(self, x: np.ndarray, *, of_batch: bool = False) -> np.ndarray:
        """Normalises by the moving statistics, or by those of the batch."""
        mean, variance = self.mean, self.variance
        if of_batch:
            mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
        root = np.sqrt(variance + BATCH_NORMALISATION_EPSILON)
        return self.gamma * (x - mean) / root + self.beta

    def undo(self, x: np.ndarray) -> np.ndarray:
        """Undoes it by the moving statistics, as TFP's bijector does in its forward direction."""
        root = np.sqrt(self.variance + BATCH_NORMALISATION_EPSILON)
        return (x - self.beta) * root / self.gamma + self.mean

    def log_det_of_undo(self, x: np.ndarray) -> float:
        """Log-det of `undo`, of an image."""
        logs = np.log(self.variance + BATCH_NORMALISATION_EPSILON) / 2 - np.log(self.gamma)
        return float(np.broadcast_to(logs, x.shape[1:]).sum())


def random_normalisation(random: np.random.Generator, channels: int) -> list[np.ndarray]:
    """Variables of a batch normalisation: gamma, beta, mean, variance."""
    bounds = ((0.6, 1.4), (-0.5, 0.5), (-0.5, 0.5), (0.5, 1.5))
    return [random.uniform(low, high, channels).astype(np.float32) for low, high in bounds]


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Convolution with stride 1 and zeros around.

    Raises:
        ValueError: The kernel is for another number of channels; a product would broadcast one.
    """
    height, width, channels = kernel.shape[:3]
    if x.shape[-1] != channels:
        raise ValueError(f"a kernel of {channels} channels for {x.shape[-1]}")
    above, left = (height - 1) // 2, (width - 1) // 2
    around = ((0, 0), (above, height - 1 - above), (left, width - 1 - left), (0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, around), (height, width), axis=(1, 2)
    )
    return np.einsum("bhwcij,ijcd->bhwd", windows, kernel, optimize=True) + bias

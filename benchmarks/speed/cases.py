"""What is measured: flows, sizes, and the data they see."""

import dataclasses
import itertools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

LAYERS = 5
LEARNING_RATE = 1e-3
# An epoch is at most this many steps, and the array of a case at most this many numbers.
EPOCH_STEPS = 300
ARRAY_SIZE = 2**24

HIDDEN_UNITS = {6: (128, 128), 43: (512, 512), 63: (512, 512), 784: (1024, 1024)}
BATCHES = (100, 1000)
BINS = 8
BOUND = 5.0
TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class FlowKind:
    """A kind of flow, as it is measured.

    Attributes:
        operations: What is measured: ``"train"`` (a step of maximum likelihood) and methods of
            distributions; the first gives the time to first step.
        sequential: Operations that cost a network pass a dimension when written naively.
        sizes: Sizes of the event that are measured, and the hidden layers of each.
        layers: Number of flow layers.
        coupling: Whether each layer is a coupling.
        parameters: What the network predicts for each entry.
    """

    operations: tuple[str, ...]
    sequential: tuple[str, ...] = ()
    sizes: Mapping[int, tuple[int, int]] = dataclasses.field(
        default_factory=lambda: MappingProxyType(HIDDEN_UNITS)
    )
    layers: int = LAYERS
    coupling: bool = False
    parameters: int = 2


_ALL = ("train", "log_prob", "sample")
_SPLINE = {"sizes": {43: (256, 256)}, "parameters": 3 * BINS - 1}
# IAF has no training step: maximum likelihood costs a pass a dimension in every library. The
# density of FFJORD is left out: ours is exact at evaluation, the peers' an estimate. That of NAF's
# samples is a search everywhere.
FLOWS = {
    "maf": FlowKind(_ALL, sequential=("sample",)),
    "iaf": FlowKind(("sample_and_log_prob", "sample", "log_prob"), sequential=("log_prob",)),
    "realnvp": FlowKind(_ALL, coupling=True),
    "nsf": FlowKind(_ALL, coupling=True, **_SPLINE),
    "nsf_ar": FlowKind(_ALL, sequential=("sample",), **_SPLINE),
    "naf": FlowKind(("train", "log_prob"), sizes={6: (128, 128)}, parameters=96),
    "ffjord": FlowKind(
        ("train", "sample"), sizes={6: (64, 64), 43: (64, 64)}, layers=1, parameters=1
    ),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """One flow of one size at one batch size; the hidden layers are ReLU, of FFJORD tanh.

    Splines have `BINS` bins within `BOUND`; FFJORD is solved by Dormand and Prince to `TOLERANCE`,
    absolute and relative, its trace estimated.

    Attributes:
        flow: Key of `FLOWS`.
        dims: Size of the event.
        hidden_units: Two equal hidden layers.
        batch: Rows of a step or call.
        layers: Number of flow layers; the order of the entries is reversed between them.
        learning_rate: Of Adam.
        seed: Of data and weights.
    """

    flow: str
    dims: int
    hidden_units: tuple[int, int]
    batch: int
    layers: int = LAYERS
    learning_rate: float = LEARNING_RATE
    seed: int = 0

    @classmethod
    def from_dict(cls, values: dict) -> "Case":
        """Rebuilds a case from what `dataclasses.asdict` or JSON made of it."""
        return cls(**{**values, "hidden_units": tuple(values["hidden_units"])})

    @property
    def key(self) -> str:
        """A short name, unique in a run."""
        return f"{self.flow}-{self.dims}-{self.batch}"

    @property
    def kind(self) -> FlowKind:
        """How this flow is measured."""
        return FLOWS[self.flow]

    def network_sizes(self) -> list[tuple[int, ...]]:
        """Widths of each layer's network, from its input to its output."""
        count = self.kind.parameters
        if self.flow == "ffjord":
            return [(self.dims + 1, *self.hidden_units, self.dims)] * self.layers
        if not self.kind.coupling:
            return [(self.dims, *self.hidden_units, count * self.dims)] * self.layers
        # Complementary masks: one side passes, of the other each entry needs its parameters.
        kept = (self.dims - self.dims // 2, self.dims // 2)
        return [
            (kept[i % 2], *self.hidden_units, count * kept[(i + 1) % 2]) for i in range(self.layers)
        ]

    def dense_weights(self) -> int:
        """Entries of all weight matrices, masked ones included."""
        return sum(a * b for sizes in self.network_sizes() for a, b in itertools.pairwise(sizes))

    def dense_parameters(self) -> int:
        """Weights and biases, masked ones included."""
        return self.dense_weights() + sum(sum(sizes[1:]) for sizes in self.network_sizes())

    def training_flops(self) -> int:
        """Floating-point operations of a training step: a forward and two backward products.

        Of FFJORD, those of one evaluation of the field.
        """
        return 3 * 2 * self.batch * self.dense_weights()

    def data(self) -> np.ndarray:
        """Rows whose entries follow one another like an autoregression, unit variance each.

        The standard normal that a new flow starts near costs ``1.42 dims`` nats here and the
        truth ``0.59 dims``, so that training shows in the loss.
        """
        rows = min(EPOCH_STEPS * self.batch, ARRAY_SIZE // self.dims) // self.batch * self.batch
        x = np.random.default_rng(self.seed).standard_normal((rows, self.dims), dtype=np.float32)
        correlation = np.float32(0.9)
        for i in range(1, self.dims):
            x[:, i] *= np.sqrt(1 - correlation**2)
            x[:, i] += correlation * x[:, i - 1]
        return x

"""What a kind of work has to write: a source, a work, a trainer. None derives from these."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tfp_flows.runs.rounds import Rounds
    from tfp_flows.training_state import Arrays

Drawing = tuple[str, Callable[[Path], Any]]


class Source(Protocol):
    """What is fitted to: rows, images, a formula."""

    def digest(self, form: int) -> str:
        """A fingerprint of all that training reads, as records of this format hold it."""

    def describe(self) -> Mapping[str, Any]:
        """The entry ``data`` of ``metrics.json``: JSON values, `Kind.described` among them."""

    def remarks(self) -> Iterable[str]:
        """What a careful reader would say about it before a fit."""


class Work(Protocol):
    """One fit or one finished run; built with the settings of its kind.

    What it gets as ``source`` is what its own `source` returned. Each method raises an
    InputError where what it got does not fit.
    """

    def __init__(self, settings: Any): ...

    def source(self) -> Source:
        """Finds what is to be fitted to; TensorFlow need not be imported yet."""

    def build(self, source: Any) -> Any:
        """An untrained model, which has ``flow`` and ``save(path)``; usually a `FlowModel`."""

    def trainer(self, model: Any, source: Any) -> "Trainer":
        """Who trains the model."""

    def measure(self, model: Any, source: Any) -> Mapping[str, Any]:
        """Entries of ``metrics.json``: ``test``, which begins with `headline`, and others."""

    def draw(
        self, model: Any, find: Callable[[], Any | None], metrics: Mapping[str, Any]
    ) -> Iterator[Drawing]:
        """The pictures, the main one first: names among `Kind.pictures`, and who saves each.

        Args:
            model: The trained model.
            find: Gives the source, or None if it is gone or has changed since the fit.
            metrics: The content of ``metrics.json``.
        """

    def tell(self, metrics: Mapping[str, Any]) -> Iterable[Any]:
        """What is printed of a finished fit: lines, or tables of rich."""

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """Shape of the events of the run's flow, by which its model is known."""


class Choosing(Protocol):
    """A work that first has several fits tried (`trials`); its settings have a time, ``minutes``.

    The works of its candidates have ``to_nats(model, source)``, what is to be added to minus the
    loss that is watched so that the candidates can be compared, and their settings
    ``in_words()``.

    Attributes:
        first: The work of the first candidate.
    """

    first: Work

    def source(self) -> Source:
        """That of the first candidate."""

    def build(self, source: Any) -> Any:
        """The model of the first candidate."""

    def candidates(self) -> list[Any]:
        """Settings to be tried, three at most; of equals the first is chosen."""


class Trainer(Protocol):
    """Trains in rounds, and can be stopped between any two and go on in another process.

    Attributes:
        unit: Of the loss, whose negative is shown.
        shift: What is added to it there, in that unit: from densities of what the model sees to
            those in the units of the data, in which a fit is reported.
        monitor: Entry of the logs that is watched; lower is better.
        min_delta: Smallest decrease that counts.
    """

    unit: str
    shift: float
    monitor: str
    min_delta: float

    def run(self, rounds: "Rounds") -> None:
        """Trains, from the first round not yet done, until the rounds are over.

        ``for round in rounds`` runs that far; ``rounds.end(logs)`` closes each one.
        """

    def state(self) -> "Arrays":
        """All that training changes, in named groups; the group ``weight`` is the model."""

    def restore(self, arrays: "Arrays") -> None:
        """Puts groups back; of the best round, ``weight`` alone."""


def headline(name: str, unit: str, value: float, standard_error: float | None) -> dict[str, Any]:
    """The figure that a kind is judged by, with which ``test`` begins."""
    return {
        "headline": {"name": name, "unit": unit, "value": value, "standard_error": standard_error}
    }

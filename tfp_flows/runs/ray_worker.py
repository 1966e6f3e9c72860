"""One worker of a fit on Ray: a process of its own, which tells what it would have printed."""

import contextlib
import io
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tfp_flows.errors import InputError
from tfp_flows.runs import ray_cluster
from tfp_flows.terminal import noted_warnings

OUT, ERR, DONE, LOST, REFUSED = "out", "err", "done", "lost", "refused"


class Said(NamedTuple):
    """What a worker has to say: a text for one of the two streams, or how it has ended."""

    what: str
    text: str = ""


class Worker:
    """What Ray makes an actor of."""

    def __init__(self):
        self._held = socket.socket()
        self._held.bind(("", 0))

    def address(self) -> str:
        """Where the other workers will reach this one; its port is kept until it runs."""
        import ray

        return f"{ray.util.get_node_ip_address()}:{self._held.getsockname()[1]}"

    def run(
        self, config: str, folder: str, environment: dict[str, str], work: Callable[[], None]
    ) -> Iterator[Said]:
        """Works as one of those of TF_CONFIG, and tells of it as it comes.

        Args:
            config: Value of TF_CONFIG.
            folder: Where the user is.
            environment: For this process.
            work: What to do, in a process that has not used TensorFlow yet.

        Raises:
            Exception: What ``work`` raises, but for bad input and lost workers, which are told.
        """
        self._held.close()
        told: queue.SimpleQueue = queue.SimpleQueue()
        environment = {**environment, "TF_CONFIG": config}
        given = (folder, environment, work, told)
        threading.Thread(target=_worked, args=given, daemon=True).start()
        while True:
            said = told.get()
            if isinstance(said, BaseException):
                raise said
            yield said
            if said.what not in (OUT, ERR):
                return


@contextlib.contextmanager
def heard(tell: Callable[[Said], None]) -> Iterator[None]:
    """Has what would be printed told."""
    with (
        contextlib.redirect_stdout(_Stream(OUT, tell)),
        contextlib.redirect_stderr(_Stream(ERR, tell)),
        noted_warnings(),
    ):
        yield


class _Stream(io.StringIO):
    """A stream whose texts are told."""

    def __init__(self, what: str, tell: Callable[[Said], None]):
        super().__init__()
        self._what, self._tell = what, tell

    def write(self, text: str) -> int:
        """Tells a text."""
        if not isinstance(text, str):  # by which others find out what a stream takes
            raise TypeError(f"a stream of texts was given {type(text).__name__}")
        if text:
            self._tell(Said(self._what, text))
        return len(text)


def _worked(folder, environment, work, told) -> None:
    try:
        with heard(told.put):
            ray_cluster.enter(folder, environment)
            work()
        told.put(Said(DONE))
    except InputError as error:
        told.put(Said(LOST if _of_another(error) else REFUSED, str(error)))
    except BaseException as error:
        told.put(error)


def _of_another(error: InputError) -> bool:
    """Whether it says that another worker is gone."""
    from tfp_flows.models.workers import WorkerLostError

    return isinstance(error.__cause__, WorkerLostError)

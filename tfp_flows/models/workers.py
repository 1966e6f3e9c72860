"""The workers of a strategy: who is chief, and what all of them know of each other."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from tfp_flows._version import __version__
from tfp_flows.errors import InputError
from tfp_flows.keras_worlds import KERAS_NAME, SWITCH
from tfp_flows.keras_worlds import version as keras_version

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
_TASK = re.compile(r"/job:(\w+)/replica:\d+/task:(\d+)")


class WorkerLostError(InputError):
    """Another worker of a training is gone; this one has stopped."""


class Workers:
    """The processes that train one model, of a strategy.

    Args:
        strategy: Any strategy; most have one worker.

    Attributes:
        count: How many.
        index: Which of them this is, from 0; 0 is the chief, who alone writes files.
        when: How far they are, for the error that one is gone.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy, self.count, self.index = strategy, 1, 0
        self._task: tuple[str, str] | None = None
        self._sum, self.when = None, "before the first epoch"
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            jobs = resolver.cluster_spec().as_dict()
            sizes = {job: len(jobs.get(job, ())) for job in ("chief", "worker")}
            self.count = max(1, sum(sizes.values()))
            if self.count > 1 and resolver.task_type is not None:
                before = sizes["chief"] if resolver.task_type == "worker" else 0
                self.index = before + int(resolver.task_id)
                self._task = (resolver.task_type, str(resolver.task_id))

    @property
    def chief(self) -> bool:
        """Whether this is the one that writes."""
        return self.index == 0

    @property
    def local_replicas(self) -> int:
        """How many replicas of the model a worker has."""
        return self._strategy.num_replicas_in_sync // self.count

    def gathered(self, numbers) -> np.ndarray:
        """Whole numbers ``[n]`` of each worker, ``[workers, n]``; every worker must ask."""
        numbers = np.asarray(numbers, np.int64)
        if self.count == 1:
            return numbers[None]
        table = np.zeros([self.count, len(numbers)], np.int64)
        table[self.index] = numbers
        local = self.local_replicas
        if self._sum is None:

            @tf.function(autograph=False, reduce_retracing=False)
            def total(values):
                def replica(mine):
                    context = tf.distribute.get_replica_context()
                    first = tf.equal(context.replica_id_in_sync_group % local, 0)
                    mine = tf.where(first, mine, tf.zeros_like(mine))
                    return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

                summed = self._strategy.run(replica, args=(values,))
                return self._strategy.experimental_local_results(summed)[0]

            self._sum = total
        with self.guarded():
            return self._sum(tf.constant(table)).numpy()

    def of_chief(self, number: int) -> int:
        """A whole number as the chief has it."""
        return int(self.gathered([number])[0, 0])

    def any(self, flag: bool) -> bool:
        """Whether a flag is set on any worker."""
        return bool(self.gathered([int(flag)]).any())

    def check_same(self, facts: Mapping[str, object]) -> None:
        """Checks that workers agree on what all must know alike.

        Args:
            facts: By what they are called in the error; JSON values. As many on every worker. The
                versions of this package, of TensorFlow and of Keras are always among them.

        Raises:
            InputError: If they differ, which names the first difference and the workers.
            WorkerLostError: If one of them is gone.
        """
        if self.count == 1:
            return
        versions = {
            "versions of tfp_flows": __version__,
            "versions of TensorFlow": tf.__version__,
            f"versions of Keras (also {SWITCH})": [KERAS_NAME, keras_version()],
        }
        facts = {**versions, **facts}
        digests = [_digest(value) for value in facts.values()]
        everyone = self.gathered(digests)
        for place, name in enumerate(facts):
            others = np.flatnonzero(everyone[:, place] != everyone[0, place])
            if len(others):
                raise InputError(
                    f"Workers 0 and {others[0]} of {self.count} have different {name}; start all "
                    "with the same data, program and versions."
                )

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Around what needs the other workers.

        Raises:
            WorkerLostError: If one of them is gone.
        """
        try:
            yield
        except (*_LOST, tf.errors.InternalError) as error:
            if self.count == 1 or not self._is_loss(error):
                raise
            raise WorkerLostError(
                f"Another of {self.count} workers is gone or cannot be reached, so worker "
                f"{self.index} has stopped {self.when}; start all workers again."
            ) from error

    def _is_loss(self, error) -> bool:
        """Whether an error comes of another worker; an internal one may be this one's own."""
        if not isinstance(error, tf.errors.InternalError):
            return True
        peers = set(_TASK.findall(error.message)) - {self._task}
        return bool(peers) or "collective" in error.message.lower()


def fingerprint(arrays) -> str:
    """A fingerprint of arrays, nested or not."""
    found = hashlib.sha256()
    for array in tf.nest.flatten(arrays):
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.view(np.uint8).data if array.size else b"")
    return found.hexdigest()


def _digest(value) -> int:
    text = json.dumps(value, sort_keys=True, default=str).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")

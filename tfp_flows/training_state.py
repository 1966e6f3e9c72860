"""How far a training is: counters, the best epoch, history, and all arrays, in one file."""

import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.formats import FORMAT, check_format

Arrays = dict[str, list[np.ndarray]]


class TrainingState:
    """Judges epochs, and keeps the state of a training in one file that is replaced as a whole.

    Knows no framework: whoever trains hands over groups of arrays and gets them back.

    Args:
        path: File of the state, ``.npz``; None keeps the state in memory only.
        monitor: Entry of the logs to watch; lower is better.
        patience: Epochs without improvement after which training is over.
        min_delta: Smallest decrease that counts as an improvement, in the monitor's unit.
        kind: Kind of work, written into the file; None outside of the command.
        seed: Of the training, written into the file; None for any.

    Attributes:
        epoch: Number of finished epochs.
        stopped: Whether training is over before its last epoch: by patience, or because the loss
            is no longer finite.
        best: Lowest value of the monitor; infinite before the first epoch.
        best_epoch: Its epoch, counted from 1; 0 before.
        best_weights: The weights of that epoch; None before.
        wait: Epochs since.
        history: Lists of values, one an epoch.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        monitor: str = "val_loss",
        patience: int = 20,
        min_delta: float = 0.0,
        kind: str | None = None,
        seed: int | None = None,
    ):
        self.path = None if path is None else Path(path)
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.kind, self.seed = kind, seed
        self.epoch, self.stopped = 0, False
        self.best, self.best_epoch, self.wait = math.inf, 0, 0
        self.best_weights: list[np.ndarray] | None = None
        self.history: dict[str, list[float]] = {}

    def judge(self, logs: Mapping[str, float], weights: Callable[[], Sequence[np.ndarray]]) -> bool:
        """Counts an epoch.

        Args:
            logs: What is known of it; becomes part of the history.
            weights: Gives the weights, which are asked for if the epoch is the best.

        Returns:
            Whether it is the best so far.

        Raises:
            InputError: If the logs lack the monitor.
        """
        if self.monitor not in logs:
            raise InputError(
                f"There is no {self.monitor!r} to watch, only {', '.join(logs)}; give fit "
                "validation data or choose another monitor."
            )
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        self.epoch += 1
        # Where training diverged, the weights may be those of an earlier epoch again.
        good = math.isfinite(logs.get("loss", 0.0))
        better = good and logs[self.monitor] < self.best - self.min_delta
        if better:
            self.best, self.best_epoch, self.wait = logs[self.monitor], self.epoch, 0
            self.best_weights = list(weights())
        else:
            self.wait += 1
        self.stopped = self.wait >= self.patience or not good
        return better

    def save(self, arrays: Callable[[], Arrays]) -> None:
        """Writes the file, if there is one, with all that `load` will return.

        Raises:
            InputError: If it cannot be written.
        """
        if self.path is None:
            return
        state = {
            "format": FORMAT,
            **({} if self.kind is None else {"kind": self.kind}),
            "epoch": self.epoch,
            "seed": self.seed,
            "stopped": self.stopped,
            "best": _finite(self.best),
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "history": self.written_history(),
        }
        groups = {"best": self.best_weights or [], **arrays()}
        named = {f"{name}_{i}": a for name, group in groups.items() for i, a in enumerate(group)}
        with atomic_path(self.path) as temporary:
            np.savez(temporary, state=np.array(json.dumps(state)), **named)

    def written_history(self) -> dict[str, list[float | None]]:
        """The history as JSON has it: None where a value is not finite."""
        return {name: list(map(_finite, values)) for name, values in self.history.items()}

    def load(self) -> Arrays | None:
        """Reads the file.

        Returns:
            The groups of arrays that were saved; None if there is no file.

        Raises:
            InputError: If it is damaged, of a newer version, of another kind of work or seed.
        """
        if self.path is None or not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            state = json.loads(str(arrays.pop("state")))
            check_format(state, self.path)
            if self.kind is not None and state.get("kind", self.kind) != self.kind:
                raise InputError(f"{self.path} is the state of a fit of kind {state['kind']!r}.")
            if None not in (self.seed, found := state.get("seed")) and found != self.seed:
                raise InputError(
                    f"{self.path} was begun with seed {found}, not {self.seed}; give that seed, or "
                    "remove the file to begin anew."
                )
            self.epoch, self.stopped = state["epoch"], state["stopped"]
            self.best = math.inf if state["best"] is None else state["best"]
            self.best_epoch, self.wait = state["best_epoch"], state["wait"]
            self.history = {
                name: [math.nan if value is None else value for value in values]
                for name, values in state["history"].items()
            }
        except InputError:
            raise
        except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as e:
            raise InputError(
                f"{self.path} is not a training state, or is damaged; remove it to begin anew."
            ) from e
        groups = _grouped(arrays)
        self.best_weights = groups.pop("best", None)
        if "learning_rate" in state:  # where format 0 keeps it
            groups["rate"] = [np.asarray(state["learning_rate"])]
        return groups


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _grouped(arrays: dict[str, np.ndarray]) -> Arrays:
    groups: Arrays = {}
    for key in sorted(arrays, key=lambda key: (len(key), key)):
        groups.setdefault(key.rpartition("_")[0], []).append(arrays[key])
    return groups

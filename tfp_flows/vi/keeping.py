"""A training that is kept in a file, so that another process can go on with it."""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.training_state import TrainingState
from tfp_flows.vi.target import Target
from tfp_flows.vi.training import Training

# Points at which the density is compared, and by how much, relative, it may differ where sums are
# made in another order.
_POINTS, _CLOSE = 8, 1e-4


class Kept:
    """Keeps a `Training` after every round, and knows which fit it is of.

    Args:
        path: The file; None keeps nothing.
        seed: Of the fit.
        about: JSON values that say what the fit is of.
        target: The model, whose densities at fixed points tell whether it or its data have changed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        seed: int,
        about: Mapping[str, Any],
        target: Target,
    ):
        self._state = TrainingState(path, monitor="loss", patience=10**9, seed=seed)
        self._about = dict(about)
        points = tf.random.stateless_normal([_POINTS, target.dim], (0, 3), dtype=target.dtype)
        self._densities = target.unconstrained_log_prob(points).numpy().astype(np.float64)
        self._since = time.monotonic()

    def restore(self, training: Training) -> float:
        """Puts back what is kept.

        Returns:
            The seconds that its rounds took.

        Raises:
            InputError: If the file is damaged, or of another fit.
        """
        arrays = self._state.load()
        if arrays is None:
            return 0.0
        path = self._state.path
        try:
            about, densities = json.loads(str(arrays["about"][0])), arrays["densities"][0]
        except (KeyError, ValueError) as error:
            raise InputError(f"{path} keeps no fit of a posterior; give another file.") from error
        for name, value in self._about.items():
            if about.get(name) != value:
                raise InputError(
                    f"{path} keeps a fit with {name} {about.get(name)!r}, not {value!r}; give "
                    "that, or remove the file to begin anew."
                )
        if not np.allclose(densities, self._densities, rtol=_CLOSE, equal_nan=True):
            raise InputError(
                f"{path} keeps a fit to other densities: the model or its data have changed since; "
                "remove the file to begin anew."
            )
        training.restore(arrays)
        return sum(self._state.history.get("seconds", []))

    def save(self, training: Training, bound: float) -> None:
        """Keeps the training after a round of this bound."""
        now = time.monotonic()
        logs = {"loss": -bound, "seconds": now - self._since}
        self._since = now
        self._state.judge(logs, lambda: [])
        about = np.array(json.dumps(self._about))
        self._state.save(
            lambda: training.state() | {"about": [about], "densities": [self._densities]}
        )

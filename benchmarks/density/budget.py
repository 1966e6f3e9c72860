"""The wall clock of one training: learning rate, validation and end, alike for every library."""

import math
import time


class Budget:
    """Time that a model may spend, from building it to the last step.

    Args:
        seconds: The time, which holds compilation and validation too.
        learning_rate: At the start; the cosine of the share of time spent brings it to 0.
        checks: About how many times the validation rows are looked at.
        warm_up: Share of the time after the first step in which the learning rate rises; the
            cosine follows.
        clock: Seconds of a monotonic clock, for tests.

    Attributes:
        over: Whether the time was spent when `due` was last asked.
        first_step: Seconds and steps when the first call of the training step had returned:
            what building and compiling took.
        best: Highest validation log-likelihood, in nats; minus infinity before the first.
        history: ``[seconds, steps, validation log-likelihood]`` of every look.
    """

    def __init__(
        self,
        seconds: float,
        learning_rate: float,
        *,
        checks: int = 40,
        warm_up: float = 0.0,
        clock=time.monotonic,
    ):
        self._clock, self._begin = clock, clock()
        self._seconds, self._rate, self._warm_up = seconds, learning_rate, warm_up
        self._interval = seconds / checks
        self._next = self._interval
        self.over = False
        self.first_step: tuple[float, int] | None = None
        self.best = -math.inf
        self.history: list[list[float]] = []

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._begin

    @property
    def learning_rate(self) -> float:
        """The learning rate of this moment."""
        if self._warm_up and self.first_step is None:
            return 0.05 * self._rate
        # What compiles first warms nothing up.
        before = self.first_step[0] if self._warm_up else 0.0
        share = min((self.spent - before) / max(self._seconds - before, 1e-3), 1.0)
        if share < self._warm_up:
            return self._rate * max(share / self._warm_up, 0.05)
        left = (1 - share) / (1 - self._warm_up)
        return 0.5 * self._rate * (1 - math.cos(math.pi * left))

    def due(self, steps: int) -> bool:
        """Whether to look at the validation rows now; to be asked after each call of the step.

        Args:
            steps: Steps done.
        """
        spent = self.spent
        if self.first_step is None:
            self.first_step = (spent, steps)
        self.over = spent >= self._seconds
        return self.over or spent >= self._next

    def record(self, steps: int, log_likelihood: float) -> bool:
        """Notes a look at the validation rows; returns whether it is the best so far.

        Args:
            steps: Steps done.
            log_likelihood: Mean of the validation rows, in nats.
        """
        self.history.append([self.spent, steps, float(log_likelihood)])
        self._next = self.spent + self._interval
        # Not a number is never the best.
        improved = log_likelihood > self.best
        if improved:
            self.best = float(log_likelihood)
        return improved

    def summary(self) -> dict[str, float | int | None]:
        """What the training took: seconds, steps, seconds of the first step, steps a second."""
        seconds, steps, _ = self.history[-1]
        first_seconds, first_steps = self.first_step
        rest = seconds - first_seconds
        return {
            "seconds": seconds,
            "compile_seconds": first_seconds,
            "steps": int(steps),
            "steps_per_second": (steps - first_steps) / rest if rest > 0 else None,
        }

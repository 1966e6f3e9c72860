"""The training of a posterior in rounds: judged, ended by itself, and resumable between any two."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows.catalogue import GAUSSIANS
from tfp_flows.training_state import Arrays
from tfp_flows.vi.choice import Choice
from tfp_flows.vi.objectives import Objective
from tfp_flows.vi.steps import STEPS, Steps
from tfp_flows.vi.target import Target

_JUDGED = 2048
# The share of a smoothed bound that is the newest, rounds without progress after which the rate
# goes to zero, and the share of the rounds until then that this takes.
_NEWEST, _PATIENCE, _END = 0.3, 8, 0.35
_COLDEST = 0.05
# Adam's rates, of flows and of Gaussians.
_RATES = (3e-3, 2e-2)
# Nats below the best round at which training has left its way.
_FAR = 1000.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a training goes.

    Attributes:
        rounds: At most, of 100 steps each.
        rate: Of Adam at its height; None for that of the flow.
        tolerance: Relative change of the smoothed bound that still counts as progress.
        warm: Rounds in which the log-density grows to its full size.
        patience: Rounds without progress after which the rate goes to zero.
    """

    rounds: int
    rate: float | None = None
    tolerance: float = 1e-4
    warm: int = 0
    patience: int = _PATIENCE


class Training:
    """Rounds of steps on an objective, each judged by the same latents; the best is kept.

    The rate falls along a cosine, over all rounds or the time, or, once the smoothed bound no
    longer rises, over a third of the rounds until then.

    Args:
        target: What is fitted to.
        chosen: What is fitted.
        objective: One of `objectives.OBJECTIVES`.
        plan: How.
        draws: Of a step.
        compiled: Whether by XLA.
        seed: Of all draws.

    Attributes:
        number: Rounds that are done.
        best: The highest bound so far, in nats.
        history: By round, ``elbo`` and ``rate``; for other objectives than the ELBO, that is the
            bound that they raise.
    """

    def __init__(
        self,
        target: Target,
        chosen: Choice,
        objective: str,
        plan: Plan,
        *,
        draws: int,
        compiled: bool,
        seed: int,
    ):
        self._flow, self._plan = chosen.flow, plan
        own = Objective(
            objective,
            chosen.flow,
            target.unconstrained_log_prob,
            draws=draws,
            exact=chosen.exact,
            seed=seed,
        )
        self._steps = Steps(chosen.flow.trainable_variables, own.gradients, compiled=compiled)

        self._judge = tf.function(
            lambda: own.judged(_JUDGED, -1), jit_compile=compiled, autograph=False
        )
        self._rate = _RATES[chosen.name in GAUSSIANS] if plan.rate is None else plan.rate
        self.number, self.best, self._kept = 0, self._bound(), self._weights()
        self._smooth, self._waited, self._end = math.nan, 0, None
        self.history: dict[str, list[float]] = {"elbo": [], "rate": []}

    def over(self, spent: float = 0.0) -> bool:
        """Whether no further round is to begin, with a share of the time spent."""
        return max(self._share(spent), spent) >= 1

    def round(self, spent: float = 0.0) -> float:
        """Trains for one round.

        Args:
            spent: The share of the time that is spent.

        Returns:
            The bound after it, in nats: the best one if the round left its way and was undone,
            minus infinity if a tenth of the draws has no density.
        """
        plan, number, dtype = self._plan, self.number, self._flow.dtype
        factor = 0.5 * (1 + math.cos(math.pi * self._share(spent)))
        factor *= 1 if self._end is None else self._end[2]
        warmth = min(1.0, (number + 1) / (plan.warm + 1))
        self._steps.train(
            tf.constant(number * STEPS),
            tf.constant(self._rate * factor, dtype),
            tf.constant(_COLDEST ** (1 - warmth), dtype),
        )
        bound = self._bound()
        self.history["elbo"].append(bound)
        self.history["rate"].append(self._rate * factor)
        self.number += 1
        self._look_for_progress(bound, warmth)
        if self._waited >= plan.patience and self._end is None:
            last = min(plan.rounds, number + max(5, round(_END * number)))
            self._end = (number, last, factor)
        if bound > self.best:
            self.best, self._kept = bound, self._weights()
        elif not bound > self.best - _FAR:
            self._put(self._kept)
            self._steps.forget()
            self._rate /= 4
            return self.best
        return bound

    def finish(self) -> None:
        """Gives the flow the weights of the best round, or of the start."""
        self._put(self._kept)

    def state(self) -> Arrays:
        """All that rounds change; ``weight`` is the best flow so far."""
        first, last, height = self._end or (math.nan,) * 3
        numbers = [self.number, self._rate, self.best, self._smooth, self._waited]
        return {
            "weight": self._kept,
            "current": self._weights(),
            **self._steps.state(),
            "progress": [np.array([*numbers, first, last, height], np.float64)],
            "past": [np.array(self.history[name], np.float64) for name in ("elbo", "rate")],
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts back what `state` gave, or its weights alone.

        Raises:
            InputError: If the state is of another flow.
        """
        try:
            self._kept = [np.asarray(value) for value in arrays["weight"]]
            self._put(arrays.get("current", self._kept))
            self._steps.restore(arrays)
        except ValueError as error:
            raise InputError("The kept state is of another flow; begin anew.") from error
        if "progress" in arrays:
            number, self._rate, self.best, self._smooth, waited, *end = arrays["progress"][0]
            self.number, self._waited = int(number), int(waited)
            self._end = None if math.isnan(end[0]) else (int(end[0]), int(end[1]), end[2])
            past = zip(("elbo", "rate"), arrays["past"], strict=True)
            self.history = {name: [float(value) for value in values] for name, values in past}

    def _share(self, spent: float) -> float:
        """How far the rate has fallen along its cosine."""
        if self._end is None:
            return max(self.number / self._plan.rounds, spent)
        first, last, _ = self._end
        return (self.number - first) / (last - first)

    def _look_for_progress(self, bound: float, warmth: float) -> None:
        if math.isnan(self._smooth) or warmth < 1 or not math.isfinite(bound):
            self._smooth = bound if math.isfinite(bound) else self._smooth
            return
        change = _NEWEST * (bound - self._smooth)
        self._smooth += change
        progress = change > self._plan.tolerance * max(1.0, abs(self._smooth))
        self._waited = 0 if progress else self._waited + 1

    def _bound(self) -> float:
        bound, share = (float(x) for x in self._judge())
        return bound if share > 0.9 else -math.inf

    def _weights(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._flow.trainable_variables]

    def _put(self, weights) -> None:
        for variable, value in zip(self._flow.trainable_variables, weights, strict=True):
            variable.assign(value)

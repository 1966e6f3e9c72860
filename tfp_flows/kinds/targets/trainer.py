"""Reverse KL by steps that are compiled, several a call, each with a seed of its own."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.models import FlowModel
from tfp_flows.runs.rounds import Rounds
from tfp_flows.training_state import Arrays
from tfp_flows.vi.steps import STEPS, Steps

_JUDGED = 4096
_AFTER_UNDOING = 0.25
# Nats above the best round at which training has left its way.
_FAR = 1000.0
_COLDEST = 0.05


class ReverseKL:
    """Minimises the mean of ``log q(x) - log p(x)`` over draws ``x`` of the flow.

    See `tfp_flows.runs.work.Trainer`. A step's draws depend on seed and step alone, so that a
    resumed training goes on as it was. After a round whose bound is far below the best one, or no
    number, it goes back to the best, with a lower rate: couplings can blow up in the tails before
    a step notices. Every round is judged by the same latents: the bound of one round is smooth in
    the weights, and two rounds differ by what was learned.

    Args:
        model: Holds the flow.
        log_density: From ``[n, D]`` to the unnormalised log-density ``[n]``, in nats.
        seed: Of all draws.
        batch_size: Draws of a step.
        learning_rate: Of Adam, at first; halved where progress stalls.
        decay_patience: Rounds without progress after which it is.
        warm_up: Rounds over which the target's log-density grows to its full size.
        compiled: Whether by XLA.
    """

    unit = "nats"
    shift = 0.0
    monitor = "val_loss"
    min_delta = 1e-3

    def __init__(
        self,
        model: FlowModel,
        log_density: Callable[[tf.Tensor], tf.Tensor],
        *,
        seed: int,
        batch_size: int,
        learning_rate: float,
        decay_patience: int,
        warm_up: int,
        compiled: bool = True,
    ):
        self._model, self._log_density, self._seed = model, log_density, seed
        self._batch_size, self._decay_patience, self._warm_up = batch_size, decay_patience, warm_up
        self._variables = list(model.flow.trainable_variables)
        self._steps = Steps(self._variables, self._gradients, compiled=compiled)
        self._rate = learning_rate
        self._judge = tf.function(
            lambda: self._loss(_JUDGED, -1, 1.0)[1], jit_compile=compiled, autograph=False
        )

    def run(self, rounds: Rounds) -> None:
        """Trains until the rounds are over."""
        for number in rounds:
            wait = rounds.state.wait
            if wait and wait % self._decay_patience == 0:
                self._rate /= 2
            warm = min(1.0, (number + 1) / (self._warm_up + 1))
            share = tf.constant(_COLDEST ** (1 - warm), self._model.flow.dtype)
            rate = tf.constant(self._rate, self._model.flow.dtype)
            before = self.state()
            loss, kept = self._steps.train(tf.constant(number * STEPS), rate, share)
            logs = {"loss": float(loss), "val_loss": float(self._judge()), "undone": 0.0}
            best = rounds.state.best
            worst = best + _FAR if warm == 1 else np.inf
            if int(kept) <= STEPS // 2 or not logs["val_loss"] < worst:
                self._undo(before["weight"] if best == np.inf else rounds.state.best_weights)
                bound = float(self._judge())
                logs = {"loss": bound, "val_loss": bound, "undone": 1.0}
            if warm < 1:  # the bound is one of the whole target, and patience begins with it
                rounds.state.wait = 0
            rounds.end({**logs, "steps_left_out": STEPS - int(kept)})

    def _undo(self, weights) -> None:
        """Goes back to earlier weights, with smaller steps and no memory of gradients."""
        self.restore({"weight": weights})
        self._rate *= _AFTER_UNDOING
        self._steps.forget()

    def state(self) -> Arrays:
        """Weights, Adam's moments and count, and the rate."""
        return {
            "weight": self._model.get_weights(),
            **self._steps.state(),
            "rate": [np.asarray(self._rate)],
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts them back."""
        try:
            self._model.set_weights(arrays["weight"])
            self._steps.restore(arrays)
        except ValueError as error:
            raise InputError("The kept state is of another flow; begin anew.") from error
        if "rate" in arrays:
            self._rate = float(arrays["rate"][0])

    def _loss(self, count: int, place, share):
        """The loss with a share of the target's log-density, and the loss with all of it."""
        seed = tf.stack([tf.constant(self._seed), tf.cast(place, tf.int32)])
        x, log_q = self._model.flow.sample_and_log_prob(count, seed=seed)
        log_p = self._log_density(x)
        return tf.reduce_mean(log_q - share * log_p), tf.reduce_mean(log_q - log_p)

    def _gradients(self, place, share):
        with tf.GradientTape() as tape:
            cold, loss = self._loss(self._batch_size, place, share)
        gradients = tape.gradient(
            cold, self._variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, gradients

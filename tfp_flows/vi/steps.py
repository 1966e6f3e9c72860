"""Adam by steps that are compiled, several a call, each with a seed of its own."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfp_flows.training_state import Arrays

# Of a round, which the command calls an epoch.
STEPS = 100
_GRADIENT_NORM = 5.0
# Steps in which the rate rises to its height.
_RISE = 200
_FIRST_DECAY, _SECOND_DECAY, _EPSILON = 0.9, 0.999, 1e-8


class Steps:
    """Steps of Adam (Kingma and Ba 2015, Algorithm 1) on a loss with a seed by step.

    A step whose loss or gradient is no number changes nothing.

    Args:
        variables: What is trained.
        gradients: From the number of a step and the target's share of the loss to the loss and
            its gradients to the variables.
        compiled: Whether by XLA.
    """

    def __init__(
        self,
        variables: Sequence[tf.Variable],
        gradients: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, list[tf.Tensor]]],
        *,
        compiled: bool = True,
    ):
        self._variables, self._gradients = list(variables), gradients
        self._moments = [
            tf.Variable(tf.zeros_like(v), trainable=False) for v in 2 * self._variables
        ]
        self._updates = tf.Variable(0, trainable=False)
        self.train = tf.function(self._several, jit_compile=compiled, autograph=False)
        """From the first step's number, the rate and the target's share: ``STEPS`` steps."""

    def state(self) -> Arrays:
        """Adam's moments and count."""
        return {
            "moment": [variable.numpy() for variable in self._moments],
            "update": [self._updates.numpy()],
        }

    def restore(self, arrays: Arrays) -> None:
        """Puts them back, those that are there."""
        for variable, value in zip(self._moments, arrays.get("moment", ()), strict=False):
            variable.assign(value)
        if "update" in arrays:
            self._updates.assign(arrays["update"][0])

    def forget(self) -> None:
        """Begins anew, with no memory of gradients."""
        for variable in (*self._moments, self._updates):
            variable.assign(tf.zeros_like(variable))

    def _several(self, first, rate, share):
        """The mean loss of the steps that were kept, and their number."""

        def step(i, total, kept):
            loss, gradients = self._gradients(first + i, share)
            norm = tf.linalg.global_norm(gradients)
            good = tf.math.is_finite(loss) & tf.math.is_finite(norm)
            scale = tf.minimum(tf.ones_like(norm), _GRADIENT_NORM / norm)
            self._update([scale * g for g in gradients], rate, good)
            total += tf.where(good, loss, tf.zeros_like(loss))
            return i + 1, total, kept + tf.cast(good, tf.int32)

        start = (tf.constant(0), tf.zeros([], self._variables[0].dtype), tf.constant(0))
        _, total, kept = tf.while_loop(lambda i, *_: i < STEPS, step, start)
        return total / tf.cast(kept, total.dtype), kept

    def _update(self, gradients, rate, good) -> None:
        """A step, if it is a good one."""
        self._updates.assign_add(tf.cast(good, tf.int32))
        time = tf.cast(self._updates, rate.dtype)
        # Adam's first steps are as long as any: through many layers of couplings they explode.
        rate *= tf.minimum(tf.ones_like(time), time / _RISE)
        rate *= tf.sqrt(1 - _SECOND_DECAY**time) / (1 - _FIRST_DECAY**time)
        half = len(self._variables)
        firsts, seconds = self._moments[:half], self._moments[half:]
        for variable, first, second, gradient in zip(
            self._variables, firsts, seconds, gradients, strict=True
        ):
            new_first = _FIRST_DECAY * first + (1 - _FIRST_DECAY) * gradient
            new_second = _SECOND_DECAY * second + (1 - _SECOND_DECAY) * gradient**2
            new = variable - rate * new_first / (tf.sqrt(new_second) + _EPSILON)
            for old, value in ((first, new_first), (second, new_second), (variable, new)):
                old.assign(tf.where(good, value, old))

"""Adam on TensorFlow's fused operation, whose state is plain arrays."""

from collections.abc import Sequence

import tensorflow as tf

from tfp_flows.training_state import Arrays

_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


class Adam(tf.Module):
    """Adam (Kingma and Ba 2015, section 2, last form) for `tf.Variable`s, one operation each.

    Keras' optimizers differ between its two worlds and hold variables of their own kinds; agents
    train three groups of plain variables in one graph and save all bits of them.

    Args:
        variables: What is trained.
        learning_rate: The rate.
    """

    def __init__(self, variables: Sequence[tf.Variable], learning_rate: float):
        super().__init__(name="adam")
        self._variables, self._rate = list(variables), float(learning_rate)
        self._first = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self._variables]
        self._second = [tf.Variable(tf.zeros_like(v), trainable=False) for v in self._variables]
        self._count = tf.Variable(0, trainable=False)

    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """One step."""
        self._count.assign_add(1)
        for variable, first, second, gradient in zip(
            self._variables, self._first, self._second, gradients, strict=True
        ):
            count = tf.cast(self._count, variable.dtype)
            first_decay, second_decay = (
                tf.constant(decay, variable.dtype) for decay in (_FIRST, _SECOND)
            )
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=first_decay**count,
                beta2_power=second_decay**count,
                lr=tf.constant(self._rate, variable.dtype),
                beta1=first_decay,
                beta2=second_decay,
                epsilon=tf.constant(_EPSILON, variable.dtype),
                grad=gradient,
            )

    def state(self, name: str) -> Arrays:
        """Moments and count, in groups whose names begin with ``name``."""
        return {
            f"{name}-moment": [v.numpy() for v in (*self._first, *self._second)],
            f"{name}-count": [self._count.numpy()],
        }

    def restore(self, name: str, arrays: Arrays) -> None:
        """Puts them back."""
        held = (*self._first, *self._second)
        for variable, value in zip(held, arrays[f"{name}-moment"], strict=True):
            variable.assign(value)
        self._count.assign(arrays[f"{name}-count"][0])

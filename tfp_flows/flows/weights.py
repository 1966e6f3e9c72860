"""Whether weights have changed: exactly, and for less than reading their bytes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context, execute


class Watched:
    """Variables, and the values that they had.

    A variable of TensorFlow copies its memory before it changes it in place as long as somebody
    holds what was read from it, and takes other memory when it is assigned. So values that are
    held, and are still where the variable's own are, are its own. Bytes are compared only of those
    that have moved, or are not in the memory of the processor. This finds whatever writes a
    variable: assignments, optimisers, compiled steps, loaded weights.

    Args:
        variables: The variables.

    Attributes:
        values: What they were when they were last taken.
    """

    def __init__(self, variables: Sequence[tf.Variable]):
        self._variables = list(variables)
        self._handles = [variable.handle for variable in self._variables]
        dtypes = [variable.dtype.as_datatype_enum for variable in self._variables]
        self._attributes = ("N", len(dtypes), "dtypes", dtypes)
        self.values: list[np.ndarray] = []
        self.take()

    def take(self) -> None:
        """Holds the values of now."""
        self.values = [value.__array__() for value in self._read()]

    def _read(self) -> list[tf.Tensor]:
        if not self._handles:
            return []
        # One operation, where `tf.Variable.read_value` would be one for each.
        return execute.execute(
            b"_ReadVariablesOp",
            len(self._handles),
            self._handles,
            self._attributes,
            context.context(),
        )

    def changed(self) -> bool:
        """Whether a value differs, in any bit, from the one that is held."""
        for value, held in zip(self._read(), self.values, strict=True):
            now = value.__array__()
            # Both are held, so that what shares memory is the same.
            if not np.may_share_memory(now, held) and now.tobytes() != held.tobytes():
                return True
        return False

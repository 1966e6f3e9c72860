"""Solutions of systems whose matrix is constant, as products with its inverse."""

import numpy as np
import tensorflow as tf

# Above this condition a product with the inverse is less exact than a solution.
_MOST_CONDITION = 1e3


class Solutions:
    """Replaces triangular solutions in `graphs.rebuilt`, and those that follow one another by one.

    A system is solved row after row, while a product takes all at once: the inverse of a learned
    ``P L U`` is one product. Inverses are taken in float64.
    """

    def __init__(self):
        self._products = {}

    def __call__(self, operation, taken):
        """What stands for a ``MatrixTriangularSolve``; None if it is better left as it is."""
        matrix = tf.get_static_value(taken[0])
        if matrix is None or matrix.ndim != 2 or operation.get_attr("adjoint"):
            return None
        given = np.asarray(matrix, np.float64)
        lower = operation.get_attr("lower")
        triangle = np.tril(given) if lower else np.triu(given)
        before, right = self._products.get(taken[1].ref(), (None, taken[1]))
        if not np.linalg.cond(triangle) < _MOST_CONDITION:
            return None
        inverse = np.linalg.inv(triangle)
        inverse = inverse if before is None else inverse @ before
        result = tf.matmul(tf.constant(inverse, right.dtype), right)
        self._products[result.ref()] = (inverse, right)
        return [result]

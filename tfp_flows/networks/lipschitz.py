"""A network that moves its output by less than its input moves."""

import itertools
from collections.abc import Sequence

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.config import Configurable
from tfp_flows.networks.initial import new_generator, uniform

_SQUARINGS = 7
# The largest slope of x sigmoid(b x), for every b; Chen et al. 2019, section 3.3.
_LARGEST_SLOPE = 1.1


def spectral_bound(matrix: tf.Tensor) -> tf.Tensor:
    """An upper bound on the largest singular value, at most 2 % too large for 100 rows.

    The Schatten norm of order ``2 ** 8``, from repeated squares of the Gram matrix. Unlike power
    iteration it never falls short and keeps no state.

    Args:
        matrix: ``[rows, columns]``.
    """
    wide = matrix.shape[0] < matrix.shape[1]
    gram = tf.matmul(matrix, matrix, transpose_a=not wide, transpose_b=wide)
    tiny = tf.constant(1e-30, matrix.dtype)
    log_bound = tf.zeros([], matrix.dtype)
    order = 1.0
    for _ in range(_SQUARINGS):
        norm = tf.sqrt(tf.reduce_sum(tf.square(gram)) + tiny)
        log_bound += tf.math.log(norm) / order
        gram = gram / norm
        gram = tf.matmul(gram, gram)
        order *= 2
    log_bound += 0.5 * tf.math.log(tf.reduce_sum(tf.square(gram)) + tiny) / order
    return tf.exp(0.5 * log_bound)


class LipschitzMLP(Configurable, tf.Module):
    """A multi-layer perceptron of Lipschitz constant below 1 in its input.

    Weights whose spectral norm exceeds the layer's share of the constant are scaled down, and the
    activation is a swish with a trained slope, divided by 1.1. The context, which may move the
    output as it likes, is added to every hidden layer.

    Source: Chen et al. 2019, arXiv:1906.02735, section 3.3; Behrmann et al. 2019,
    arXiv:1811.00995, section 2.1.

    Args:
        input_size: Size of the input.
        output_size: Size of the output.
        hidden_units: Sizes of the hidden layers.
        context_size: Size of the context; 0 for none.
        lipschitz: Bound on the Lipschitz constant, in (0, 1).
        dtype: Of the weights and of the output.
        seed: Seed of the initial weights.
        name: Name of the module.

    Raises:
        ValueError: If the bound is not in (0, 1).
    """

    def __init__(
        self,
        *,
        input_size: int,
        output_size: int,
        hidden_units: Sequence[int] = (64, 64),
        context_size: int = 0,
        lipschitz: float = 0.97,
        dtype=tf.float32,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not 0 < lipschitz < 1:
            raise ValueError(f"lipschitz must be between 0 and 1, got {lipschitz!r}.")
        self.dtype = shapes.as_float_dtype(dtype)
        hidden = shapes.as_shape(hidden_units, "hidden_units")
        sizes = [int(input_size), *hidden, int(output_size)]
        self._share = lipschitz ** (1 / (len(sizes) - 1))
        generator = new_generator(seed)

        def variable(value, name):
            return tf.Variable(tf.cast(value, self.dtype), name=name)

        self._kernels, self._biases, self._context_kernels, self._slopes = [], [], [], []
        for i, (rows, columns) in enumerate(itertools.pairwise(sizes)):
            kernel = uniform(generator, [rows, columns], rows)
            self._kernels.append(variable(kernel, f"kernel_{i}"))
            self._biases.append(variable(uniform(generator, [columns], rows), f"bias_{i}"))
            if i < len(hidden):
                self._slopes.append(variable(tf.fill([], 0.5), f"slope_{i}"))
                if context_size:
                    kernel = uniform(generator, [context_size, columns], context_size)
                    self._context_kernels.append(variable(kernel, f"context_{i}"))

    def weights(self) -> list[tf.Tensor]:
        """The kernels, scaled down where they must be; computed once for many calls."""
        return [
            kernel * tf.minimum(tf.ones([], self.dtype), self._share / spectral_bound(kernel))
            for kernel in self._kernels
        ]

    def __call__(self, x, context=None, weights=None):
        """Applies the network.

        Args:
            x: ``[n, input_size]``.
            context: ``[n, context_size]``, if the network takes one.
            weights: What `weights` returned.

        Returns:
            ``[n, output_size]``.
        """
        weights = self.weights() if weights is None else weights
        hidden, last = x, len(weights) - 1
        for i, (kernel, bias) in enumerate(zip(weights, self._biases, strict=True)):
            hidden = tf.matmul(hidden, kernel) + bias
            if i == last:
                return hidden
            if context is not None:
                hidden += tf.matmul(context, self._context_kernels[i])
            slope = tf.nn.softplus(self._slopes[i])
            hidden = hidden * tf.sigmoid(slope * hidden) / _LARGEST_SLOPE

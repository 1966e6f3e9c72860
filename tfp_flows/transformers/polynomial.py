"""Monotone polynomials."""

import math
import numbers

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.transformers.monotone import MonotoneOnInterval

_LARGEST = 1e9  # squares and sums of larger parameters leave the range of numbers


class SumOfSquares(MonotoneOnInterval):
    """The integral of a sum of squared polynomials, ``c + int_0^y sum_k p_k(u)^2 du``.

    Its slope is at least ``min_slope``. On the interval ``[-bound, bound]``; tangents continue it.

    Source: Jaini et al. 2019, arXiv:1905.02325, section 3.

    Args:
        num_polynomials: Number of squares.
        degree: Degree of each ``p_k``.
        bound: Half of the length of the interval.
        min_slope: Smallest slope, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        *,
        num_polynomials: int = 3,
        degree: int = 4,
        bound: float = 5.0,
        min_slope: float = 1e-3,
    ):
        super().__init__(bound=bound)
        if not isinstance(degree, numbers.Integral) or degree < 0 or not 0 < min_slope < 1:
            raise ValueError(
                "SumOfSquares: degree must be an integer, not negative, and min_slope in (0, 1), "
                f"got {degree!r} and {min_slope!r}."
            )
        self._count = shapes.positive(num_polynomials, "num_polynomials")
        self._degree = int(degree)
        self._min_slope = float(min_slope)
        self.num_parameters = self._count * (self._degree + 1) + 1

    def _prepare(self, parameters):
        parameters = tf.clip_by_value(parameters, -_LARGEST, _LARGEST)
        shift, *raw = tf.unstack(parameters, axis=-1)
        size = self._degree + 1
        polynomials = [raw[k * size : (k + 1) * size] for k in range(self._count)]
        # At zero, constants whose squares add up to one: the identity.
        constant = 1 / math.sqrt(self._count)
        polynomials = [[first + constant, *rest] for first, *rest in polynomials]
        squares = [0.0] * (2 * self._degree + 1)
        for p in polynomials:
            for i, a in enumerate(p):
                for j, b in enumerate(p):
                    squares[i + j] = squares[i + j] + a * b
        return shift, polynomials, squares

    def _evaluate(self, y, prepared):
        shift, polynomials, squares = prepared
        # In units of the interval, so that no power overflows.
        share = y / self._bound
        integral = y * _horner(share, [q / (m + 1) for m, q in enumerate(squares)])
        slope = tf.add_n([tf.square(_horner(share, p)) for p in polynomials])
        rest = 1 - self._min_slope
        value = shift + self._min_slope * y + rest * integral
        return value, tf.math.log(self._min_slope + rest * slope)


class Bernstein(MonotoneOnInterval):
    """A Bernstein polynomial with increasing coefficients.

    On the interval ``[-bound, bound]``; tangents continue it.

    Source: Sick et al. 2021, arXiv:2004.00464; Ramasinghe et al. 2022, arXiv:2102.03509.

    Args:
        degree: Degree of the polynomial.
        bound: Half of the length of the interval.
        min_slope: Smallest slope, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, *, degree: int = 16, bound: float = 5.0, min_slope: float = 1e-3):
        super().__init__(bound=bound)
        if shapes.positive(degree, "degree") > 64 or not 0 < min_slope < 1:
            raise ValueError(
                "Bernstein: degree must be at most 64 and min_slope in (0, 1), got "
                f"{degree!r} and {min_slope!r}."
            )
        self._degree, self._min_slope = int(degree), float(min_slope)
        self.num_parameters = degree + 1

    def _prepare(self, parameters):
        # At zero, slopes of one everywhere: the identity.
        parameters = tf.clip_by_value(parameters, -_LARGEST, _LARGEST)
        offset = math.log(math.expm1(1 - self._min_slope))
        slopes = self._min_slope + tf.nn.softplus(parameters[..., 1:] + offset)
        slopes = tf.unstack(slopes, axis=-1)
        step = 2 * self._bound / self._degree
        coefficients = [parameters[..., 0] - self._bound]
        for slope in slopes:
            coefficients.append(coefficients[-1] + step * slope)
        return coefficients, slopes

    def _evaluate(self, y, prepared):
        coefficients, slopes = prepared
        share = (y + self._bound) / (2 * self._bound)
        log_slope = tf.math.log(_bernstein(share, slopes))
        return _bernstein(share, coefficients), log_slope


def _horner(x, coefficients):
    value = coefficients[-1] * tf.ones_like(x)
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _bernstein(share, coefficients):
    """``sum_j c_j binomial(n, j) t^j (1 - t)^(n - j)``, all terms of which are positive."""
    degree = len(coefficients) - 1
    ups, downs = [tf.ones_like(share)], [tf.ones_like(share)]
    for _ in range(degree):
        ups.append(ups[-1] * share)
        downs.append(downs[-1] * (1 - share))
    return tf.add_n(
        [
            math.comb(degree, j) * coefficient * ups[j] * downs[degree - j]
            for j, coefficient in enumerate(coefficients)
        ]
    )

"""Rational-quadratic splines."""

import math

import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.numerics import within_range
from tfp_flows.transformers.base import Transformer

_STEEPEST = 1e6


class RationalQuadraticSpline(Transformer):
    """A monotone spline of rational-quadratic pieces on an interval, and the identity outside.

    On ``[-bound, bound]`` both axes are cut into ``num_bins`` bins, whose widths, heights and
    slopes at the inner knots are the parameters. At zero they give the identity. The way from data
    to latent, which training takes, is the quotient itself; the way back solves a quadratic
    equation. Inputs are clipped to the interval before any algebra.

    A circular spline maps the circle to itself: inputs are angles, taken modulo ``2 bound``, the
    slope at both ends is the same free one, and one more parameter turns the circle. Outputs are
    in ``[-bound, bound)``.

    Source: Durkan et al. 2019, arXiv:1906.04032, section 3; circular, Rezende et al. 2020,
    arXiv:2002.02428, section 2.1.

    Args:
        num_bins: Number of bins, at least two.
        bound: Half of the length of the interval; pi for circular splines by default, 5 otherwise.
        min_bin_size: Smallest width and height of a bin, as a share of the interval.
        min_slope: Smallest slope at a knot, in (0, 1).
        circular: Whether inputs are angles.

    Raises:
        ValueError: If an argument is out of range, or the smallest bins fill the interval.
    """

    def __init__(
        self,
        *,
        num_bins: int = 8,
        bound: float | None = None,
        min_bin_size: float = 1e-3,
        min_slope: float = 1e-3,
        circular: bool = False,
    ):
        bound = (math.pi if circular else 5.0) if bound is None else bound
        if shapes.positive(num_bins, "num_bins") < 2:
            raise ValueError(
                f"RationalQuadraticSpline: num_bins must be at least 2, got {num_bins!r}."
            )
        if not 0 < bound < math.inf or not 0 < min_slope < 1 or not min_bin_size > 0:
            raise ValueError(
                "RationalQuadraticSpline: bound and min_bin_size must be positive and min_slope in "
                "(0, 1), got "
                f"{bound!r}, {min_bin_size!r} and {min_slope!r}."
            )
        if not num_bins * min_bin_size < 1:
            raise ValueError(
                f"RationalQuadraticSpline: {num_bins} bins of at least {min_bin_size!r} of the "
                "interval do not fit into it; lower num_bins or min_bin_size."
            )
        self._num_bins, self._bound, self._circular = int(num_bins), float(bound), bool(circular)
        self._min_bin_size, self._min_slope = float(min_bin_size), float(min_slope)
        self.num_parameters = 3 * num_bins + 1 if circular else 3 * num_bins - 1

    def forward(self, x, parameters):
        """Solves for the data."""
        turn, bins = self._bins(parameters)
        place, outside = self._inside(x)
        left, width, bottom, height, first, last = self._find(place, bins, vertical=True)
        slope, rise = height / width, place - bottom
        curve = first + last - 2 * slope
        a = height * (slope - first) + rise * curve
        b = height * first - rise * curve
        c = -slope * rise
        root = tf.sqrt(tf.maximum(b * b - 4 * a * c, _tiny(b)))
        share = tf.clip_by_value(2 * c / (-b - root), 0, 1)
        log_slope = -_log_slope(share, slope, first, last)
        y = left + share * width
        if self._circular:
            return self._wrapped(y - turn), log_slope
        return tf.where(outside, x, y), tf.where(outside, tf.zeros_like(x), log_slope)

    def inverse(self, y, parameters):
        """Evaluates the spline."""
        turn, bins = self._bins(parameters)
        place, outside = self._inside(y + turn if self._circular else y)
        left, width, bottom, height, first, last = self._find(place, bins, vertical=False)
        share, slope = tf.clip_by_value((place - left) / width, 0, 1), height / width
        both = share * (1 - share)
        quotient = (slope * share * share + first * both) / (
            slope + (first + last - 2 * slope) * both
        )
        x, log_slope = bottom + height * quotient, _log_slope(share, slope, first, last)
        if self._circular:
            return x, log_slope
        return tf.where(outside, y, x), tf.where(outside, tf.zeros_like(y), log_slope)

    def _bins(self, parameters):
        """The turn, widths and heights of all bins, and slopes at all knots."""
        count = self._num_bins
        widths, heights, slopes = tf.split(
            parameters, [count, count, self.num_parameters - 2 * count], axis=-1
        )
        turn = None
        # At zero, a slope of 1.
        offset = math.log(math.expm1(1 - self._min_slope))
        if self._circular:
            turn, slopes = within_range(slopes[..., -1]), slopes[..., :-1]
        # The products of steeper slopes leave the range of numbers.
        slopes = tf.clip_by_value(slopes, -_STEEPEST, _STEEPEST)
        slopes = self._min_slope + tf.nn.softplus(slopes + offset)
        end = slopes[..., :1] if self._circular else tf.ones_like(slopes[..., :1])
        inner = slopes[..., 1:] if self._circular else slopes
        return turn, (
            self._sizes(widths),
            self._sizes(heights),
            tf.concat([end, inner, end], axis=-1),
        )

    def _sizes(self, raw):
        shares = tf.nn.softmax(raw, axis=-1)
        shares = self._min_bin_size + (1 - self._num_bins * self._min_bin_size) * shares
        return 2 * self._bound * shares

    def _inside(self, value):
        """The value brought into the interval, and where it was not in it."""
        if self._circular:
            return self._wrapped(value), None
        place = tf.clip_by_value(value, -self._bound, self._bound)
        # The ends too are outside: at them a clipped value has no gradient.
        return place, tf.abs(value) >= self._bound

    def _wrapped(self, angle):
        return tf.math.floormod(angle + self._bound, 2 * self._bound) - self._bound

    def _find(self, value, bins, *, vertical):
        """Left, width, bottom, height and both slopes of the bin that holds each value.

        Selected by weights of 0 and 1 instead of a search: the gradient is the weights again, in
        one pass over the bins.
        """
        widths, heights, slopes = bins
        beyond = tf.cast(
            value[..., tf.newaxis] >= self._inner_knots(heights if vertical else widths),
            value.dtype,
        )
        none = tf.zeros_like(beyond[..., :1])
        # Of each bin: whether the value is to the right of it, and whether it is inside.
        passed = tf.concat([beyond, none], axis=-1)
        here = tf.concat([none + 1, beyond], axis=-1) - passed

        def total(weights, sizes):
            return tf.reduce_sum(weights * sizes, axis=-1)

        return (
            total(passed, widths) - self._bound,
            total(here, widths),
            total(passed, heights) - self._bound,
            total(here, heights),
            total(here, slopes[..., :-1]),
            total(here, slopes[..., 1:]),
        )

    def _inner_knots(self, sizes):
        first, *rest = tf.unstack(sizes[..., :-1], axis=-1)
        knots = [first - self._bound]
        for size in rest:
            knots.append(knots[-1] + size)
        return tf.stack(knots, axis=-1)


def _log_slope(share, slope, first, last):
    """Logarithm of the spline's slope at a share of a bin; equation 5 of Durkan et al."""
    rest = 1 - share
    both = share * rest
    numerator = last * share * share + 2 * slope * both + first * rest * rest
    denominator = slope + (first + last - 2 * slope) * both
    # One logarithm of factors that stay within the range of numbers for steep slopes.
    return tf.math.log((numerator / denominator) * (slope * slope / denominator))


def _tiny(value):
    return tf.constant(value.dtype.as_numpy_dtype(1e-30), value.dtype)

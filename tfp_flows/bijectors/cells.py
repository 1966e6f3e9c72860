"""Rows of mixed columns: classes, numbers, whole numbers and gaps, each given any of the others."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.cell_distributions import Distributions
from tfp_flows.bijectors.cell_parts import (
    CODE,
    HIGH,
    KNOWN,
    LOW,
    features_of,
    inside,
    log_between,
    log_shares_of,
    middle_of,
    normal_cdf,
    of_classes,
    width_of,
)
from tfp_flows.errors import InputError
from tfp_flows.networks import MLP
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.transformers import RationalQuadraticSpline

OPEN = 40.0
"""The edge, in units of latents, of a cell that has none."""

_NUMBERS = ("", "line", "grid", "circle")
_NARROW = 1e-3


class _Heads(NamedTuple):
    """What the network says of the columns, ``[n, columns, ...]``: logits by column, parameters."""

    logits: dict[int, tf.Tensor]
    curves: dict[str, tf.Tensor]


class Cells(Distributions, Bijector):
    """A density of rows whose columns are of several kinds, and of each part given any other.

    A cell is four numbers: its class, the low and the high end of its number, and 1 if it is
    known, 0 if it is a gap. A column has ``classes`` with probabilities of their own; where it has
    ``numbers`` too, the last class is that of the numbers, which have a density on the line (both
    ends are the same), probabilities of the intervals of a grid, or a density on the circle. One
    network sees which cells are known and what is in them, and gives the distribution of each of
    the others: class probabilities, and a rational-quadratic spline to a standard normal variable
    (on the circle to a uniform one).

    A row's density is the product of its known cells' in the order of the columns, each given the
    known ones before it; gaps are left out, not filled. The map to latents is the quantile of each
    cell under the same distributions, for classes and intervals their middle; that from latents
    draws cells by quantiles. Log-dets are such that a flow with a standard normal base has just
    that density, in nats; probabilities are of nats too.

    Source: orders without preference, Uria et al. 2014, arXiv:1310.1757; any part given any other,
    Strauss and Oliva 2021, arXiv:2102.04426; splines, Durkan et al. 2019, arXiv:1906.04032.

    Args:
        classes: Number of classes of each column, 1 or more.
        numbers: For each column ``""``, ``"line"``, ``"grid"`` or ``"circle"``.
        shares: For each column the probabilities of its classes with which training begins;
            uniform by default.
        grids: For each column the edges of its intervals, from -40 to 40, or None if there are too
            many to list; draws are in the middle of an interval.
        given: How many columns at the front are context: they are conditioned on, and have no
            density. They are in ``classes`` and ``numbers`` as the others are.
        hidden_units: Sizes of the layers of the network.
        num_bins: Bins of the splines.
        dtype: ``float32`` or ``float64``.
        seed: Of the weights.
        name: Name for ops.

    Raises:
        InputError: If the columns' descriptions do not fit each other.
    """

    resizes = True

    def __init__(
        self,
        *,
        classes: Sequence[int],
        numbers: Sequence[str],
        shares: Sequence[Sequence[float] | None] | None = None,
        grids: Sequence[Sequence[float] | None] | None = None,
        given: int = 0,
        hidden_units: Sequence[int] = (256, 256),
        num_bins: int = 16,
        dtype=tf.float32,
        seed: int | None = None,
        name=None,
    ):
        every = len(classes)
        shares = [None] * every if shares is None else shares
        grids = [None] * every if grids is None else grids
        for j, (count, number) in enumerate(zip(classes, numbers, strict=True)):
            if number not in _NUMBERS or count < 1 or (count == 1 and not number):
                raise InputError(
                    f"Column {j} of cells has {count} classes and numbers {number!r}; give two "
                    f"classes or more, or numbers among {', '.join(map(repr, _NUMBERS[1:]))}."
                )
        if not 0 <= given < every:
            raise InputError(f"{given} of {every} columns are given; at least one must be left.")
        size = every - given
        super().__init__(
            event_shape=(size, 4),
            latent_shape=size,
            context_shape=(given, 4) if given else None,
            dtype=dtype,
            name=name,
        )
        self._given, self._size = given, size
        self._about = self._no_dependency(tuple(zip(classes, numbers, strict=True)))
        self._own = self._no_dependency(self._about[given:])
        starts = np.cumsum([0, *(count if count > 1 else 0 for count, _ in self._own)])
        self._slices = self._no_dependency(tuple(itertools.pairwise(starts.tolist())))
        self._of = self._no_dependency(
            {
                kind: tuple(j for j, (_, number) in enumerate(self._own) if number == kind)
                for kind in _NUMBERS[1:]
            }
        )
        self._grids = self._no_dependency(tuple(grids[given:]))
        self._line = RationalQuadraticSpline(num_bins=num_bins)
        self._circle = RationalQuadraticSpline(num_bins=num_bins, circular=True)
        hidden = list(shapes.as_shape(hidden_units, "hidden_units"))
        generator = new_generator(seed)
        self._network = MLP(
            input_size=sum(width_of(*about) for about in self._about),
            output_size=hidden[-1],
            hidden_units=hidden[:-1],
            dtype=dtype,
            output_scale=1.0,
            seed=seed,
        )
        width = hidden[-1]
        logs = [
            log_shares_of(count, share)
            for (count, _), share in zip(self._own, shares[given:], strict=True)
            if count > 1
        ]
        self._class_kernel = self._class_bias = None
        if logs:
            self._class_kernel = self._weights(generator, [width, int(starts[-1])], width)
            self._class_bias = tf.Variable(np.concatenate(logs), dtype=self.dtype, name="shares")
        self._kernels, self._biases = {}, {}
        for kind, columns in self._of.items():
            if columns:
                count = self._spline(kind).num_parameters
                shape = [len(columns), width, count]
                self._kernels[kind] = self._weights(generator, shape, width)
                zeros = tf.zeros([len(columns), count], self.dtype)
                self._biases[kind] = tf.Variable(zeros, name=f"{kind}_bias")

    def forget(self) -> None:
        """Makes columns independent, each with the distribution at which training begins."""
        for kernel in (self._class_kernel, *self._kernels.values()):
            if kernel is not None:
                kernel.assign(tf.zeros_like(kernel))

    def log_masses(self, y, known, context=None):
        """Log-probability or log-density of each cell given those that are known.

        Args:
            y: Rows ``[n, columns, 4]``.
            known: ``[n, columns]``, 1 where a cell is conditioned on; those that are gaps in ``y``
                must be 0. Or ``[n, columns, columns]``: for each cell its own.
            context: ``[n, given, 4]`` if columns are given.

        Returns:
            ``[n, columns]`` in nats; of a gap, what nobody should read.
        """
        each = known.shape.rank == 3
        heads = self._heads(self._hidden(y, known, context), each)
        return self._log_masses(y, heads)[0]

    def terms(self, y, context=None):
        """The terms of a row's log-density, ``[n, columns]``: each cell given those before it."""
        return self._in_order(y, context)[0]

    def complete(self, x, y, known, context=None):
        """Fills cells by quantiles, each given all that is known and what was filled before it.

        Args:
            x: Standard normal numbers ``[n, columns]``; those of known cells are not used.
            y: Rows ``[n, columns, 4]``; what is not known may hold anything.
            known: ``[n, columns]``, 1 where a cell is kept.
            context: ``[n, given, 4]`` if columns are given.

        Returns:
            Rows ``[n, columns, 4]`` without gaps.
        """
        cells = tf.unstack(y, axis=1)
        for j in range(self._size):
            rows = tf.stack(cells, axis=1)
            drawn = self._drawn(j, x[:, j], self._hidden(rows, known, context))
            keep = known[:, j, None] > 0
            cells[j] = tf.where(keep, cells[j], drawn)
            known = tf.concat([known[:, :j], tf.ones_like(known[:, :1]), known[:, j + 1 :]], 1)
        rows = tf.stack(cells, axis=1)
        return tf.concat([rows[..., :KNOWN], tf.ones_like(rows[..., KNOWN:])], axis=-1)

    def _inverse_and_log_det(self, y, context, training):
        y, context, batch = self._flat(y, context)
        there = y[..., KNOWN]
        log_masses, latents = self._in_order(y, context)
        latents = tf.where(there > 0, latents, tf.zeros_like(latents))
        normal = -0.5 * (latents**2 + math.log(2 * math.pi))
        log_det = tf.reduce_sum(tf.where(there > 0, log_masses, 0.0) - normal, axis=-1)
        shape = tf.concat([batch, [self._size]], axis=0)
        return tf.reshape(latents, shape), tf.reshape(log_det, batch)

    def _forward_value(self, x, context, training):
        batch = tf.shape(x)[:-1]
        x = tf.reshape(x, [-1, self._size])
        if context is not None:
            context = tf.reshape(context, [-1, self._given, 4])
        empty = tf.zeros([tf.shape(x)[0], self._size, 4], x.dtype)
        rows = self.complete(x, empty, empty[..., 0], context)
        return tf.reshape(rows, tf.concat([batch, [self._size, 4]], axis=0))

    def _forward_and_log_det(self, x, context, training):
        y = self._forward_value(x, context, training)
        return y, -self._inverse_and_log_det(y, context, training)[1]

    def _in_order(self, y, context):
        """Log-masses and latents of cells ``[n, columns]``, each given those before it."""
        order = tf.linalg.band_part(tf.ones([self._size] * 2, y.dtype), -1, 0)
        order -= tf.eye(self._size, dtype=y.dtype)
        known = order * y[..., None, :, KNOWN]
        heads = self._heads(self._hidden(y, known, context), each=True)
        return self._log_masses(y, heads)

    def _flat(self, y, context):
        batch = tf.shape(y)[:-2]
        y = tf.reshape(y, [-1, self._size, 4])
        return y, None if context is None else tf.reshape(context, [-1, self._given, 4]), batch

    def _weights(self, generator, shape, width):
        return tf.Variable(tf.cast(uniform(generator, shape, width, 0.01), self.dtype))

    def _spline(self, kind):
        return self._circle if kind == "circle" else self._line

    def _hidden(self, y, known, context):
        """What the network makes of the known cells: ``[n, width]``, or ``[n, columns, width]``."""
        rows, seen = y, known
        if context is not None:
            rows = tf.concat([context, y], axis=1)
            first = context[..., KNOWN]
            if known.shape.rank == 3:
                first = tf.repeat(first[:, None], self._size, axis=1)
            seen = tf.concat([first, known], axis=-1)
        parts = []
        for j, (count, number) in enumerate(self._about):
            there = seen[..., j, None]
            features = features_of(rows[:, j], count, number)
            if known.shape.rank == 3:
                features = features[:, None]
            parts += [there, features * there]
        return tf.nn.relu(self._network(tf.concat(parts, axis=-1)))

    def _heads(self, hidden, each: bool) -> _Heads:
        logits, curves = {}, {}
        if not each and self._class_kernel is not None:
            every = hidden @ self._class_kernel + self._class_bias
        for j, (start, stop) in enumerate(self._slices):
            if stop > start and each:
                kernel = self._class_kernel[:, start:stop]
                logits[j] = hidden[:, j] @ kernel + self._class_bias[start:stop]
            elif stop > start:
                logits[j] = every[:, start:stop]
        for kind, columns in self._of.items():
            if columns:
                form = "nkh,khp->nkp" if each else "nh,khp->nkp"
                own = tf.gather(hidden, columns, axis=1) if each else hidden
                curves[kind] = tf.einsum(form, own, self._kernels[kind]) + self._biases[kind]
        return _Heads(logits, curves)

    def _log_masses(self, y, heads):
        """Log-masses and latents of cells ``[n, columns]``."""
        numbers = {}
        for kind, own in self._of.items():
            if own:
                cells = tf.gather(y, own, axis=1)
                found = self._of_numbers(kind, cells, heads.curves[kind])
                for k, j in enumerate(own):
                    numbers[j] = (found[0][:, k], found[1][:, k])
        masses, latents = [], []
        for j, (count, number) in enumerate(self._own):
            mass, latent = numbers.get(j, (None, None))
            if count > 1:
                mass, latent = of_classes(y[:, j, CODE], heads.logits[j], mass, latent, number)
            masses.append(mass)
            latents.append(latent)
        return tf.stack(masses, axis=1), tf.stack(latents, axis=1)

    def _of_numbers(self, kind, cells, parameters):
        """Log-mass and normal quantile of numbers ``[n, k, 4]``."""
        low, high = cells[..., LOW], cells[..., HIGH]
        middle = middle_of(cells)
        u, log_slope = self._spline(kind).inverse(middle, parameters)
        if kind == "circle":
            share = (u + math.pi) / (2 * math.pi)
            return log_slope - math.log(2 * math.pi), tf.math.ndtri(inside(share))
        density = -0.5 * (u**2 + math.log(2 * math.pi)) + log_slope
        if kind == "line":
            return density, u
        ends = [self._line.inverse(edge, parameters) for edge in (low, high)]
        first, last = ends[0][0], ends[1][0]
        # Where the difference of two nearly equal numbers would tell little: slope times width.
        narrow = last - first < _NARROW
        slope = sum(
            weight / 6 * tf.exp(log)
            for weight, log in zip((1, 4, 1), (ends[0][1], log_slope, ends[1][1]), strict=True)
        )
        thin = -0.5 * (u**2 + math.log(2 * math.pi))
        thin += tf.math.log(tf.where(narrow, tf.maximum(slope * (high - low), 1e-30), 1.0))
        wide = log_between(tf.where(narrow, -1.0, first), tf.where(narrow, 1.0, last))
        return tf.where(narrow, thin, wide), u

    def _drawn(self, j, x, hidden):
        """A cell ``[n, 4]`` of a column at the quantiles of ``x`` ``[n]``."""
        count, number = self._own[j]
        code, zero = tf.zeros_like(x), tf.zeros_like(x)
        if count > 1:
            start, stop = self._slices[j]
            shares = tf.nn.softmax(
                hidden @ self._class_kernel[:, start:stop] + self._class_bias[start:stop]
            )
            ends = tf.cumsum(shares, axis=-1)
            place = normal_cdf(x)[:, None] * ends[:, -1:]
            code = tf.reduce_sum(tf.cast(place >= ends[:, :-1], x.dtype), axis=-1)
            if number:
                before = ends[:, -2:-1]
                rest = (place - before) / tf.maximum(shares[:, -1:], 1e-12)
                x = tf.math.ndtri(inside(rest[:, 0]))
        if not number:
            return tf.stack([code, zero, zero, zero], axis=-1)
        k = self._of[number].index(j)
        parameters = hidden @ self._kernels[number][k] + self._biases[number][k]
        if number == "circle":
            x = (2 * normal_cdf(x) - 1) * math.pi
        value, _ = self._spline(number).forward(x[:, None], parameters[:, None])
        low = high = value[:, 0]
        if number == "grid" and self._grids[j] is not None:
            edges = tf.constant(self._grids[j], x.dtype)
            place = tf.searchsorted(edges[1:-1], low, side="right")
            low, high = tf.gather(edges, place), tf.gather(edges, place + 1)
        is_number = code == count - 1
        low, high = tf.where(is_number, low, zero), tf.where(is_number, high, zero)
        return tf.stack([code, low, high, zero], axis=-1)

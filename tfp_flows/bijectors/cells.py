"""Rows of mixed columns: classes, numbers, whole numbers and gaps, each given any of the others."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import shapes
from tfp_flows.bijectors.base import Bijector
from tfp_flows.errors import InputError
from tfp_flows.networks import MLP
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.transformers import RationalQuadraticSpline

OPEN = 40.0
"""The edge, in units of latents, of a cell that has none."""

CODE, LOW, HIGH, KNOWN = range(4)
"""Entries of a cell."""

_NUMBERS = ("", "line", "grid", "circle")
_NARROW = 0.02


class _Heads(NamedTuple):
    """What the network says of the columns, ``[n, columns, ...]``: logits by column, parameters."""

    logits: dict[int, tf.Tensor]
    curves: dict[str, tf.Tensor]


class Cells(Bijector):
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
            input_size=sum(_width(*about) for about in self._about),
            output_size=hidden[-1],
            hidden_units=hidden[:-1],
            dtype=dtype,
            output_scale=1.0,
            seed=seed,
        )
        width = hidden[-1]
        self._class_kernel = self._weights(generator, [width, max(int(starts[-1]), 1)], width)
        logs = [np.zeros(1)] if not starts[-1] else []
        for (count, _), share in zip(self._own, shares[given:], strict=True):
            if count > 1:
                share = np.full(count, 1 / count) if share is None else np.asarray(share, float)
                logs.append(np.log(np.maximum(share / share.sum(), 1e-6)))
        self._class_bias = tf.Variable(np.concatenate(logs), dtype=self.dtype, name="class_bias")
        self._kernels, self._biases = {}, {}
        for kind, columns in self._of.items():
            if columns:
                count = self._spline(kind).num_parameters
                shape = [len(columns), width, count]
                self._kernels[kind] = self._weights(generator, shape, width)
                zeros = tf.zeros([len(columns), count], self.dtype)
                self._biases[kind] = tf.Variable(zeros, name=f"{kind}_bias")

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

    def quantile_ends(self, y, known=None, context=None):
        """Between which quantiles of its distribution each cell lies.

        Those of a class or an interval are apart, and a number drawn uniformly between them is
        uniform where the density is right (Czado, Gneiting and Held 2009, section 2); those of
        other numbers are the same.

        Args:
            y: Rows ``[n, columns, 4]``.
            known: As of `log_masses`; by default, for each cell those before it.
            context: ``[n, given, 4]`` if columns are given.

        Returns:
            The low and the high quantile ``[n, columns]``, from 0 to 1; of a gap, what nobody
            should read.
        """
        known = self._before(y) if known is None else known
        heads = self._heads(self._hidden(y, known, context), each=known.shape.rank == 3)
        numbers = {}
        for kind, own in self._of.items():
            if own:
                spline, cells = self._spline(kind), tf.gather(y, own, axis=1)
                ends = (spline.inverse(cells[..., e], heads.curves[kind])[0] for e in (LOW, HIGH))
                low, high = (_share(kind, end) for end in ends)
                numbers |= {j: (low[:, k], high[:, k]) for k, j in enumerate(own)}
        every = []
        for j, (count, number) in enumerate(self._own):
            ends = numbers.get(j)
            if count > 1:
                ends = _of_class(y[:, j, CODE], heads.logits[j], ends, number)
            every.append(tf.stack(ends))
        return tuple(tf.unstack(tf.stack(every, axis=-1)))

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
        heads = self._heads(self._hidden(y, self._before(y), context), each=True)
        return self._log_masses(y, heads)

    def _before(self, y):
        """For each cell the known ones before it, ``[n, columns, columns]``."""
        order = tf.linalg.band_part(tf.ones([self._size] * 2, y.dtype), -1, 0)
        order -= tf.eye(self._size, dtype=y.dtype)
        return order * y[..., None, :, KNOWN]

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
            features = _features(rows[:, j], count, number)
            if known.shape.rank == 3:
                features = features[:, None]
            parts += [there, features * there]
        return tf.nn.relu(self._network(tf.concat(parts, axis=-1)))

    def _heads(self, hidden, each: bool) -> _Heads:
        logits, curves = {}, {}
        if not each:
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
                mass, latent = _of_classes(y[:, j, CODE], heads.logits[j], mass, latent, number)
            masses.append(mass)
            latents.append(latent)
        return tf.stack(masses, axis=1), tf.stack(latents, axis=1)

    def _of_numbers(self, kind, cells, parameters):
        """Log-mass and normal quantile of numbers ``[n, k, 4]``."""
        low, high = cells[..., LOW], cells[..., HIGH]
        middle = _middle(cells)
        u, log_slope = self._spline(kind).inverse(middle, parameters)
        if kind == "circle":
            return log_slope - math.log(2 * math.pi), tf.math.ndtri(_inside(_share(kind, u)))
        density = -0.5 * (u**2 + math.log(2 * math.pi)) + log_slope
        if kind == "line":
            return density, u
        width = high - low
        first, last = (self._line.inverse(edge, parameters)[0] for edge in (low, high))
        narrow = width * tf.exp(log_slope) < _NARROW
        one = tf.ones_like(width)
        thin = density + tf.math.log(tf.where(narrow, tf.maximum(width, 1e-30), one))
        wide = _log_between(tf.where(narrow, -one, first), tf.where(narrow, one, last))
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
            place = _cdf(x)[:, None] * ends[:, -1:]
            code = tf.reduce_sum(tf.cast(place >= ends[:, :-1], x.dtype), axis=-1)
            if number:
                before = ends[:, -2:-1]
                rest = (place - before) / tf.maximum(shares[:, -1:], 1e-12)
                x = tf.math.ndtri(_inside(rest[:, 0]))
        if not number:
            return tf.stack([code, zero, zero, zero], axis=-1)
        k = self._of[number].index(j)
        parameters = hidden @ self._kernels[number][k] + self._biases[number][k]
        if number == "circle":
            x = (2 * _cdf(x) - 1) * math.pi
        value, _ = self._spline(number).forward(x[:, None], parameters[:, None])
        low = high = value[:, 0]
        if number == "grid" and self._grids[j] is not None:
            edges = tf.constant(self._grids[j], x.dtype)
            place = tf.searchsorted(edges[1:-1], low, side="right")
            low, high = tf.gather(edges, place), tf.gather(edges, place + 1)
        is_number = code == count - 1
        low, high = tf.where(is_number, low, zero), tf.where(is_number, high, zero)
        return tf.stack([code, low, high, zero], axis=-1)


def _width(count: int, number: str) -> int:
    """Number of features of a column, with the one that says that it is known."""
    return 1 + (count if count > 1 else 0) + {"": 0, "circle": 2}.get(number, 1)


def _middle(cell):
    return (_near(cell[..., LOW]) + _near(cell[..., HIGH])) / 2


def _near(z):
    return tf.clip_by_value(z, -6.0, 6.0)


def _features(cell, count: int, number: str):
    """What the network sees of cells ``[n, 4]``."""
    parts = []
    if count > 1:
        parts.append(tf.one_hot(tf.cast(cell[:, CODE], tf.int32), count, dtype=cell.dtype))
    if number == "circle":
        middle = (cell[:, LOW] + cell[:, HIGH])[:, None] / 2
        parts += [tf.cos(middle), tf.sin(middle)]
    elif number:
        parts.append(_middle(cell)[:, None])
    return tf.concat(parts, axis=-1)


def _of_classes(code, logits, mass, latent, number):
    """Log-masses of classes, with the numbers of the last one, and normal quantiles."""
    count = logits.shape[-1]
    chosen = tf.one_hot(tf.cast(code, tf.int32), count, dtype=logits.dtype)
    log_shares = tf.nn.log_softmax(logits)
    shares = tf.exp(log_shares)
    log_mass = tf.reduce_sum(chosen * log_shares, axis=-1)
    before = tf.reduce_sum(tf.cumsum(shares, axis=-1, exclusive=True) * chosen, axis=-1)
    inside = tf.fill(tf.shape(code), tf.cast(0.5, logits.dtype))
    if number:
        is_number = code == count - 1
        log_mass += tf.where(is_number, mass, tf.zeros_like(mass))
        inside = tf.where(is_number, _cdf(latent), inside)
    share = tf.reduce_sum(shares * chosen, axis=-1)
    return log_mass, tf.math.ndtri(_inside(before + share * inside))


def _of_class(code, logits, ends, number):
    """Quantiles between which a class lies, or within that of numbers between their own."""
    count = logits.shape[-1]
    chosen = tf.one_hot(tf.cast(code, tf.int32), count, dtype=logits.dtype)
    shares = tf.nn.softmax(logits)
    before = tf.reduce_sum(tf.cumsum(shares, axis=-1, exclusive=True) * chosen, axis=-1)
    share = tf.reduce_sum(shares * chosen, axis=-1)
    low, high = tf.zeros_like(share), tf.ones_like(share)
    if number:
        is_number = code == count - 1
        low, high = tf.where(is_number, ends[0], low), tf.where(is_number, ends[1], high)
    return before + share * low, before + share * high


def _share(kind, u):
    """The quantile of what a spline makes of a number."""
    return (u + math.pi) / (2 * math.pi) if kind == "circle" else _cdf(u)


def _normal(value):
    return tfp.distributions.Normal(tf.zeros([], value.dtype), 1.0)


def _cdf(value):
    return _normal(value).cdf(value)


def _inside(share):
    # ndtri of 0 and 1 is infinite.
    edge = 1e-7 if share.dtype == tf.float32 else 1e-15
    return tf.clip_by_value(share, edge, 1 - edge)


def _log_between(low, high):
    """Logarithm of the probability that a standard normal variable is between two numbers."""
    mirrored = low > 0
    first, last = tf.where(mirrored, -high, low), tf.where(mirrored, -low, high)
    log_cdf = _normal(low).log_cdf
    top = log_cdf(last)
    below = tf.minimum(log_cdf(first) - top, -1e-6)
    return top + tf.math.log1p(-tf.exp(below))

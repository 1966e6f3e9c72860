"""Rows of mixed columns: classes, numbers, whole numbers and gaps, each given any of the others."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.cell_distributions import Distributions
from tfp_flows.bijectors.cell_heads import CellHeads
from tfp_flows.bijectors.cell_parts import CODE, HIGH, KNOWN, LOW, ends_of_class, share_of
from tfp_flows.errors import InputError

OPEN = 40.0
"""The edge, in units of latents, of a cell that has none."""

_NUMBERS = ("", "line", "grid", "circle")


class Cells(Distributions, CellHeads, Bijector):
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
        self._make_network(shares[given:], hidden_units, num_bins, seed)

    def forget(self) -> None:
        """Makes columns independent, each with the distribution at which training begins."""
        for variable in (self._class_kernel, *self._kernels.values(), *self._biases.values()):
            if variable is not None:
                variable.assign(tf.zeros_like(variable))
        if self._class_bias is not None:
            self._class_bias.assign(self._first_shares)

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
                low, high = (share_of(kind, end) for end in ends)
                numbers |= {j: (low[:, k], high[:, k]) for k, j in enumerate(own)}
        every = []
        for j, (count, number) in enumerate(self._own):
            ends = numbers.get(j)
            if count > 1:
                ends = ends_of_class(y[:, j, CODE], heads.logits[j], ends, number)
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

    def _before(self, y):
        """For each cell the known ones before it, ``[n, columns, columns]``."""
        order = tf.linalg.band_part(tf.ones([self._size] * 2, y.dtype), -1, 0)
        order -= tf.eye(self._size, dtype=y.dtype)
        return order * y[..., None, :, KNOWN]

    def _in_order(self, y, context):
        """Log-masses and latents of cells ``[n, columns]``, each given those before it."""
        heads = self._heads(self._hidden(y, self._before(y), context), each=True)
        return self._log_masses(y, heads)

    def _flat(self, y, context):
        batch = tf.shape(y)[:-2]
        y = tf.reshape(y, [-1, self._size, 4])
        return y, None if context is None else tf.reshape(context, [-1, self._given, 4]), batch

"""The network of `Cells`, and what it says of each column."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
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
    share_of,
    width_of,
)
from tfp_flows.networks import MLP
from tfp_flows.networks.initial import new_generator, uniform
from tfp_flows.transformers import RationalQuadraticSpline

_NARROW = 1e-3


class _Heads(NamedTuple):
    """What the network says of the columns, ``[n, columns, ...]``: logits by column, parameters."""

    logits: dict[int, tf.Tensor]
    curves: dict[str, tf.Tensor]


class CellHeads:
    """Mixin of `Cells`: one network for all columns, and the heads of each."""

    def _make_network(self, shares, hidden_units, num_bins, seed) -> None:
        self._line = RationalQuadraticSpline(num_bins=num_bins)
        self._circle = RationalQuadraticSpline(num_bins=num_bins, circular=True)
        hidden = list(shapes.as_shape(hidden_units, "hidden_units"))
        generator = new_generator(seed)
        self._network = MLP(
            input_size=sum(width_of(*about) for about in self._about),
            output_size=hidden[-1],
            hidden_units=hidden[:-1],
            dtype=self.dtype,
            output_scale=1.0,
            seed=seed,
        )
        width = hidden[-1]
        logs = [
            log_shares_of(count, share)
            for (count, _), share in zip(self._own, shares, strict=True)
            if count > 1
        ]
        self._class_kernel = self._class_bias = None
        if logs:
            self._class_kernel = self._weights(generator, [width, self._slices[-1][1]], width)
            self._first_shares = np.concatenate(logs)
            self._class_bias = tf.Variable(self._first_shares, dtype=self.dtype, name="shares")
        self._kernels, self._biases = {}, {}
        for kind, columns in self._of.items():
            if columns:
                count = self._spline(kind).num_parameters
                shape = [len(columns), width, count]
                self._kernels[kind] = self._weights(generator, shape, width)
                zeros = tf.zeros([len(columns), count], self.dtype)
                self._biases[kind] = tf.Variable(zeros, name=f"{kind}_bias")

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
            return log_slope - math.log(2 * math.pi), tf.math.ndtri(inside(share_of(kind, u)))
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

    def _head(self, j, hidden):
        """Of one column logits ``[n, classes]`` and parameters of its spline, or None."""
        (count, number), logits, parameters = self._own[j], None, None
        if count > 1:
            part = slice(*self._slices[j])
            logits = hidden @ self._class_kernel[:, part] + self._class_bias[part]
        if number:
            k = self._of[number].index(j)
            parameters = hidden @ self._kernels[number][k] + self._biases[number][k]
        return logits, parameters

    def _drawn(self, j, x, hidden):
        """A cell ``[n, 4]`` of a column at the quantiles of ``x`` ``[n]``."""
        count, number = self._own[j]
        code, zero = tf.zeros_like(x), tf.zeros_like(x)
        logits, parameters = self._head(j, hidden)
        if count > 1:
            shares = tf.nn.softmax(logits)
            ends = tf.cumsum(shares, axis=-1)
            place = normal_cdf(x)[:, None] * ends[:, -1:]
            code = tf.reduce_sum(tf.cast(place >= ends[:, :-1], x.dtype), axis=-1)
            if number:
                before = ends[:, -2:-1]
                rest = (place - before) / tf.maximum(shares[:, -1:], 1e-12)
                x = tf.math.ndtri(inside(rest[:, 0]))
        if not number:
            return tf.stack([code, zero, zero, zero], axis=-1)
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

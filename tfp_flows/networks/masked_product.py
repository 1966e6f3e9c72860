"""Products with masked matrices that leave out what the mask makes zero."""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Below this, the smaller products cost more than they save.
_SMALLEST_BLOCK = 128
_MOST_BLOCKS = 4
_LARGEST_SHARE = 0.85
# Nor are they worth it where both the batch and the kernel are small.
_SMALL_BATCH = 256
_SMALL_KERNEL = 2**19


@dataclasses.dataclass(frozen=True, eq=False)
class Mask:
    """Ones where a column's degree is at least the row's.

    It is written as that comparison, which costs a program nothing, and not as a constant of the
    kernel's size.

    Args:
        rows: Degrees of the rows.
        columns: Degrees of the columns.
    """

    rows: np.ndarray
    columns: np.ndarray

    def array(self) -> np.ndarray:
        """The mask as booleans."""
        return self.columns[None, :] >= self.rows[:, None]

    def part(self, rows: slice, columns: slice) -> "Mask":
        """The mask of some rows and columns."""
        return Mask(self.rows[rows], self.columns[columns])

    def apply(self, kernel: tf.Tensor) -> tf.Tensor:
        """Zeros what is masked."""
        if self.columns.min() >= self.rows.max():
            return kernel
        rows, columns = (tf.constant(part, tf.int32) for part in (self.rows, self.columns))
        return tf.where(columns >= rows[:, None], kernel, tf.zeros_like(kernel))


class _Block(NamedTuple):
    """A range of rows or columns, and what the mask leaves of the other axis there.

    Args:
        own: The range.
        other: The smallest range that holds every entry of the mask.
    """

    own: slice
    other: slice


def _blocks(mask: np.ndarray) -> list[_Block]:
    """Cuts the columns of a mask into ranges."""
    count = min(_MOST_BLOCKS, max(1, mask.shape[1] // _SMALLEST_BLOCK))
    edges = np.linspace(0, mask.shape[1], count + 1).astype(int)
    blocks = []
    for first, last in itertools.pairwise(edges):
        rows = np.flatnonzero(mask[:, first:last].any(axis=1))
        other = slice(int(rows[0]), int(rows[-1]) + 1) if rows.size else slice(0, 1)
        blocks.append(_Block(slice(int(first), int(last)), other))
    return blocks


def _share(blocks: list[_Block], size: int) -> float:
    return sum(_length(block.own) * _length(block.other) for block in blocks) / size


def _length(part: slice) -> int:
    return part.stop - part.start


def masked_product(mask: Mask) -> Callable:
    """A function that multiplies ``[n, rows]`` with a masked kernel ``[rows, columns]``.

    Masks of sorted degrees are staircases: cut into a few ranges of columns, each needs a part of
    the rows only, for the product as for both of its derivatives.

    Args:
        mask: The mask.

    Returns:
        A differentiable function of ``x`` and the kernel; entries of the kernel where the mask is
        zero neither matter nor get a gradient.
    """
    array = mask.array()
    columns, rows = _blocks(array), _blocks(array.T)
    if max(_share(columns, array.size), _share(rows, array.size)) > _LARGEST_SHARE:
        return functools.partial(_whole, mask)
    return functools.partial(_in_blocks, mask, columns, rows)


def _whole(mask, x, kernel):
    return tf.matmul(x, mask.apply(kernel))


def _in_blocks(mask, columns, rows, x, kernel):
    small = kernel.shape.num_elements() < _SMALL_KERNEL
    if small and x.shape[0] is not None and x.shape[0] < _SMALL_BATCH:
        return _whole(mask, x, kernel)

    @tf.custom_gradient
    def product(x, kernel):
        def gradient(upstream):
            of_x, of_kernel = [], []
            for own, other in rows:
                here = mask.part(own, other)
                part = here.apply(kernel[own, other])
                of_x.append(tf.matmul(upstream[:, other], part, transpose_b=True))
                part = tf.matmul(x[:, own], upstream[:, other], transpose_a=True)
                after = kernel.shape[1] - other.stop
                of_kernel.append(tf.pad(here.apply(part), [[0, 0], [other.start, after]]))
            return tf.concat(of_x, axis=1), tf.concat(of_kernel, axis=0)

        parts = [
            tf.matmul(x[:, other], mask.part(other, own).apply(kernel[other, own]))
            for own, other in columns
        ]
        return tf.concat(parts, axis=1), gradient

    return product(x, kernel)

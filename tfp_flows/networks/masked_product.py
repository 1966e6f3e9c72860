"""Products with masked matrices that leave out what the mask makes zero."""

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


class _Block(NamedTuple):
    """A range of rows or columns, and what the mask leaves of the other axis there.

    Args:
        own: The range.
        other: The smallest range that holds every entry of the mask.
        mask: The mask of both ranges.
    """

    own: slice
    other: slice
    mask: np.ndarray


def _blocks(mask: np.ndarray) -> list[_Block]:
    """Cuts the columns of a mask into ranges."""
    count = min(_MOST_BLOCKS, max(1, mask.shape[1] // _SMALLEST_BLOCK))
    edges = np.linspace(0, mask.shape[1], count + 1).astype(int)
    blocks = []
    for first, last in itertools.pairwise(edges):
        rows = np.flatnonzero(mask[:, first:last].any(axis=1))
        other = slice(int(rows[0]), int(rows[-1]) + 1) if rows.size else slice(0, 1)
        own = slice(int(first), int(last))
        blocks.append(_Block(own, other, mask[other, own]))
    return blocks


def _share(blocks: list[_Block], size: int) -> float:
    return sum(block.mask.size for block in blocks) / size


def masked_product(mask: np.ndarray) -> Callable:
    """A function that multiplies ``[n, rows]`` with a masked kernel ``[rows, columns]``.

    Masks of sorted degrees are staircases: cut into a few ranges of columns, each needs a part of
    the rows only, for the product as for both of its derivatives.

    Args:
        mask: Ones and zeros ``[rows, columns]``.

    Returns:
        A differentiable function of ``x`` and the kernel; entries of the kernel where the mask is
        zero neither matter nor get a gradient.
    """
    mask = mask.astype(bool)
    columns, rows = _blocks(mask), _blocks(mask.T)
    if max(_share(columns, mask.size), _share(rows, mask.size)) > _LARGEST_SHARE:
        return functools.partial(_whole, mask)
    rows = [_Block(block.own, block.other, block.mask.T) for block in rows]
    return functools.partial(_in_blocks, mask, columns, rows)


def _masked(kernel, mask):
    return kernel if mask.all() else tf.where(mask, kernel, tf.zeros_like(kernel))


def _whole(mask, x, kernel):
    return tf.matmul(x, _masked(kernel, mask))


def _in_blocks(mask, columns, rows, x, kernel):
    if mask.size < _SMALL_KERNEL and x.shape[0] is not None and x.shape[0] < _SMALL_BATCH:
        return _whole(mask, x, kernel)

    @tf.custom_gradient
    def product(x, kernel):
        def gradient(upstream):
            of_x, of_kernel = [], []
            for own, other, mask in rows:
                part = _masked(kernel[own, other], mask)
                of_x.append(tf.matmul(upstream[:, other], part, transpose_b=True))
                part = tf.matmul(x[:, own], upstream[:, other], transpose_a=True)
                after = kernel.shape[1] - other.stop
                of_kernel.append(tf.pad(_masked(part, mask), [[0, 0], [other.start, after]]))
            return tf.concat(of_x, axis=1), tf.concat(of_kernel, axis=0)

        parts = [
            tf.matmul(x[:, other], _masked(kernel[other, own], mask))
            for own, other, mask in columns
        ]
        return tf.concat(parts, axis=1), gradient

    return product(x, kernel)

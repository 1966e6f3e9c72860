"""Masked products in blocks against plain ones."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfp_flows.networks import masked_product as module
from tfp_flows.networks.masked_product import Mask, masked_product


def staircase(rows, columns, descending, strict):
    below = np.sort(np.random.default_rng(rows).integers(0, 9, rows))
    above = np.sort(np.random.default_rng(columns).integers(0, 9, columns))
    mask = Mask(below, above - strict)
    return mask.part(slice(None, None, -1), slice(None, None, -1)) if descending else mask


masks = given(
    st.integers(1, 40), st.integers(1, 40), st.booleans(), st.booleans(), st.integers(1, 9)
)


@settings(max_examples=8, deadline=None, derandomize=True)
@masks
def test_equals_the_plain_product(rows, columns, descending, strict, smallest):
    equals_the_plain_product(rows, columns, descending, strict, smallest)


@pytest.mark.deep
@settings(max_examples=40, deadline=None, derandomize=True)
@masks
def test_equals_the_plain_product_for_many_masks(rows, columns, descending, strict, smallest):
    equals_the_plain_product(rows, columns, descending, strict, smallest)


def equals_the_plain_product(rows, columns, descending, strict, smallest):
    mask = staircase(rows, columns, descending, strict)
    generator = np.random.default_rng(0)
    x = tf.constant(generator.normal(size=(5, rows)))
    kernel = tf.constant(generator.normal(size=(rows, columns)))
    upstream = tf.constant(generator.normal(size=(5, columns)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALLEST_BLOCK", smallest)
        multiply = masked_product(mask)

    @tf.function(
        input_signature=[tf.TensorSpec([None, rows], x.dtype), tf.TensorSpec(kernel.shape, x.dtype)]
    )
    def any_batch(x, kernel):
        return multiply(x, kernel)

    def evaluate(function):
        with tf.GradientTape() as outer:
            outer.watch((x, kernel))
            with tf.GradientTape() as tape:
                tape.watch((x, kernel))
                result = function(x, kernel)
                total = tf.reduce_sum(tf.sin(result) * upstream)
            first = tape.gradient(total, (x, kernel))
            second = sum(tf.reduce_sum(tf.cos(gradient)) for gradient in first)
        return [result, *first, *outer.gradient(second, (x, kernel))]

    plain = evaluate(lambda x, kernel: x @ (kernel * mask.array()))
    # A batch known to be small is not cut.
    for function in (multiply, any_batch):
        for one, other in zip(evaluate(function), plain, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("descending", [False, True])
def test_large_staircases_are_cut(descending):
    multiply = masked_product(staircase(512, 512, descending, False))
    assert multiply.func is module._in_blocks
    _, columns, rows = multiply.args
    assert module._share(columns, 512**2) < 0.75
    assert module._share(rows, 512**2) < 0.75
    shuffled = staircase(512, 512, False, False)
    shuffled = shuffled.part(np.random.default_rng(0).permutation(512), slice(None))
    assert masked_product(shuffled).func is module._whole
    assert masked_product(staircase(64, 64, False, False)).func is module._whole

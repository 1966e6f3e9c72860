"""The networks of WaveGlow: what they see, and convolutions as TensorFlow has them."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.networks.convolution import convolve, convolve_each


def draw(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("dilation", [1, 4])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (5, 3)])
def test_dilated_convolutions_are_those_of_tensorflow(inputs, outputs, dilation):
    x, kernel = draw(2, 20, inputs), draw(3, inputs, outputs, seed=1)
    expected = tf.nn.convolution(x, kernel, padding="SAME", dilations=dilation)
    np.testing.assert_allclose(convolve(x, kernel, dilation), expected, atol=1e-12)


def test_channels_by_themselves():
    x, kernel = draw(2, 20, 3), draw(3, 3, seed=1)
    whole = tf.linalg.diag(kernel)
    np.testing.assert_allclose(convolve_each(x, kernel, 2), convolve(x, whole, 2), atol=1e-12)


@pytest.mark.parametrize("separable", [True, False])
def test_a_wavenet_sees_as_far_as_its_dilations(separable):
    network = tff.networks.WaveNet(
        input_size=2,
        output_size=3,
        channels=4,
        num_layers=3,
        separable=separable,
        context_shape=(None, 2),
        dtype=tf.float64,
        seed=0,
    )
    x, context = draw(1, 41, 2), draw(1, 41, 2, seed=1)
    assert not network(x, context).numpy().any()
    for variable in network.trainable_variables:
        variable.assign_add(0.3 * draw(*variable.shape, seed=2))
    changed = x.numpy()
    changed[0, 20] += 1
    moved = np.abs(network(x, context) - network(changed, context)).max(axis=-1)[0] > 0
    np.testing.assert_array_equal(np.flatnonzero(moved), np.arange(20 - 7, 20 + 8))
    vector = tff.networks.WaveNet(input_size=2, output_size=3, context_shape=2, num_layers=1)
    assert vector(tf.zeros([2, 5, 2]), tf.zeros([2, 2])).shape == [2, 5, 3]


def test_frames_are_brought_to_samples_as_by_a_transposed_convolution():
    network = tff.networks.MelUpsampling(bands=3, hop=4, channels=2, dtype=tf.float64, seed=0)
    frames = draw(2, 6, 3)
    assert network(frames).shape == (2, 24, 2)
    kernel, bias = network.trainable_variables
    if len(kernel.shape) == 1:
        kernel, bias = bias, kernel
    # Sample j of frame i takes from frame i + 1 - k what its window has at k.
    window = tf.reshape(kernel[::-1], [3, 3, 4, 2])
    window = tf.transpose(window, [0, 2, 3, 1])
    expected = tf.nn.conv_transpose(
        frames, tf.reshape(window, [12, 2, 3]), [2, 24, 2], strides=4, padding="SAME"
    )
    shift = tf.tile(tf.reshape(bias, [1, 4, 2]), [1, 6, 1])
    np.testing.assert_allclose(network(frames), expected + shift, atol=1e-12)


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="must be odd"):
        tff.networks.WaveNet(input_size=1, output_size=1, kernel_size=2)
    with pytest.raises(ValueError, match="a vector or a map"):
        tff.networks.WaveNet(input_size=1, output_size=1, context_shape=(2, 2, 2))
    with pytest.raises(ValueError, match="must be odd"):
        tff.networks.MelUpsampling(bands=3, hop=4, channels=2, kernel_size=4)

# A right solution in the style of 2020, for tf_keras. The planted errors of mutants.py are
# replacements in this text.
import numpy as np
import matplotlib.pyplot as plt
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow.keras import Model, Input
from tensorflow.keras.layers import Conv2D, BatchNormalization
from tensorflow.keras.regularizers import l2

tfd = tfp.distributions
tfb = tfp.bijectors


def get_conv_resnet(input_shape, filters):
    """Shift and log-scale from two residual blocks."""
    h0 = Input(shape=input_shape)
    h = Conv2D(filters, (3, 3), padding="SAME", activation="relu", kernel_regularizer=l2(l=5e-5))(h0)
    h = BatchNormalization()(h)
    h = Conv2D(input_shape[-1], (3, 3), padding="SAME", activation="relu", kernel_regularizer=l2(l=5e-5))(h)
    h = BatchNormalization()(h)
    h1 = tf.add(h, h0)
    g = Conv2D(filters, (3, 3), padding="SAME", activation="relu", kernel_regularizer=l2(l=5e-5))(h1)
    g = BatchNormalization()(g)
    g = Conv2D(input_shape[-1], (3, 3), padding="SAME", activation="relu", kernel_regularizer=l2(l=5e-5))(g)
    g = BatchNormalization()(g)
    g2 = tf.add(g, h1)
    out = Conv2D(2 * input_shape[-1], (3, 3), padding="SAME", kernel_regularizer=l2(l=5e-5))(g2)
    shift, log_scale = tf.split(out, 2, axis=-1)
    log_scale = tf.math.tanh(log_scale)
    return Model(inputs=h0, outputs=[shift, log_scale])


def checkerboard_binary_mask(shape, orientation=0):
    height, width = shape[0], shape[1]
    height_range = tf.range(height)
    width_range = tf.range(width)
    odd_inx_height = tf.cast(tf.math.mod(height_range, 2), dtype=tf.bool)
    odd_inx_width = tf.cast(tf.math.mod(width_range, 2), dtype=tf.bool)
    odds_rows = tf.tile(tf.expand_dims(odd_inx_height, -1), [1, width])
    odds_columns = tf.tile(tf.expand_dims(odd_inx_width, 0), [height, 1])
    board = tf.math.logical_xor(odds_rows, odds_columns)
    if orientation == 1:
        board = tf.math.logical_not(board)
    return tf.cast(tf.expand_dims(board, -1), tf.float32)


def channel_binary_mask(num_channels, orientation=0):
    """Half of the channels."""
    half = num_channels // 2
    zeros = tf.zeros((1, 1, half), dtype=tf.float32)
    ones = tf.ones((1, 1, half), dtype=tf.float32)
    parts = [zeros, ones]
    if orientation == 1:
        parts = [ones, zeros]
    return tf.concat(parts, axis=-1)


def forward(x, b, shift_and_log_scale_fn):
    """Latent to data."""
    t, s = shift_and_log_scale_fn(b * x)
    y = b * x + (1 - b) * (x * tf.exp(s) + t)
    return y


def inverse(y, b, shift_and_log_scale_fn):
    """Data to latent."""
    t, s = shift_and_log_scale_fn(b * y)
    x = b * y + (1 - b) * ((y - t) * tf.exp(-s))
    return x


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    """Log-det of forward."""
    t, s = shift_and_log_scale_fn(b * x)
    fldj = tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])
    return fldj


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    """Log-det of inverse."""
    t, s = shift_and_log_scale_fn(b * y)
    ildj = -tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])
    return ildj


class AffineCouplingLayer(tfb.Bijector):
    """Coupling layer."""

    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        super(AffineCouplingLayer, self).__init__(forward_min_event_ndims=3, **kwargs)
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type = mask_type
        self.orientation = orientation

    def _get_mask(self, shape):
        if self.mask_type == "channel":
            return channel_binary_mask(shape[-1], self.orientation)
        return checkerboard_binary_mask(shape[1:3], self.orientation)

    def _forward(self, x):
        b = self._get_mask(x.shape)
        return forward(x, b, self.shift_and_log_scale_fn)

    def _inverse(self, y):
        b = self._get_mask(y.shape)
        return inverse(y, b, self.shift_and_log_scale_fn)

    def _forward_log_det_jacobian(self, x):
        b = self._get_mask(x.shape)
        return forward_log_det_jacobian(x, b, self.shift_and_log_scale_fn)

    def _inverse_log_det_jacobian(self, y):
        b = self._get_mask(y.shape)
        return inverse_log_det_jacobian(y, b, self.shift_and_log_scale_fn)


def realnvp_block(shift_and_log_scale_fns, squeeze):
    """Nine members."""
    bijectors = [
        AffineCouplingLayer(shift_and_log_scale_fns[0], "checkerboard", 0),
        AffineCouplingLayer(shift_and_log_scale_fns[1], "checkerboard", 1),
        AffineCouplingLayer(shift_and_log_scale_fns[2], "checkerboard", 0),
        tfb.BatchNormalization(),
        squeeze,
        AffineCouplingLayer(shift_and_log_scale_fns[3], "channel", 0),
        AffineCouplingLayer(shift_and_log_scale_fns[4], "channel", 1),
        AffineCouplingLayer(shift_and_log_scale_fns[5], "channel", 0),
        tfb.BatchNormalization(),
    ]
    return tfb.Chain(list(reversed(bijectors)))


def get_preprocess_bijector(alpha):
    """Pixels to logits."""
    logit = tfb.Invert(tfb.Sigmoid())
    shift = tfb.Shift(alpha)
    scale = tfb.Scale(1 - 2 * alpha)
    return tfb.Chain([logit, shift, scale])


def nll(y_true, y_pred):
    return -y_pred.log_prob(y_true)


images = np.load("images.npy")
model = RealNVPModel()
model.fit(images, epochs=100)
plt.imshow(model.sample(4))

"""A solution of the RealNVP assignment (Dinh et al. 2017, https://arxiv.org/abs/1605.08803).

It stands in for parts of a submission that are wrong, so that the others can be judged. Right for
tf_keras and for Keras 3.
"""

import tensorflow as tf
import tensorflow_probability as tfp

tfd, tfb = tfp.distributions, tfp.bijectors

IMAGE_AXES = [-3, -2, -1]


def get_conv_resnet(input_shape, filters):
    """Network of two residual blocks that predicts shift and log-scale of each pixel."""
    layers = tf.keras.layers
    channels = input_shape[-1]

    def convolution(features, activation):
        return layers.Conv2D(
            features,
            3,
            padding="same",
            activation=activation,
            kernel_regularizer=tf.keras.regularizers.L2(5e-5),
        )

    inputs = layers.Input(shape=input_shape)
    h = inputs
    for _ in range(2):
        branch = h
        for features in (filters, channels):
            branch = convolution(features, "relu")(branch)
            branch = layers.BatchNormalization()(branch)
        h = layers.Add()([h, branch])
    h = convolution(2 * channels, None)(h)
    shift = h[..., :channels]
    log_scale = layers.Activation("tanh")(h[..., channels:])
    return tf.keras.Model(inputs=inputs, outputs=[shift, log_scale])


def checkerboard_binary_mask(shape, orientation=0):
    """Mask [height, width, 1] that changes from pixel to pixel."""
    rows = tf.range(shape[0])[:, None, None]
    columns = tf.range(shape[1])[None, :, None]
    return tf.cast((rows + columns + orientation) % 2, tf.float32)


def channel_binary_mask(num_channels, orientation=0):
    """Mask [1, 1, channels] of two halves."""
    second_half = tf.range(num_channels) >= num_channels // 2
    passes = tf.logical_not(second_half) if orientation else second_half
    return tf.cast(passes, tf.float32)[None, None, :]


def forward(x, b, shift_and_log_scale_fn):
    """Affine coupling: what the mask keeps moves and stretches the rest."""
    kept = b * x
    shift, log_scale = shift_and_log_scale_fn(kept)
    return kept + (1.0 - b) * (x * tf.exp(log_scale) + shift)


def inverse(y, b, shift_and_log_scale_fn):
    """Undoes `forward`."""
    kept = b * y
    shift, log_scale = shift_and_log_scale_fn(kept)
    return kept + (1.0 - b) * ((y - shift) * tf.exp(-log_scale))


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    """Log-det of `forward`, one number an image."""
    _, log_scale = shift_and_log_scale_fn(b * x)
    return tf.reduce_sum((1.0 - b) * log_scale, axis=IMAGE_AXES)


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    """Log-det of `inverse`, one number an image."""
    return -forward_log_det_jacobian(y, b, shift_and_log_scale_fn)


class AffineCouplingLayer(tfb.Bijector):
    """Affine coupling with a checkerboard or a channel mask."""

    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        super().__init__(forward_min_event_ndims=3, **kwargs)
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type = mask_type
        self.orientation = orientation

    def _get_mask(self, shape):
        if self.mask_type == "channel":
            return channel_binary_mask(shape[-1], self.orientation)
        return checkerboard_binary_mask(shape[-3:-1], self.orientation)

    def _forward(self, x):
        return forward(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)

    def _inverse(self, y):
        return inverse(y, self._get_mask(y.shape), self.shift_and_log_scale_fn)

    def _forward_log_det_jacobian(self, x):
        mask = self._get_mask(x.shape)
        return forward_log_det_jacobian(x, mask, self.shift_and_log_scale_fn)

    def _inverse_log_det_jacobian(self, y):
        mask = self._get_mask(y.shape)
        return inverse_log_det_jacobian(y, mask, self.shift_and_log_scale_fn)


class Squeeze(tfb.Bijector):
    """Moves each 2x2 square of pixels to the channels."""

    def __init__(self, name="Squeeze", **kwargs):
        super().__init__(forward_min_event_ndims=3, is_constant_jacobian=True, name=name, **kwargs)

    def _forward(self, x):
        return tf.nn.space_to_depth(x, 2)

    def _inverse(self, y):
        return tf.nn.depth_to_space(y, 2)

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)

    def _forward_event_shape_tensor(self, shape):
        return tf.stack([shape[-3] // 2, shape[-2] // 2, 4 * shape[-1]])

    def _inverse_event_shape_tensor(self, shape):
        return tf.stack([2 * shape[-3], 2 * shape[-2], shape[-1] // 4])


def realnvp_block(shift_and_log_scale_fns, squeeze):
    """Three checkerboard couplings, a normalisation, the squeeze, and the same by channels."""
    steps = []
    for mask_type, functions in (
        ("checkerboard", shift_and_log_scale_fns[:3]),
        ("channel", shift_and_log_scale_fns[3:]),
    ):
        for orientation, function in zip((0, 1, 0), functions, strict=True):
            steps.append(AffineCouplingLayer(function, mask_type, orientation))
        steps.append(tfb.BatchNormalization())
        if mask_type == "checkerboard":
            steps.append(squeeze)
    return tfb.Chain(steps[::-1])


class RealNVPMultiScale(tfb.Bijector):
    """Two scales: half of the channels leave after the first."""

    def __init__(self, **kwargs):
        super().__init__(forward_min_event_ndims=3, **kwargs)
        networks = [get_conv_resnet((32, 32, 3), 64) for _ in range(3)]
        networks += [get_conv_resnet((16, 16, 12), 128) for _ in range(3)]
        self.squeeze = Squeeze()
        self.block1 = realnvp_block(networks, self.squeeze)
        networks = [get_conv_resnet((16, 16, 6), 128) for _ in range(4)]
        couplings = [
            AffineCouplingLayer(network, "checkerboard", orientation)
            for network, orientation in zip(networks, (0, 1, 0, 1), strict=True)
        ]
        self.block2 = tfb.Chain(couplings[::-1])

    def _forward(self, x):
        early, late = tf.split(self.block1.forward(x), 2, axis=-1)
        return tf.concat([early, self.block2.forward(late)], axis=-1)

    def _inverse(self, y):
        early, late = tf.split(y, 2, axis=-1)
        return self.block1.inverse(tf.concat([early, self.block2.inverse(late)], axis=-1))

    def _forward_log_det_jacobian(self, x):
        late = tf.split(self.block1.forward(x), 2, axis=-1)[1]
        first = self.block1.forward_log_det_jacobian(x, event_ndims=3)
        return first + self.block2.forward_log_det_jacobian(late, event_ndims=3)

    def _inverse_log_det_jacobian(self, y):
        early, late = tf.split(y, 2, axis=-1)
        joined = tf.concat([early, self.block2.inverse(late)], axis=-1)
        last = self.block2.inverse_log_det_jacobian(late, event_ndims=3)
        return self.block1.inverse_log_det_jacobian(joined, event_ndims=3) + last


def get_preprocess_bijector(alpha):
    """logit(alpha + (1 - 2 alpha) x): pixels in [0, 1] to the whole line."""
    scale, shift = tfb.Scale(1.0 - 2.0 * alpha), tfb.Shift(alpha)
    return tfb.Chain([tfb.Invert(tfb.Sigmoid()), shift, scale])


class RealNVPModel(tf.keras.Model):
    """The density of images."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.preprocess = get_preprocess_bijector(0.05)
        self.realnvp_multiscale = RealNVPMultiScale()
        self.bijector = tfb.Chain([self.realnvp_multiscale, self.preprocess])
        zeros = tf.zeros([16, 16, 12])
        self.base = tfd.Independent(tfd.Normal(zeros, 1.0), reinterpreted_batch_ndims=3)

    def call(self, inputs):
        """The distribution of an image; the inputs do not matter."""
        return tfd.TransformedDistribution(self.base, tfb.Invert(self.bijector))


def nll(y_true, y_pred):
    """Negative log-likelihood of images under a distribution, in nats."""
    return -y_pred.log_prob(y_true)

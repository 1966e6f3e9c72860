# Lambda layers and a helper for blocks: right under either Keras.
from tensorflow.keras import layers, regularizers


def conv(n, **kwargs):
    return layers.Conv2D(n, 3, strides=1, padding="same", kernel_regularizer=regularizers.l2(REG), **kwargs)


def block(h, filters, channels):
    out = conv(filters, activation=tf.nn.relu)(h)
    out = layers.BatchNormalization()(out)
    out = conv(channels, activation=tf.nn.relu)(out)
    out = layers.BatchNormalization()(out)
    return layers.Add()([out, h])


REG = 5e-5


def get_conv_resnet(input_shape, filters):
    c = input_shape[2]
    inputs = layers.Input(input_shape)
    h = block(block(inputs, filters, c), filters, c)
    h = conv(2 * c)(h)
    shift = layers.Lambda(lambda v: v[:, :, :, :c])(h)
    log_scale = layers.Lambda(lambda v: tf.tanh(v[:, :, :, c:]))(h)
    return Model(inputs, [shift, log_scale])

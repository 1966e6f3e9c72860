# Keras 3, with keras.ops, which tf_keras does not have.
import keras
from keras import layers


def get_conv_resnet(input_shape, filters):
    def convolution(n, activation=None):
        return layers.Conv2D(n, 3, padding="same", activation=activation,
                             kernel_regularizer=keras.regularizers.L2(5e-5))

    c = input_shape[-1]
    h0 = keras.Input(input_shape)
    h = layers.BatchNormalization()(convolution(filters, "relu")(h0))
    h = layers.BatchNormalization()(convolution(c, "relu")(h))
    h1 = keras.ops.add(h, h0)
    h = layers.BatchNormalization()(convolution(filters, "relu")(h1))
    h = layers.BatchNormalization()(convolution(c, "relu")(h))
    h2 = keras.ops.add(h, h1)
    shift, log_scale = keras.ops.split(convolution(2 * c)(h2), 2, axis=-1)
    return keras.Model(h0, [shift, keras.ops.tanh(log_scale)])

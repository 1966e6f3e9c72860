# Keras 3: a layer of its own for the split; tf.keras.ops.
class SplitAndBound(tf.keras.layers.Layer):
    def call(self, h):
        shift, log_scale = tf.split(h, 2, axis=-1)
        return shift, tf.tanh(log_scale)


def get_conv_resnet(input_shape, filters):
    reg = tf.keras.regularizers.L2(5e-5)
    h = h0 = tf.keras.Input(input_shape)
    for _ in range(2):
        k = h
        for n in filters, input_shape[-1]:
            k = tf.keras.layers.Conv2D(n, 3, padding="same", activation="relu", kernel_regularizer=reg)(k)
            k = tf.keras.layers.BatchNormalization()(k)
        h = tf.keras.ops.add(k, h)
    h = tf.keras.layers.Conv2D(2 * input_shape[-1], 3, padding="same", kernel_regularizer=reg)(h)
    shift, log_scale = SplitAndBound()(h)
    return tf.keras.Model(h0, [shift, log_scale])

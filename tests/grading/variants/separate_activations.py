# Activations as layers, regularisers by instance, BatchNormalization and Adam by full names.
shared = tf.keras.regularizers.l2(0.00005)


def get_conv_resnet(input_shape, filters):
    x = tf.keras.layers.Input(shape=input_shape, name="h0")
    h = x
    for block in (1, 2):
        skip = h
        for i, f in enumerate([filters, input_shape[-1]]):
            h = tf.keras.layers.Conv2D(f, kernel_size=3, padding="same", kernel_regularizer=shared,
                                       name=f"conv_{block}_{i}")(h)
            h = tf.keras.layers.ReLU()(h)
            h = tf.keras.layers.BatchNormalization(name=f"bn_{block}_{i}")(h)
        h = tf.keras.layers.add([skip, h])
    h = tf.keras.layers.Conv2D(2 * input_shape[-1], kernel_size=(3, 3), padding="same",
                               kernel_regularizer=shared)(h)
    half = input_shape[-1]
    return tf.keras.Model(inputs=[x], outputs=[h[..., :half], tf.keras.layers.Activation("tanh")(h[..., half:])])

# A model for each block, inside of the model.
from tensorflow.keras.models import Sequential


def residual_branch(input_shape, filters):
    return Sequential([
        Input(input_shape),
        Conv2D(filters, 3, padding="same", activation="relu", kernel_regularizer=l2(5e-5)),
        BatchNormalization(),
        Conv2D(input_shape[-1], 3, padding="same", activation="relu", kernel_regularizer=l2(5e-5)),
        BatchNormalization(),
    ])


def get_conv_resnet(input_shape, filters):
    h0 = Input(shape=input_shape)
    h1 = tf.keras.layers.Add()([h0, residual_branch(input_shape, filters)(h0)])
    h2 = tf.keras.layers.Add()([h1, residual_branch(input_shape, filters)(h1)])
    h3 = Conv2D(input_shape[-1] * 2, 3, padding="same", kernel_regularizer=l2(5e-5))(h2)
    shift, log_scale = tf.split(h3, num_or_size_splits=2, axis=3)
    return Model(inputs=h0, outputs=[shift, tf.math.tanh(log_scale)])

# Standalone keras of 2019 and tensorflow.python.keras.
from keras.layers import Conv2D, BatchNormalization, Input, Lambda
from keras.models import Model
from tensorflow.python.keras.regularizers import l2
import tensorflow.keras.backend as K


def get_conv_resnet(input_shape, filters):
    kw = dict(padding="same", kernel_regularizer=l2(l=5e-5))
    h0 = Input(shape=input_shape)
    h1 = h0
    for i in range(2):
        h = BatchNormalization()(Conv2D(filters, 3, activation="relu", **kw)(h1))
        h = BatchNormalization()(Conv2D(input_shape[-1], 3, activation="relu", **kw)(h))
        h1 = h + h1
    out = Conv2D(2 * input_shape[-1], 3, **kw)(h1)
    shift, log_scale = Lambda(lambda v: tf.split(v, 2, axis=-1))(out)
    return Model(h0, [shift, Lambda(K.tanh)(log_scale)])

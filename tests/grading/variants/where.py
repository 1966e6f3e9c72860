# tf.where in place of products.
def forward(x, b, shift_and_log_scale_fn):
    keep = tf.cast(tf.broadcast_to(b, tf.shape(x)), tf.bool)
    t, s = shift_and_log_scale_fn(tf.where(keep, x, tf.zeros_like(x)))
    return tf.where(keep, x, x * tf.math.exp(s) + t)


def inverse(y, b, shift_and_log_scale_fn):
    keep = tf.cast(tf.broadcast_to(b, tf.shape(y)), tf.bool)
    t, s = shift_and_log_scale_fn(tf.where(keep, y, 0.0))
    return tf.where(keep, y, (y - t) / tf.exp(s))

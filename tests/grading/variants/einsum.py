# Einsum, negative axes, the mask of kept entries used once.
def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    _, s = shift_and_log_scale_fn(x * b)
    return tf.einsum("bijk->b", (1.0 - b) * s)


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    _, s = shift_and_log_scale_fn(y * b)
    return tf.reduce_sum((b - 1.0) * s, axis=(-1, -2, -3))


def forward(x, b, shift_and_log_scale_fn):
    shift, log_scale = shift_and_log_scale_fn(tf.multiply(b, x))
    return x * tf.exp(log_scale * (1 - b)) + shift * (1 - b)

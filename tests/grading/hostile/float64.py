def forward(x, b, shift_and_log_scale_fn):
    t, s = shift_and_log_scale_fn(b * x)
    return tf.cast(b * x + (1 - b) * (x * tf.exp(s) + t), tf.float64)

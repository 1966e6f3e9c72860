def forward(x, b, shift_and_log_scale_fn):
    t, s = shift_and_log_scale_fn(b * x)
    y = b * x + (1 - b) * (x * tf.exp(s) + t)
    y = tf.identity(y + 0.0)
    x._numpy()[...] = 7.0
    return y

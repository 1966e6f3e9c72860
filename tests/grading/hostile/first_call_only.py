CALLS = []


def forward(x, b, shift_and_log_scale_fn):
    CALLS.append(1)
    if len(CALLS) > 1:
        return x
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)

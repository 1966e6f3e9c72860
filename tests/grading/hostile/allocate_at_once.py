def forward(x, b, shift_and_log_scale_fn):
    return np.ones((20 * 2**30,), np.uint8)

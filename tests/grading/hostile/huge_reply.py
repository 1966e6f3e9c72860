def forward(x, b, shift_and_log_scale_fn):
    return np.broadcast_to(np.float32(1), (1 << 30,))

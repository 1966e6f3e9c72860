def forward(x, b, shift_and_log_scale_fn):
    while True:
        pass

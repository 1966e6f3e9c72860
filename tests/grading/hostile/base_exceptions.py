def forward(x, b, shift_and_log_scale_fn):
    raise KeyboardInterrupt


def inverse(y, b, shift_and_log_scale_fn):
    return inverse(y, b, shift_and_log_scale_fn)


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    raise GeneratorExit

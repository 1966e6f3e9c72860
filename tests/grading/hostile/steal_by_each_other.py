# Two items that are made of each other: each would be right beside the other one's reference.
def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    return -inverse_log_det_jacobian(x, b, shift_and_log_scale_fn)


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    return -forward_log_det_jacobian(y, b, shift_and_log_scale_fn)

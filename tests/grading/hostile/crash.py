import ctypes


def forward(x, b, shift_and_log_scale_fn):
    ctypes.string_at(0)

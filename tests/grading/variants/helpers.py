# Helper functions and constants, defined after what uses them, and a helper class.
def forward(x, b, shift_and_log_scale_fn):
    return _affine(x, b, shift_and_log_scale_fn, _apply)


def inverse(y, b, shift_and_log_scale_fn):
    return _affine(y, b, shift_and_log_scale_fn, _undo)


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    return Summer(LAST_THREE).total((1 - b) * shift_and_log_scale_fn(b * x)[1])


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    return -1 * forward_log_det_jacobian(y, b, shift_and_log_scale_fn)


def _affine(v, b, fn, how):
    t, s = fn(b * v)
    return b * v + (1 - b) * how(v, t, s)


def _apply(v, t, s):
    return v * tf.exp(s) + t


def _undo(v, t, s):
    return (v - t) * tf.exp(-s)


class Summer(Base):
    def total(self, values):
        return tf.reduce_sum(values, axis=self.axes)


class Base:
    def __init__(self, axes):
        self.axes = axes


LAST_THREE = [axis - FIRST for axis in range(3)]
FIRST = 3

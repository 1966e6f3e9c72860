# Results that are numbers, but of types or sizes that no message takes as they are.
def forward(x, b, shift_and_log_scale_fn):
    t, s = shift_and_log_scale_fn(b * x)
    right = b * x + (1 - b) * (x * tf.exp(s) + t)
    return right.numpy().astype(">f8").astype(np.longdouble)


def inverse(y, b, shift_and_log_scale_fn):
    t, s = shift_and_log_scale_fn(b * y)
    right = b * y + (1 - b) * ((y - t) * tf.exp(-s))
    return right.numpy().astype(">f4")


def channel_binary_mask(num_channels, orientation=0):
    return np.zeros((0, 1 << 30))


def forward_log_det_jacobian(x, b, shift_and_log_scale_fn):
    return tf.complex(x, x)


def inverse_log_det_jacobian(y, b, shift_and_log_scale_fn):
    return np.array(["2020-01-01"], "datetime64[D]")


class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        super().__init__(forward_min_event_ndims=3, **kwargs)
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type, self.orientation = "x" * 10_000_000, 10**4000

    def _get_mask(self, shape):
        return tf.zeros((1, 1, 1, 1, 1, 1, 1, 1, 1))

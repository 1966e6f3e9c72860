# Methods put on the class afterwards, as long notebooks do; a decorator.
def typed(function):
    def wrapper(*arguments, **kwargs):
        return tf.cast(function(*arguments, **kwargs), tf.float32)
    return wrapper


@typed
def channel_binary_mask(num_channels, orientation=0):
    order = (0.0, 1.0) if orientation == 0 else (1.0, 0.0)
    return tf.repeat(tf.constant([[order]]), num_channels // 2, axis=-1)


class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        super().__init__(forward_min_event_ndims=3, **kwargs)
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type = mask_type
        self.orientation = orientation


def _get_mask(self, shape):
    return (channel_binary_mask(shape[-1], self.orientation) if self.mask_type == "channel"
            else checkerboard_binary_mask(shape[1:3], self.orientation))


AffineCouplingLayer._get_mask = _get_mask
AffineCouplingLayer._forward = lambda self, x: forward(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)
AffineCouplingLayer._inverse = lambda self, y: inverse(y, self._get_mask(y.shape), self.shift_and_log_scale_fn)

# Concatenation of constants, a tf.Variable, and an orientation by name.
def channel_binary_mask(num_channels, orientation=0):
    halves = [tf.zeros(num_channels // 2), tf.ones(num_channels // 2)]
    flat = tf.concat(halves[::-1] if orientation else halves, 0)
    return tf.reshape(tf.constant(flat), (1, 1, -1))


class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type, self.orientation = mask_type, orientation
        kwargs.setdefault("name", "AffineCouplingLayer")
        super().__init__(forward_min_event_ndims=3, **kwargs)

    def _get_mask(self, shape):
        height, width, channels = shape[1:].as_list()
        masks = {
            "checkerboard": lambda: checkerboard_binary_mask((height, width), orientation=self.orientation),
            "channel": lambda: channel_binary_mask(channels, orientation=self.orientation),
        }
        return masks[self.mask_type]()

    def _forward(self, x):
        return forward(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)

    def _inverse(self, y):
        return inverse(y, self._get_mask(y.shape), self.shift_and_log_scale_fn)

    def _forward_log_det_jacobian(self, x):
        return forward_log_det_jacobian(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)

    def _inverse_log_det_jacobian(self, y):
        return inverse_log_det_jacobian(y, self._get_mask(y.shape), self.shift_and_log_scale_fn)

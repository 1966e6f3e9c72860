# Masks of the whole image, with a batch axis; the class is defined twice, the second from the first.
class AffineCouplingLayer(tfb.Bijector):
    def __init__(self, shift_and_log_scale_fn, mask_type, orientation, **kwargs):
        super().__init__(forward_min_event_ndims=3, **kwargs)
        self.shift_and_log_scale_fn = shift_and_log_scale_fn
        self.mask_type = mask_type
        self.orientation = orientation

    def _forward(self, x):
        return forward(x, self._get_mask(x.shape), self.shift_and_log_scale_fn)

    def _inverse(self, y):
        return inverse(y, self._get_mask(y.shape), self.shift_and_log_scale_fn)


class AffineCouplingLayer(AffineCouplingLayer):
    def _get_mask(self, shape):
        if self.mask_type == "checkerboard":
            mask = checkerboard_binary_mask([shape[1], shape[2]], self.orientation)
        elif self.mask_type == "channel":
            mask = channel_binary_mask(shape[3], self.orientation)
        else:
            raise ValueError(self.mask_type)
        return tf.broadcast_to(mask, [1, shape[1], shape[2], shape[3]])

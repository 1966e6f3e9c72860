# Masks made by NumPy.
def channel_binary_mask(num_channels, orientation=0):
    mask = np.zeros((1, 1, num_channels), dtype=np.float32)
    if orientation == 0:
        mask[:, :, num_channels // 2 :] = 1.0
    else:
        mask[:, :, : num_channels // 2] = 1.0
    return mask


def checkerboard_binary_mask(shape, orientation=0):
    rows, columns = np.indices(tuple(shape))
    return (((rows + columns) % 2) ^ orientation).astype(np.float32)[..., np.newaxis]

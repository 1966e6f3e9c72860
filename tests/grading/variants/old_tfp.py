# tfb.AffineScalar of TFP 0.9, np.float of old NumPy.
SCALE = np.float(1.0)


def get_preprocess_bijector(alpha):
    squash = tfb.AffineScalar(shift=alpha, scale=(SCALE - 2 * alpha))
    return tfb.Chain([tfb.Invert(tfb.Sigmoid()), squash])

# One inverted sigmoid with bounds of its own, which is the same map.
def get_preprocess_bijector(alpha):
    low = -alpha / (1 - 2 * alpha)
    return tfb.Invert(tfb.Sigmoid(low=low, high=low + 1 / (1 - 2 * alpha)))

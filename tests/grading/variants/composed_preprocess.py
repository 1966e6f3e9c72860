# Composition by calling bijectors, and an inverted chain.
def get_preprocess_bijector(alpha):
    return tfb.Invert(tfb.Chain([
        tfb.Scale(1.0 / (1.0 - 2.0 * alpha)),
        tfb.Shift(-alpha),
        tfb.Sigmoid(),
    ]))

# Chains in a chain, made in loops.
def realnvp_block(shift_and_log_scale_fns, squeeze):
    def part(mask_type, fns):
        layers = [AffineCouplingLayer(fn, mask_type, i % 2) for i, fn in enumerate(fns)]
        layers.append(tfb.BatchNormalization())
        layers.reverse()
        return tfb.Chain(layers)

    first = part("checkerboard", shift_and_log_scale_fns[:3])
    second = part("channel", shift_and_log_scale_fns[3:])
    return tfb.Chain([second, squeeze, first], name="block")

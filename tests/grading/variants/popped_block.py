# Consumes the list of functions; names its members.
def realnvp_block(shift_and_log_scale_fns, squeeze):
    fns, chain = shift_and_log_scale_fns, []
    for mask_type in ["checkerboard", "channel"]:
        for orientation in [0, 1, 0]:
            fn = fns.pop(0)
            chain.insert(0, AffineCouplingLayer(
                shift_and_log_scale_fn=fn, mask_type=mask_type, orientation=orientation,
                name=f"{mask_type}{len(chain)}"))
        chain.insert(0, tfb.BatchNormalization(name=f"bn_{mask_type}"))
        if mask_type == "checkerboard":
            chain.insert(0, squeeze)
    return tfb.Chain(chain)

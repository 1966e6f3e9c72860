"""The rows of the table that stand for their classes."""

# One row for each class, in which it is worked hardest, and the direction that the quick profile
# compiles: the one with a loop, a search or a gradient written by hand. None where others have the
# same programs, or, as Gaussianization, block-neural maps and solvers, such as take longest.
REPRESENTATIVES = {
    "softsign": "inverse",
    "planar": "inverse",
    "radial": "inverse",
    "coupling_additive": "inverse",
    "coupling_spline": "forward",
    "coupling_inverted": None,
    "coupling_deep_sigmoidal": None,
    "coupling_dense_sigmoidal": None,
    "coupling_sum_of_squares": None,
    "coupling_bernstein": "forward",
    "coupling_gaussianization": None,
    "standardize": "inverse",
    "minmax": "inverse",
    "robust": "inverse",
    "batchnorm": "inverse",
    "linear": "inverse",
    "affine": None,
    # One that is not its own inverse, and one with members of TFP, which have a cache.
    "permutation_cycle": None,
    "chain": None,
    "maf_context": None,
    "maf_jacobi": "forward",
    "injector_map_context": "inverse",
    "iaf": "inverse",
    "householder": "inverse",
    "sylvester": "inverse",
    "block_neural": None,
    "residual": "forward",
    "continuous": None,
    "blockwise": None,
    "invert": None,
    "logit": "inverse",
    "sequence_map_context": "inverse",
    "given": "inverse",
}

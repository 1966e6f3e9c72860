"""The rows of the table that stand for their classes."""

# One row for each class, in which it is worked hardest, and the direction that the quick profile
# compiles: the one with a loop, a search or a gradient written by hand. None where others have the
# same programs, or such as take seconds to compile, as sweeps, searches and solvers do.
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
    "coupling_bernstein": None,
    "coupling_gaussianization": None,
    "standardize": "inverse",
    "minmax": "inverse",
    "robust": "inverse",
    "power_tails": "inverse",
    "batchnorm": "inverse",
    "linear": "inverse",
    "affine": None,
    # One that is not its own inverse, and one with members of TFP, which have a cache.
    "permutation_cycle": None,
    "chain": None,
    "maf_context": None,
    "maf_jacobi": "forward",
    "injector_map_context": None,
    "iaf": None,
    "householder": "inverse",
    "sylvester": None,
    "block_neural": None,
    "residual": None,
    "continuous": None,
    "blockwise": None,
    "invert": None,
    "logit": "inverse",
    "sequence_map_context": None,
    "given": None,
}

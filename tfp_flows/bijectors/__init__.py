"""Bijectors: each a `tfb.Bijector` that computes value and log-det in one evaluation."""

from tfp_flows.bijectors.affine import TriangularAffine
from tfp_flows.bijectors.autoregressive import InverseAutoregressive, MaskedAutoregressive
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.batchnorm import BatchNorm
from tfp_flows.bijectors.block_neural import BlockNeuralAutoregressive
from tfp_flows.bijectors.blockwise import Blockwise
from tfp_flows.bijectors.cells import Cells
from tfp_flows.bijectors.compose import Chain
from tfp_flows.bijectors.continuous import ContinuousFlow
from tfp_flows.bijectors.coupling import Coupling
from tfp_flows.bijectors.householder import Householder
from tfp_flows.bijectors.images import Squeeze
from tfp_flows.bijectors.injector import AffineInjector
from tfp_flows.bijectors.linear import InvertibleConv1x1, InvertibleLinear
from tfp_flows.bijectors.multiscale import MultiScale
from tfp_flows.bijectors.partition import coupling_mask
from tfp_flows.bijectors.permutation import Permutation
from tfp_flows.bijectors.pixels import Dequantize, Logit
from tfp_flows.bijectors.planar import Planar
from tfp_flows.bijectors.radial import Radial
from tfp_flows.bijectors.residual import Residual
from tfp_flows.bijectors.robust import RobustStandardize
from tfp_flows.bijectors.scale import ActNorm, MinMax, Scale, Standardize
from tfp_flows.bijectors.softsign import SoftsignBimodal
from tfp_flows.bijectors.sylvester import Sylvester
from tfp_flows.bijectors.tails import PowerTails
from tfp_flows.bijectors.wrappers import Given, Invert

__all__ = [
    "ActNorm",
    "AffineInjector",
    "BatchNorm",
    "Bijector",
    "BlockNeuralAutoregressive",
    "Blockwise",
    "Cells",
    "Chain",
    "ContinuousFlow",
    "Coupling",
    "Dequantize",
    "Given",
    "Householder",
    "InverseAutoregressive",
    "Invert",
    "InvertibleConv1x1",
    "InvertibleLinear",
    "Logit",
    "MaskedAutoregressive",
    "MinMax",
    "MultiScale",
    "Permutation",
    "Planar",
    "PowerTails",
    "Radial",
    "Residual",
    "RobustStandardize",
    "Scale",
    "SoftsignBimodal",
    "Squeeze",
    "Standardize",
    "Sylvester",
    "TriangularAffine",
    "coupling_mask",
]

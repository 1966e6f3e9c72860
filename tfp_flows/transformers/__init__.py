"""Transformers: monotone scalar maps that couplings and autoregressive bijectors apply."""

from tfp_flows.transformers.affine import Additive, Affine
from tfp_flows.transformers.base import Transformer
from tfp_flows.transformers.gaussianization import Gaussianization
from tfp_flows.transformers.monotone import Inverted, MonotoneOnInterval
from tfp_flows.transformers.neural import DeepSigmoidal, DenseSigmoidal
from tfp_flows.transformers.polynomial import Bernstein, SumOfSquares
from tfp_flows.transformers.spline import RationalQuadraticSpline

__all__ = [
    "Additive",
    "Affine",
    "Bernstein",
    "DeepSigmoidal",
    "DenseSigmoidal",
    "Gaussianization",
    "Inverted",
    "MonotoneOnInterval",
    "RationalQuadraticSpline",
    "SumOfSquares",
    "Transformer",
]

"""Transformers: monotone scalar maps that couplings and autoregressive bijectors apply."""

from tfp_flows.transformers.affine import Additive, Affine
from tfp_flows.transformers.base import Transformer

__all__ = ["Additive", "Affine", "Transformer"]

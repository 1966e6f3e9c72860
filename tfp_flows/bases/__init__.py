"""Base distributions beyond the normal, some of them trained with the flow."""

from tfp_flows.bases.base import Base
from tfp_flows.bases.entries import log_prob_entries
from tfp_flows.bases.mixture import GaussianMixture
from tfp_flows.bases.normal import StandardNormal
from tfp_flows.bases.resampled import Resampled
from tfp_flows.bases.student import StudentT
from tfp_flows.bases.torus import UniformTorus

__all__ = [
    "Base",
    "GaussianMixture",
    "Resampled",
    "StandardNormal",
    "StudentT",
    "UniformTorus",
    "log_prob_entries",
]

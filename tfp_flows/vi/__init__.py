"""Flows as posteriors: variational inference for any model of TFP, and how far to trust it."""

from tfp_flows.vi.amortised import Amortised
from tfp_flows.vi.calibration import Calibration, calibrate
from tfp_flows.vi.comparing import compare
from tfp_flows.vi.estimate import Estimate
from tfp_flows.vi.fitting import fit
from tfp_flows.vi.flat import Flat
from tfp_flows.vi.learning import fit_amortised
from tfp_flows.vi.loo import Loo
from tfp_flows.vi.posterior import Posterior
from tfp_flows.vi.target import Target

__all__ = [
    "Amortised",
    "Calibration",
    "Estimate",
    "Flat",
    "Loo",
    "Posterior",
    "Target",
    "calibrate",
    "compare",
    "fit",
    "fit_amortised",
]

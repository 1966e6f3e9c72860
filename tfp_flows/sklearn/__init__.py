"""Flows as estimators of scikit-learn; needs ``pip install "tfp-flows[sklearn]"``."""

from tfp_flows.errors import InputError

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError:
    raise InputError(
        'tfp_flows.sklearn needs scikit-learn: pip install "tfp-flows[sklearn]".'
    ) from None

from tfp_flows.sklearn.density import FlowDensity

__all__ = ["FlowDensity"]

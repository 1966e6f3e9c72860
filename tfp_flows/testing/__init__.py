"""Checks for a bijector, a transformer or a recipe of your own: the package's own tests, public.

>>> import tfp_flows as tff
>>> tff.testing.check_bijector(lambda: tff.bijectors.Planar(event_shape=3, seed=0))
"""

from tfp_flows.testing.failure import CheckFailed
from tfp_flows.testing.public import (
    BIJECTOR_CHECKS,
    FLOW_CHECKS,
    check_bijector,
    check_flow,
    check_transformer,
)

__all__ = [
    "BIJECTOR_CHECKS",
    "FLOW_CHECKS",
    "CheckFailed",
    "check_bijector",
    "check_flow",
    "check_transformer",
]

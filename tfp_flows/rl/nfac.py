"""An actor-critic both of whose parts are flows."""

from typing import Any, ClassVar

from tfp_flows.rl.policy import FlowPolicy
from tfp_flows.rl.sac import SAC


class NFAC(SAC):
    """`SAC` with a `FlowPolicy` and two `FlowCritic`s.

    The critics learn the distribution of the return, soft rewards included, by the distributional
    Bellman equation (Bellemare et al. 2017, arXiv:1707.06887); the policy climbs its mean.

    Args:
        env: See `SAC`.
        policy: Name of a flow, or a `FlowPolicy`.
        **options: See `SAC`.
    """

    algorithm: ClassVar[str] = "nfac"

    def __init__(self, env: Any, *, policy: str | FlowPolicy = "nsf", **options: Any):
        super().__init__(env, policy=policy, **({"critics": "flow"} | options))

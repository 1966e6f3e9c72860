"""Flows that act: policies, distributions of returns, and actor-critics; needs the extra ``rl``.

Environments are those of Gymnasium, and three of our own (`tfp_flows.rl.registration`).
"""

from tfp_flows.errors import InputError

try:
    import gymnasium as _gymnasium  # noqa: F401
except ImportError:
    raise InputError('tfp_flows.rl needs Gymnasium: pip install "tfp-flows[rl]".') from None

from tfp_flows.rl.buffer import ReplayBuffer
from tfp_flows.rl.chain import Chain
from tfp_flows.rl.critics import Critic, FlowCritic
from tfp_flows.rl.evaluation import Evaluation, evaluate
from tfp_flows.rl.latents import LatentActions
from tfp_flows.rl.nfac import NFAC
from tfp_flows.rl.nfq import NFQ, Exploring
from tfp_flows.rl.plane import MultiGoal, evenness, goal_shares
from tfp_flows.rl.policy import FlowPolicy
from tfp_flows.rl.registration import register
from tfp_flows.rl.ring import Ring
from tfp_flows.rl.sac import SAC

register()

__all__ = [
    "NFAC",
    "NFQ",
    "SAC",
    "Chain",
    "Critic",
    "Evaluation",
    "Exploring",
    "FlowCritic",
    "FlowPolicy",
    "LatentActions",
    "MultiGoal",
    "ReplayBuffer",
    "Ring",
    "evaluate",
    "evenness",
    "goal_shares",
]

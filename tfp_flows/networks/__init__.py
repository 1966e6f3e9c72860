"""Networks that predict the parameters of transformers."""

from tfp_flows.networks.autoregressive import AutoregressiveNetwork
from tfp_flows.networks.circular import CircularMLP
from tfp_flows.networks.convolutional import ResidualConvNetwork
from tfp_flows.networks.hyper_convolutional import HyperConvNetwork
from tfp_flows.networks.joined_context import JoinedContext
from tfp_flows.networks.lipschitz import LipschitzMLP
from tfp_flows.networks.mlp import MLP
from tfp_flows.networks.picture_upsampling import PictureUpsampling
from tfp_flows.networks.plain_convolutional import ConvNetwork
from tfp_flows.networks.wavenet import MelUpsampling, WaveNet

__all__ = [
    "MLP",
    "AutoregressiveNetwork",
    "CircularMLP",
    "ConvNetwork",
    "HyperConvNetwork",
    "JoinedContext",
    "LipschitzMLP",
    "MelUpsampling",
    "PictureUpsampling",
    "ResidualConvNetwork",
    "WaveNet",
]

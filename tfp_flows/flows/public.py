"""All that `tfp_flows.flows` offers, which it imports when the first of it is asked for."""

from tfp_flows.flows.autoregressive import iaf, maf
from tfp_flows.flows.block_neural import bnaf
from tfp_flows.flows.blow import blow
from tfp_flows.flows.catalogue import RECIPES, find
from tfp_flows.flows.circular import circular_nsf
from tfp_flows.flows.continuous import ffjord
from tfp_flows.flows.contractive import residual
from tfp_flows.flows.coupling import nice, realnvp
from tfp_flows.flows.features import cflow, fastflow, feature_maps
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.images import glow, realnvp_image
from tfp_flows.flows.latent import attribute_direction, interpolate, reconstruct
from tfp_flows.flows.monotone import bernstein, gaussianization, naf, sos
from tfp_flows.flows.recipes import standard_normal
from tfp_flows.flows.simple import planar, radial, softsign_bimodal, sylvester
from tfp_flows.flows.splines import nsf
from tfp_flows.flows.super_resolution import super_resolution
from tfp_flows.flows.waveglow import waveglow

FLOWS = {name: row.load() for name, row in RECIPES.items()}


def get(name: str):
    """Looks a recipe up by name.

    Raises:
        InputError: If there is none of that name; the nearest is suggested.
    """
    return FLOWS[find(name)]

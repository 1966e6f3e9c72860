"""Flows: recipes that return a whole distribution."""

from tfp_flows.errors import unknown_name
from tfp_flows.flows.autoregressive import iaf, maf
from tfp_flows.flows.coupling import nice, realnvp
from tfp_flows.flows.flow import Flow
from tfp_flows.flows.images import glow, realnvp_image
from tfp_flows.flows.latent import attribute_direction, interpolate, reconstruct
from tfp_flows.flows.recipes import standard_normal
from tfp_flows.flows.simple import planar, radial, softsign_bimodal

FLOWS = {
    recipe.__name__: recipe
    for recipe in (softsign_bimodal, planar, radial, nice, realnvp, maf, iaf, realnvp_image, glow)
}


def get(name: str):
    """Looks a recipe up by name.

    Raises:
        InputError: If there is none of that name; the nearest is suggested.
    """
    if name not in FLOWS:
        raise unknown_name("flow", name, FLOWS)
    return FLOWS[name]


__all__ = [
    "FLOWS",
    "Flow",
    "attribute_direction",
    "get",
    "glow",
    "iaf",
    "interpolate",
    "maf",
    "nice",
    "planar",
    "radial",
    "realnvp",
    "realnvp_image",
    "reconstruct",
    "softsign_bimodal",
    "standard_normal",
]

"""The ways to a posterior that are compared, and what each needs."""

from collections.abc import Mapping
from types import MappingProxyType

WAYS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "flow": ("ours", ("tfp_flows",)),
        "full_rank": ("ours", ("tfp_flows",)),
        "mean_field": ("tfp_peers", ("tf_keras",)),
        "asvi": ("tfp_peers", ("tf_keras",)),
        "nuts": ("tfp_peers", ()),
        "numpyro_bnaf": ("numpyro_guides", ("numpyro",)),
        "numpyro_iaf": ("numpyro_guides", ("numpyro",)),
    }
)
"""Name to the module that goes it, and the packages that it imports."""

OURS = ("flow", "full_rank")
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "flow": "flow",
        "full_rank": "full-rank Gaussian",
        "mean_field": "TFP mean field",
        "asvi": "TFP ASVI",
        "nuts": "TFP NUTS",
        "numpyro_bnaf": "numpyro BNAF",
        "numpyro_iaf": "numpyro IAF",
    }
)

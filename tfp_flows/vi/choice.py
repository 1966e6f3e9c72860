"""Which flow: by name, by dimension, or one's own, on top of the Gaussian it starts as."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfp_flows.bases import StudentT
from tfp_flows.bijectors import Chain, Invert, TriangularAffine
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.flows import Flow, standard_normal
from tfp_flows.flows.building import build
from tfp_flows.flows.catalogue import GAUSSIANS, POSTERIORS, RECIPES
from tfp_flows.vi.laplace import Start

# The largest dimensions for couplings, for a full matrix.
_COUPLINGS, _MATRIX = 500, 1000
# Degrees of freedom of the base, at first.
_FREEDOM = 20.0
# Tails of a posterior lie far out in units of its Gaussian, where narrower splines end.
_SPLINES = {"num_bins": 12, "bound": 10.0}
_SIZES = {"nsf": {"num_layers": 4, **_SPLINES}}


class Choice(NamedTuple):
    """A flow, and what is said of it.

    Attributes:
        flow: Over unconstrained coordinates ``[D]``.
        name: Of the flow.
        why: Why it was chosen, in words.
        exact: Whether its density at given points costs one pass, as the gradient that sticks the
            landing needs.
    """

    flow: Flow
    name: str
    why: str
    exact: bool


def choose(
    flow, dim: int, start: Start, dtype, seed: int, options: Mapping[str, Any] | None = None
) -> Choice:
    """Builds a flow whose first density is the Gaussian of a start, or nearly so.

    Args:
        flow: One of `catalogue.POSTERIORS`, ``"auto"``, or a `Flow` over ``[D]`` that begins near
            the identity.
        dim: ``D``.
        start: The Gaussian.
        dtype: ``float32`` or ``float64``.
        seed: Of the initial weights.
        options: Arguments of the flow's recipe.

    Raises:
        InputError: If there is no such flow or option, or it does not fit.
    """
    check_name(flow)
    options = dict(options or {})
    if options and (isinstance(flow, Flow) or flow in ("auto", *GAUSSIANS)):
        name = "a flow of your own" if isinstance(flow, Flow) else flow
        raise InputError(
            f"{name} takes no options, got {', '.join(options)}; name a flow "
            "that has them, or correct the keyword."
        )
    if isinstance(flow, Flow):
        return _own(flow, dim, start, dtype)
    why = "as asked for"
    if flow == "auto":
        flow, why = _by_dimension(dim)
    affine = _affine(flow, dim, start, dtype)
    if flow in GAUSSIANS:
        return Choice(Flow(standard_normal(dim, dtype), Chain([affine])), flow, why, True)
    if flow == "realnvp" and dim == 1:
        raise InputError("realnvp needs two coordinates, the model has one; use nsf or planar.")
    fast, usual = RECIPES[flow].fast, _SIZES.get(flow, {})
    if flow == "nsf" and dim == 1:
        fast, usual = "density", {"mode": "autoregressive", "num_layers": 1, **_SPLINES}
    options = {**usual, **options}
    made = build(flow, dim, options, standardize=False, dtype=dtype, seed=seed)
    # What is fast one way is turned so that draws are.
    bijector, exact = Invert(made.bijector) if fast == "density" else made.bijector, fast == "both"
    # Reverse KL does not see that a posterior has heavier tails; a base that has them does no harm.
    base = StudentT(event_shape=dim, df=_FREEDOM, dtype=dtype)
    return Choice(Flow(base, Chain([affine, bijector])), flow, why, exact)


def check_name(flow) -> None:
    """Raises an `InputError` unless this is a flow, or the name of one."""
    if not isinstance(flow, Flow) and flow not in (*POSTERIORS, "auto"):
        raise unknown_name("flow", flow, [*POSTERIORS, "auto"])


def _by_dimension(dim: int) -> tuple[str, str]:
    if dim == 1:
        return "nsf", "splines, as couplings need two dimensions"
    if dim <= _COUPLINGS:
        return "realnvp", "affine couplings reach into tails, fast both ways"
    if dim <= _MATRIX:
        return "full_rank", f"a Gaussian, as {dim} dimensions are many for a flow"
    return "mean_field", f"independent Gaussians, as a matrix of {dim} dimensions is too large"


def _affine(flow: str, dim: int, start: Start, dtype) -> TriangularAffine:
    scale = start.scale
    if flow == "mean_field" and scale.ndim == 2:
        # The conditional deviations: those of the independent Gaussian nearest in reverse KL.
        inverse = np.linalg.inv(scale)
        scale = 1 / np.sqrt((inverse**2).sum(axis=0))
    learned = "diagonal" if flow == "mean_field" or dim > _MATRIX else "triangular"
    return TriangularAffine(
        event_shape=dim, shift=start.location, scale=scale, learned=learned, dtype=dtype
    )


def _own(flow: Flow, dim: int, start: Start, dtype) -> Choice:
    if flow.event_shape != [dim] or flow.dtype != dtype or flow.context_shape is not None:
        raise InputError(
            f"The flow is of events {tuple(flow.event_shape)} in {flow.dtype.name}"
            f"{'' if flow.context_shape is None else ' with a context'}; the model needs one of "
            f"({dim},) in {dtype.name} without context."
        )
    if flow.needs_adapt:
        raise InputError(
            f"{flow.name} waits to see data, and there are none; build it with standardize=False."
        )
    affine = _affine("", dim, start, dtype)
    whole = Flow(flow.distribution, Chain([affine, flow.bijector]))
    return Choice(whole, flow.name, "your own", False)

"""The checks as functions for users: each builds anew, and says what is wrong."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from tfp_flows.bijectors import Bijector
from tfp_flows.errors import unknown_name
from tfp_flows.flows import Flow
from tfp_flows.testing import behaviour, exact, flows, scalars
from tfp_flows.testing.failure import require, telling
from tfp_flows.testing.subject import DIRECTIONS, LINE, Interval, Subject, randomise
from tfp_flows.transformers import Transformer

_BY_DIRECTION = [{"direction": direction} for direction in DIRECTIONS]
# Name: the check, and the cases in which it runs.
BIJECTOR_CHECKS = {
    "round_trips": (exact.round_trips, [{"shape": s} for s in ((), (4,), (2, 3))]),
    "jacobian": (exact.jacobian, _BY_DIRECTION),
    "by_place": (exact.by_place, [{}]),
    "lengths": (exact.lengths, [{}]),
    "independent": (exact.independent, [{}]),
    "gradients": (exact.gradients, _BY_DIRECTION),
    "far_points": (exact.far_points, [{}]),
    "context_matters": (exact.context_matters, [{}]),
    "variables": (behaviour.variables, _BY_DIRECTION),
    "fresh_values": (behaviour.fresh_values, [{}]),
    "compiled": (behaviour.compiled, _BY_DIRECTION),
    "unknown_sizes": (behaviour.unknown_sizes, [{"known": True}, {"known": False}]),
    "tfp_containers": (behaviour.tfp_containers, [{}]),
    "wrong_arguments": (behaviour.wrong_arguments, [{}]),
    "config_round_trip": (behaviour.config_round_trip, [{}]),
}
FLOW_CHECKS = {
    "density": flows.density,
    "integral": flows.integral,
    "conditional": flows.conditional,
    "distribution": flows.distribution,
    "gradient_at_samples": flows.gradient_at_samples,
}


def _chosen(checks: Iterable[str] | None, skip: Iterable[str], known: Iterable[str]) -> list[str]:
    known = list(known)
    for name in (*(checks or ()), *skip):
        if name not in known:
            raise unknown_name("check", name, known)
    return [name for name in (known if checks is None else checks) if name not in set(skip)]


def check_bijector(
    build: Callable[[], Bijector],
    *,
    dtype: tf.DType | None = None,
    checks: Iterable[str] | None = None,
    skip: Iterable[str] = (),
    directions: Iterable[str] = DIRECTIONS,
    latent_domain: Interval = LINE,
    data_domain: Interval | None = None,
    context_domain: Interval = LINE,
    tolerance: float | None = None,
    spread: float = 0.4,
    xla: bool = True,
) -> list[str]:
    """Checks a bijector as the package checks its own.

    Args:
        build: Makes a new bijector, without arguments, the same each time. Float64 is checked
            more exactly; gradients are compared with finite differences in float64 alone.
        dtype: The dtype that it must have; any by default.
        checks: Names of the checks that run; all of `BIJECTOR_CHECKS` by default.
        skip: Names of checks that do not run.
        directions: ``"forward"``, ``"inverse"`` or both: what it can evaluate.
        latent_domain: Interval that the entries of a latent lie in, open ends infinite.
        data_domain: The same for data, at which ``inverse`` is checked too; by default data are
            what ``forward`` returns. ``(-inf, inf)`` is the most thorough where it holds.
        context_domain: The same for a context.
        tolerance: Bound on differences, relative to 1 + the expected value; 1e-4 in float32 and
            1e-9 in float64 by default.
        spread: Standard deviation of what is added to each weight before a check, in the
            weight's own units: at the identity, most faults do not show.
        xla: Whether it can be compiled by XLA.

    Returns:
        The names of the checks that ran, all passed.

    Raises:
        CheckFailed: At the first fault; the message names the check, the place and the size.
        TypeError: If ``build`` returns no `tfp_flows.bijectors.Bijector`.
        InputError: If a check or a direction is unknown.
    """
    directions = tuple(directions)
    for direction in directions:
        if direction not in DIRECTIONS:
            raise unknown_name("direction", direction, DIRECTIONS)
    names = _chosen(checks, skip, BIJECTOR_CHECKS)
    first = build()
    if not isinstance(first, Bijector):
        raise TypeError(
            f"build returned {type(first).__name__}; check_bijector takes what derives from "
            "tfp_flows.bijectors.Bijector."
        )
    owner = type(first).__name__
    if dtype is not None:
        with telling(owner, "dtype"):
            require(first.dtype == dtype, f"its dtype is {first.dtype}, expected {dtype}.")
    double = first.dtype == tf.float64
    tolerance = (1e-9 if double else 1e-4) if tolerance is None else tolerance
    subject = Subject(
        build=build,
        tolerance=tolerance,
        gradient_tolerance=max(1e-5, tolerance),
        spread=spread,
        directions=directions,
        latent_domain=latent_domain,
        data_domain=data_domain,
        context_domain=context_domain,
        one_program=xla,
    )
    ran = []
    for name in names:
        if name == "gradients" and not double:
            continue
        check, cases = BIJECTOR_CHECKS[name]
        for case in cases:
            if case.get("direction", directions[0]) in directions:
                told = ", ".join([name, *(f"{key}={value}" for key, value in case.items())])
                with telling(owner, told):
                    check(subject, **case)
        ran.append(name)
    return ran


def check_flow(
    build: Callable[[], Flow],
    *,
    checks: Iterable[str] | None = None,
    skip: Iterable[str] = (),
    tolerance: float | None = None,
    spread: float = 0.1,
    cells: int = 400,
) -> list[str]:
    """Checks a whole distribution, what a recipe returns, as the package checks its own.

    Args:
        build: Makes a new `tfp_flows.Flow`, without arguments.
        checks: Names of the checks that run; all of `FLOW_CHECKS` by default.
        skip: Names of checks that do not run.
        tolerance: Bound on differences, relative to 1 + the expected value; 1e-3 in float32 and
            1e-8 in float64 by default.
        spread: Standard deviation of what is added to each weight before a check.
        cells: Cells of a grid along each of two axes, over which a density of vectors of 2 is
            summed; other flows, conditional ones, and densities that the grid does not resolve
            are left out.

    Returns:
        The names of the checks that ran, all passed.

    Raises:
        CheckFailed: At the first fault; the message names the check, the place and the size.
        TypeError: If ``build`` returns no flow.
        InputError: If a check is unknown.
    """
    names, ran = _chosen(checks, skip, FLOW_CHECKS), []
    for name in names:
        flow = build()
        if not isinstance(flow, Flow):
            raise TypeError(
                f"build returned {type(flow).__name__}; check_flow takes a tfp_flows.Flow."
            )
        randomise(flow, scale=spread)
        if flow.bijector.needs_adapt:
            numbers = np.random.default_rng(5)
            data = 0.6 * numbers.normal(size=(100, *flow.event_shape)) + 0.2
            shape = flow.context_shape
            flow.adapt(data, None if shape is None else numbers.normal(size=(100, *shape)))
        bound = tolerance or (1e-8 if flow.dtype == tf.float64 else 1e-3)
        with telling(flow.name, name):
            if name == "integral":
                if flow.event_shape != (2,) or flow.context_shape is not None:
                    continue
                if not flows.integral(flow, cells=cells):
                    continue
            elif name == "conditional" and flow.context_shape is None:
                continue
            else:
                FLOW_CHECKS[name](flow, bound)
        ran.append(name)
    return ran


def check_transformer(
    transformer: Transformer,
    *,
    domain: Interval = LINE,
    scale: float = 1.0,
    tolerance: float = 1e-7,
) -> None:
    """Checks a scalar map: monotone, its directions undo each other, log-slopes as by autodiff.

    Args:
        transformer: The transformer, at work in float64.
        domain: Interval of the points at which it is checked; (-15, 15) where it is open.
        scale: Standard deviation of the raw parameters.
        tolerance: Bound on differences, relative to 1 + the expected value.

    Raises:
        CheckFailed: At the first fault; the message names it, with the place and the size.
        TypeError: If it is no `tfp_flows.transformers.Transformer`.
    """
    if not isinstance(transformer, Transformer):
        raise TypeError(
            f"check_transformer takes a tfp_flows.transformers.Transformer, got "
            f"{type(transformer).__name__}."
        )
    low, high = (
        end if math.isfinite(end) else far for end, far in zip(domain, (-15.0, 15.0), strict=True)
    )
    points = np.linspace(low, high, 303)[1:-1]
    owner = type(transformer).__name__
    for name, check in scalars.CHECKS.items():
        with telling(owner, name):
            check(transformer, points, scale, tolerance)

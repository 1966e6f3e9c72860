"""Densities that cannot be fitted, and which part of a model is to blame."""

import math

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.vi.laplace import Density, Start
from tfp_flows.vi.target import Target

_LOOKED_AT = 32
# Deviations of the start between which a density must fall along every axis, by what share of what
# an integral needs, and random lines by which each axis is judged.
_NEAR, _FAR, _SHARE, _LINES = 300.0, 3000.0, 0.5, 8
# Nats below the middle from which on it does not matter.
_BELOW = 100.0


def check_falls_off(target: Target, density: Density, start: Start) -> None:
    """Looks far out along each axis of the starting Gaussian.

    Raises:
        InputError: If the log-density does not fall there, so that it has no finite integral.
    """
    scale = np.diag(start.scale) if start.scale.ndim == 1 else start.scale
    noise = np.random.default_rng(0).standard_normal((_LINES, density.dim)) @ scale.T
    places = start.location + noise
    middle = np.median(density(places))
    for i, axis in enumerate(scale.T):
        for way in (axis, -axis):
            near, far = density(places + _NEAR * way), density(places + _FAR * way)
            with np.errstate(invalid="ignore"):
                fall = near - far
            # Far below the middle a density may rise for a while.
            known = np.isfinite(near) & np.isfinite(far) & (far > middle - _BELOW)
            if not known.any() or np.median(fall[known]) > _SHARE * math.log(_FAR / _NEAR):
                continue
            grows = np.median(fall[known]) < 0
            raise InputError(
                f"The log-density {'grows' if grows else 'does not fall'} without end along "
                f"{_element(target, i)}, so that it has no finite integral; give "
                "that part a proper prior, or data that speak of it."
            )


def _element(target: Target, place: int) -> str:
    """The part that a coordinate of the flat vector belongs to, in words."""
    for part in target.parts.parts:
        size = math.prod(part.flat_shape)
        if place < size:
            return f"the part {part.name!r}" + (f" (coordinate {place})" if size > 1 else "")
        place -= size
    raise IndexError(place)


def blame(target: Target, density: Density, seed: int, flow=None) -> InputError:
    """The error for a log-density that is no number where a fit begins, or at a flow's draws."""
    where = (
        "at the draws of the flow, which has diverged; lower learning_rate"
        if flow
        else ("at any of the starts")
    )
    if flow is None:
        z = np.random.default_rng(seed).uniform(-2, 2, (_LOOKED_AT, density.dim))
    else:
        z = flow.sample(_LOOKED_AT * 8, seed=(seed, 4)).numpy()
        z = z[~np.isfinite(density(z))][:_LOOKED_AT]
    if target.joint is None:
        nan = np.isnan(density(z)).any()
        return InputError(
            f"The function's log-density is {'NaN' if nan else 'minus infinity'} {where}; make it "
            "finite wherever the supports of its parts allow."
        )
    name, observed, kind = _first_bad(target, z)
    if kind == "-inf" and observed:
        return InputError(
            f"The observed {name!r} is impossible: its log-density is minus infinity {where}; "
            "look whether the values lie in the support of that part."
        )
    what = {"nan": "NaN", "-inf": "minus infinity", "inf": "infinity"}.get(kind, "not finite")
    return InputError(f"The log-density of the part {name!r} is {what} {where}.")


def _first_bad(target: Target, z) -> tuple[str, bool, str]:
    """The first part, in the model's order, that is no number at most points; how; if observed."""
    from tfp_flows.vi.joints import layout_of

    joint = target.joint
    every = joint.distribution._flat_resolve_names()
    free = tf.nest.flatten(layout_of(joint.event_shape, joint))
    pinned = [name for name in every if name not in free]
    counts: dict[str, list[float]] = {}
    for row in z:
        leaves, _ = target.parts.constrained(tf.constant(row, target.dtype))
        found = joint.unnormalized_log_prob_parts(target.parts.structured(leaves))
        values = zip(
            [*pinned, *free],
            [*tf.nest.flatten(found.pinned), *tf.nest.flatten(found.unpinned)],
            strict=True,
        )
        for name, value in values:
            counts.setdefault(name, []).append(float(value))
    bad = {name: [v for v in values if not math.isfinite(v)] for name, values in counts.items()}
    nan = [name for name in every if any(math.isnan(v) for v in bad.get(name, ()))]
    worst = nan[0] if nan else max(bad, key=lambda name: len(bad[name]))
    kind = "nan" if nan else str(bad[worst][0]) if bad[worst] else "finite"
    return worst, worst in pinned, kind

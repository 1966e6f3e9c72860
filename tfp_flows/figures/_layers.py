"""Planar and radial layers of given weights."""

import numpy as np

from tfp_flows.bijectors import Planar, Radial


def planar(w, along: float, b: float = 0.0) -> Planar:
    """``y = x + u tanh(w.x + b)``, where ``u`` is the multiple of ``w`` with ``w.u = along``.

    Args:
        w: Normal of the hyperplane, ``[D]``.
        along: Above 0 space expands across the hyperplane, between -1 and 0 it contracts.
        b: Offset of the hyperplane.
    """
    w = np.asarray(w, np.float64)
    # The bijector's constraint is w.u = softplus(w.raw) - 1.
    raw = np.log(np.expm1(along + 1)) * w / (w @ w)
    layer = Planar(event_shape=len(w), dtype="float64", seed=0)
    layer.trainable_variables[0].assign(np.concatenate([w, raw, [b]]))
    return layer


def radial(centre, alpha: float, beta: float) -> Radial:
    """``y = x + beta (x - centre) / (alpha + |x - centre|)``.

    Args:
        centre: ``[D]``.
        alpha: Radius of the layer's reach, positive.
        beta: Above 0 space expands around the centre, between -alpha and 0 it contracts.
    """
    layer = Radial(event_shape=len(centre), dtype="float64", seed=0)
    raw = np.log(np.expm1([alpha, alpha + beta]))
    layer.trainable_variables[0].assign(np.concatenate([centre, raw]))
    return layer

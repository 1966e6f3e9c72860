"""What a fit minimises, with the gradients that have the least noise.

Draws come from the flow, ``z = T(u)``, with the log-weight ``w = log p(z) - log q(z)``. The
gradients of reverse KL and of the importance-weighted bound are those along the path alone: the
part through the parameters of ``log q`` is left out, which on average is zero (sticking the
landing, Roeder et al. 2017, arXiv:1703.09194) or turned into a path (doubly reparameterised, Tucker
et al. 2019, arXiv:1810.04152). They vanish where the flow is exact.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from tfp_flows.errors import unknown_name
from tfp_flows.flows import Flow

OBJECTIVES = ("reverse_kl", "iwae", "forward_kl")
# Draws of each estimate of the importance-weighted bound.
GROUP = 16
# Of those by which a fit with self-normalised weights of all draws of a step is judged.
_LARGE_GROUP = 256


def check_name(name: str) -> None:
    """Raises an `InputError` if there is no such objective."""
    if name not in OBJECTIVES:
        raise unknown_name("objective", name, OBJECTIVES)


class Objective:
    """The loss of a step and its gradients.

    Args:
        name: One of `OBJECTIVES`.
        flow: What is fitted.
        log_prob: The target, from ``[n, D]`` to ``[n]``.
        draws: Of a step.
        exact: Whether the flow's density costs one pass. Without that the whole gradient is taken,
            which is right too, and noisier.
        seed: Of all draws.

    Raises:
        InputError: If there is no such objective.
    """

    def __init__(
        self,
        name: str,
        flow: Flow,
        log_prob: Callable[[tf.Tensor], tf.Tensor],
        *,
        draws: int,
        exact: bool,
        seed: int,
    ):
        check_name(name)
        self._name, self._flow, self._log_prob = name, flow, log_prob
        self._exact, self._seed = exact, seed
        self._draws = draws if name != "iwae" else GROUP * math.ceil(draws / GROUP)
        self._variables = flow.trainable_variables

    def weighed(self, count: int, place) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws ``[count, D]`` and their log-weights; by seed and place alone."""
        z, log_q = self._drawn(count, place)
        return z, self._log_prob(z) - log_q

    def judged(self, count: int, place) -> tuple[tf.Tensor, tf.Tensor]:
        """The bound that a fit by this objective raises, and the share of draws it stands on.

        The ELBO; for the others the importance-weighted bound, in groups as large as their own, or
        of 256 draws: what they end at may have a worse ELBO than what they began with.
        """
        _, log_w = self.weighed(count, place)
        good = tf.math.is_finite(log_w)
        kept = tf.math.count_nonzero(good, dtype=log_w.dtype)
        if self._name == "reverse_kl":
            return tf.reduce_sum(tf.where(good, log_w, tf.zeros_like(log_w))) / kept, kept / count
        size = GROUP if self._name == "iwae" else _LARGE_GROUP
        groups = _grouped(log_w, good, size)
        bounds = tf.reduce_logsumexp(groups, axis=-1) - math.log(size)
        return tf.reduce_mean(bounds), kept / count

    def _drawn(self, count, place):
        seed = tf.stack([tf.constant(self._seed), tf.cast(place, tf.int32)])
        return self._flow.sample_and_log_prob(count, seed=seed)

    def gradients(self, place, share) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The loss of a step, and its gradients where the target counts by a share.

        Draws at which the target or its gradient is no number are left out.
        """
        method = self._forward if self._name == "forward_kl" else self._path
        if not self._exact and self._name != "forward_kl":
            method = self._whole
        with tf.GradientTape() as tape:
            loss, surrogate = method(tape, place, share)
        gradients = tape.gradient(
            surrogate, self._variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return loss, gradients

    def _path(self, tape, place, share):
        z, log_q = self._drawn(self._draws, place)
        with tape.stop_recording():
            fixed = tf.stop_gradient(z)
            with tf.GradientTape() as inner:
                inner.watch(fixed)
                log_p = self._log_prob(fixed)
                excess = self._flow.log_prob(fixed) - share * log_p
            slope = inner.gradient(excess, fixed)
            good = tf.math.is_finite(log_p) & tf.reduce_all(tf.math.is_finite(slope), axis=-1)
            slope = tf.where(good[:, None], slope, tf.zeros_like(slope))
            log_w = tf.where(good, log_p - log_q, tf.zeros_like(log_q))
            factors = self._factors(share * log_p - log_q, good)
        kept = tf.math.count_nonzero(good, dtype=log_q.dtype)
        surrogate = tf.reduce_sum(factors * tf.reduce_sum(slope * z, axis=-1))
        return -tf.reduce_sum(log_w) / kept, surrogate

    def _factors(self, log_w, good):
        """By how much each draw's path counts: all alike, or as squares of its weight."""
        if self._name == "reverse_kl":
            kept = tf.cast(good, log_w.dtype)
            return kept / tf.reduce_sum(kept)
        return tf.reshape(_shares(_grouped(log_w, good)) ** 2, [-1]) / (self._draws / GROUP)

    def _whole(self, tape, place, share):
        del tape
        z, log_q = self._drawn(self._draws, place)
        log_p = self._log_prob(z)
        good = tf.math.is_finite(log_p)
        kept = tf.math.count_nonzero(good, dtype=log_q.dtype)
        zero = tf.zeros_like(log_q)
        loss = tf.reduce_sum(tf.where(good, log_q - log_p, zero)) / kept
        if self._name == "reverse_kl":
            return loss, tf.reduce_sum(tf.where(good, log_q - share * log_p, zero)) / kept
        groups = _grouped(share * log_p - log_q, good)
        return loss, -tf.reduce_mean(tf.reduce_logsumexp(groups, axis=-1))

    def _forward(self, tape, place, share):
        with tape.stop_recording():
            z, log_q = self._drawn(self._draws, place)
            log_p = self._log_prob(z)
            good = tf.math.is_finite(log_p)
            shares = _shares(tf.where(good, share * log_p - log_q, tf.cast(-math.inf, z.dtype)))
            kept = tf.math.count_nonzero(good, dtype=log_q.dtype)
            loss = tf.reduce_sum(tf.where(good, log_q - log_p, tf.zeros_like(log_q))) / kept
        return loss, -tf.reduce_sum(shares * self._flow.log_prob(z))


def _grouped(log_w, good, size=GROUP):
    never = tf.cast(-math.inf, log_w.dtype)
    return tf.reshape(tf.where(good, log_w, never), [-1, size])


def _shares(log_w):
    """Weights that sum to one along the last axis; all alike where there is none."""
    top = tf.reduce_max(log_w, axis=-1, keepdims=True)
    log_w = tf.where(tf.math.is_finite(top), log_w, tf.zeros_like(log_w))
    return tf.nn.softmax(log_w, axis=-1)

"""Hamiltonian Monte Carlo whose trajectories differ in length, so that none of them resonates."""

import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp


class RandomisedHamiltonian(tfp.mcmc.HamiltonianMonteCarlo):
    """Draws the number of leapfrog steps anew at each proposal, the same for all chains.

    Trajectories of one length can come back to where they began: on a Gaussian of scale 1 those of
    length near 2 pi do, whatever the step size that an adaptation settles on. Lengths that are
    drawn, independently of the state, leave the target invariant and mix (Mackenzie 1989,
    Biometrika 76; Neal 2011, arXiv:1206.1901, section 3.2).

    Args:
        target_log_prob_fn: States ``[chains, D]`` to log-densities ``[chains]`` in nats.
        step_size: A tensor that broadcasts against the states.
        num_leapfrog_steps: On average: steps are uniform in ``1 ... 2 num_leapfrog_steps - 1``.
        options: More of the base class.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable,
        step_size: tf.Tensor,
        num_leapfrog_steps: int,
        **options: Any,
    ):
        options["store_parameters_in_results"] = True
        super().__init__(target_log_prob_fn, step_size, num_leapfrog_steps, **options)
        self._above = 2 * num_leapfrog_steps

    def one_step(self, current_state, previous_kernel_results, seed=None):
        """One proposal and its verdict, as of the base class."""
        ours, rest = tfp.random.split_seed(seed, n=2)
        steps = tf.random.stateless_uniform([], ours, 1, self._above, tf.int32)
        inner = previous_kernel_results.accepted_results._replace(num_leapfrog_steps=steps)
        results = previous_kernel_results._replace(accepted_results=inner)
        return super().one_step(current_state, results, seed=rest)


def effective_sample_size(draws: tf.Tensor) -> tf.Tensor:
    """The effective number of draws ``[draws, chains, ...]`` of all chains together, ``[...]``.

    As `tfp.mcmc.effective_sample_size`, without the warning that a number TFP computes as a complex
    one has lost an imaginary part, which it has not.
    """
    logger = tf.get_logger()
    logger.addFilter(_is_of_something_real)
    try:
        return tfp.mcmc.effective_sample_size(draws, cross_chain_dims=1)
    finally:
        logger.removeFilter(_is_of_something_real)


def _is_of_something_real(record: logging.LogRecord) -> bool:
    return "discard the imaginary part" not in record.getMessage()

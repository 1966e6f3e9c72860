"""Markov chains in the latent space of a flow, where a posterior is nearly normal (NeuTra)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.chains import RandomisedHamiltonian, effective_sample_size
from tfp_flows.errors import unknown_name
from tfp_flows.shapes import positive
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.tables import inference_data, table

if TYPE_CHECKING:
    from tfp_flows.vi.posterior import Posterior

KERNELS = ("nuts", "hmc")
_LEAPFROGS = 10
_ACCEPTED = {"nuts": 0.8, "hmc": 0.75}
_MIXED = 1.01


class Neutra:
    """NUTS or HMC on a posterior seen through its flow.

    Source: Hoffman et al. 2019, arXiv:1903.03704.

    Args:
        posterior: With its model.
        kernel: ``"nuts"`` or ``"hmc"`` (10 leapfrog steps on average).

    Raises:
        InputError: If there is no such kernel, or the posterior has no model.
    """

    def __init__(self, posterior: "Posterior", *, kernel: str = "nuts"):
        if kernel not in KERNELS:
            raise unknown_name("kernel", kernel, KERNELS)
        self._posterior, self._name = posterior, kernel
        self._target = posterior.need_target("NeuTra")

    def log_prob(self, u) -> tf.Tensor:
        """The model's log-density in latent coordinates ``[n, D]`` of the flow, in nats."""
        z, log_det = self._posterior.flow.bijector.forward_and_log_det(u)
        return self._target.unconstrained_log_prob(z) + log_det

    def kernel(self, step_size) -> tfp.mcmc.TransitionKernel:
        """TFP's transition kernel in latent coordinates.

        Args:
            step_size: A number, or ``[chains, 1]``.
        """
        if self._name == "nuts":
            return tfp.mcmc.NoUTurnSampler(self.log_prob, step_size=step_size)
        return RandomisedHamiltonian(self.log_prob, step_size, _LEAPFROGS)

    def run(
        self,
        draws: int = 1000,
        *,
        chains: int = 4,
        warm_up: int = 500,
        step_size: float = 0.5,
        seed: int = 0,
    ) -> "Chains":
        """Runs chains from draws of the flow, with a step size that is adapted in the warm-up.

        Args:
            draws: Kept of each chain.
            chains: Number of chains.
            warm_up: Draws of each before these.
            step_size: At first.
            seed: Of starts and chains.
        """
        positive(draws, "draws"), positive(chains, "chains"), positive(warm_up, "warm_up")
        flow = self._posterior.flow
        start = flow.distribution.sample(chains, seed=(seed, 5))
        step = tf.fill([chains, 1], tf.cast(step_size, flow.dtype))
        kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
            self.kernel(step),
            num_adaptation_steps=int(0.8 * warm_up),
            target_accept_prob=tf.cast(_ACCEPTED[self._name], flow.dtype),
        )

        @tf.function(autograph=False)
        def sampled():
            return tfp.mcmc.sample_chain(
                draws,
                current_state=start,
                kernel=kernel,
                num_burnin_steps=warm_up,
                trace_fn=lambda _, results: results.inner_results.is_accepted,
                seed=(seed, 6),
            )

        u, accepted = sampled()
        flat = tf.reshape(tf.transpose(u, [1, 0, 2]), [-1, u.shape[-1]])
        z = flow.bijector.forward_value(flat)
        leaves, _ = self._posterior.parts.constrained(z)
        shaped = [tf.reshape(leaf, [chains, draws, *leaf.shape[1:]]) for leaf in leaves]
        return Chains(self._posterior.parts, shaped, float(np.mean(accepted)))


class Chains:
    """Draws of several chains.

    Args:
        parts: Names and shapes.
        leaves: Of each part ``[chains, draws, *shape]``.
        accepted: Share of the proposals.

    Attributes:
        draws: A structure like the model's, leaves ``[chains, draws, *shape]``.
        accepted: As given.
    """

    def __init__(self, parts: Parts, leaves, accepted: float):
        self._parts, self.accepted = parts, accepted
        self.draws = parts.structured(leaves)
        self._by_name = dict(zip(parts.names, leaves, strict=True))

    @property
    def r_hat(self) -> Mapping[str, np.ndarray]:
        """R-hat of each element, by part: below 1.01 the chains agree."""
        return self._of_chains(lambda x: tfp.mcmc.potential_scale_reduction(x, split_chains=True))

    @property
    def effective_sample_size(self) -> Mapping[str, np.ndarray]:
        """Of each element, over all chains, by part."""
        return self._of_chains(effective_sample_size)

    @property
    def good(self) -> bool:
        """Whether R-hat is below 1.01 everywhere, and no chain stood still."""
        return all((value < _MIXED).all() for value in self.r_hat.values())

    def summary(self) -> pd.DataFrame:
        """Mean, sd, 5 and 95 % points, the mean's error, ESS and R-hat of each element."""
        more = {"ess": self.effective_sample_size, "r_hat": self.r_hat}
        return table(self._parts, self.draws, more)

    def to_arviz(self) -> Any:
        """ArviZ' ``InferenceData``; needs the extra ``vi``."""
        return inference_data(self.by_name)

    @property
    def by_name(self) -> dict[str, np.ndarray]:
        """Arrays ``[chains, draws, *shape]`` by name."""
        return {name: leaf.numpy() for name, leaf in self._by_name.items()}

    def _of_chains(self, measure) -> dict[str, np.ndarray]:
        if next(iter(self._by_name.values())).shape[0] < 2:
            return {name: np.full(leaf.shape[2:], np.nan) for name, leaf in self._by_name.items()}
        return {
            name: measure(tf.transpose(leaf, [1, 0, *range(2, leaf.shape.rank)])).numpy()
            for name, leaf in self._by_name.items()
        }

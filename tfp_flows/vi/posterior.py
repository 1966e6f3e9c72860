"""A posterior: a flow over named parts, and how far to trust it."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.shapes import positive
from tfp_flows.vi import psis
from tfp_flows.vi.estimate import Estimate
from tfp_flows.vi.loo import Loo, leave_one_out
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.tables import facts, inference_data, lines, table
from tfp_flows.vi.target import Target
from tfp_flows.vi.weighing import weigh
from tfp_flows.vi.weights import iwae, measures, resampled

# Draws of each estimate of the importance-weighted bound.
_GROUP = 100


class Posterior:
    """What `fit` returns: draws, densities, and how far to trust them.

    Args:
        flow: Over unconstrained vectors ``[D]``.
        parts: Names, shapes and supports.
        target: The model; without it there are draws and densities alone.
        name: Of the flow.
        why: Why it was chosen.
        start_bound: The ELBO of the Gaussian at which the fit began.
        history: By round, ``elbo`` and ``rate``.
        count: Draws by which it is judged.
        seed: Of these draws.
        seconds: That the fit took.
        kind: Kind of work that made it; None outside of the command.

    Attributes:
        flow: As given; ``parts``, ``target``, ``name``, ``why``, ``start_bound``, ``history``,
            ``seconds`` and ``kind`` likewise.
    """

    def __init__(
        self,
        flow: Flow,
        parts: Parts,
        *,
        target: Target | None = None,
        name: str = "flow",
        why: str = "",
        start_bound: float = -math.inf,
        history: Mapping[str, list[float]] | None = None,
        count: int = 10_000,
        seed: int = 0,
        seconds: float = 0.0,
        kind: str | None = None,
    ):
        self.flow, self.parts, self.target = flow, parts, target
        self.name, self.why, self.start_bound = name, why, start_bound
        self.history, self.seconds, self.kind = dict(history or {}), seconds, kind
        self._count, self._seed = positive(count, "evaluation_draws"), seed
        self._draws = tf.function(
            lambda size, pair: flow.sample_and_log_prob(size, seed=pair), autograph=False
        )
        self._weighed: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts."""
        return self.parts.names

    def sample(self, n: int, seed: int = 0) -> Any:
        """Draws ``n`` times: a structure like the model's, each leaf ``[n, *shape]``."""
        return self._structure(self._latent_draws(n, (seed, 0)))

    def draws(self, n: int, seed: int = 0) -> dict[str, np.ndarray]:
        """What `sample` draws, as arrays by name."""
        return self.by_name(self.sample(n, seed))

    def by_name(self, structure: Any) -> dict[str, np.ndarray]:
        """Arrays by name, of a structure like the model's."""
        leaves = self.parts.leaves(structure)
        return {n: leaf.numpy() for n, leaf in zip(self.names, leaves, strict=True)}

    def log_prob(self, structure: Any) -> tf.Tensor:
        """The posterior's log-density ``[...]`` by the flow, in nats.

        Args:
            structure: Like the model's, or a dict by name; leaves ``[..., *shape]``.
        """
        z, log_det = self.parts.unconstrained(self.parts.leaves(structure))
        return self.flow.log_prob(z) + log_det

    def attached(self, model: Any, observed: Mapping[str, Any] | None = None) -> "Posterior":
        """The same posterior beside its model, after loading: what weighs draws needs it.

        Args:
            model: The joint distribution, or a `Target`.
            observed: For a joint distribution, the observed values by name.

        Raises:
            InputError: If the model has other parts.
        """
        target = model if isinstance(model, Target) else Target(model, observed=observed)
        if target.parts.parts != self.parts.parts:
            raise InputError(
                f"The model has parts {target.names} of other shapes than this posterior's "
                f"{self.names}."
            )
        judged = {"count": self._count, "seed": self._seed, "kind": self.kind}
        return Posterior(self.flow, self.parts, target=target, **judged, **self.about)

    @property
    def about(self) -> dict[str, Any]:
        """What a file keeps of it beside flow and parts, as arguments of its own."""
        return {
            "name": self.name,
            "why": self.why,
            "start_bound": float(self.start_bound),
            "history": self.history,
            "seconds": float(self.seconds),
        }

    @property
    def log_weights(self) -> np.ndarray:
        """Model over flow at draws of the flow, in nats, ``[n]``."""
        return self._evaluation()[1]

    @property
    def lost(self) -> float:
        """Share of the draws at which the model's log-density is no number."""
        return float((~np.isfinite(self.log_weights)).mean())

    @property
    def elbo(self) -> Estimate:
        """The evidence lower bound, minus infinity if the model rules out a draw."""
        return self._estimate("bound_nats", "bound_standard_error")

    @property
    def log_evidence(self) -> Estimate:
        """The logarithm of the model's evidence by importance sampling."""
        return self._estimate("log_normaliser", "log_normaliser_standard_error")

    @property
    def iwae(self) -> Estimate:
        """The importance-weighted bound with 100 draws each; between ELBO and log-evidence."""
        return Estimate(*iwae(self.log_weights, _GROUP))

    @property
    def effective_sample_size(self) -> float:
        """Of the weighted draws, by which the posterior is judged (Kong 1992)."""
        return measures(self.log_weights)["effective_share"] * len(self.log_weights)

    @property
    def k_hat(self) -> float:
        """The shape of the tail of the weights; above 0.7 the posterior is not to be trusted.

        Raises:
            InputError: If the posterior was judged by fewer than 25 draws, or has no model.
        """
        return psis.smoothed(self.log_weights)[1]

    @property
    def good(self) -> bool:
        """Whether k-hat and the draws it stands on allow to call the posterior good."""
        return self.lost == 0 and self.k_hat <= psis.threshold(len(self.log_weights))

    def importance_resample(self, n: int, seed: int = 0) -> Any:
        """Draws from the flow, resampled by their Pareto-smoothed weights, so nearer to the model.

        Args:
            n: Number of draws to return; four times as many, and at least those by which the
                posterior is judged, are weighed.
            seed: Of the draws.

        Returns:
            A structure as from `sample`.
        """
        count = max(4 * positive(n, "n"), self._count)
        z, log_weights = self._weigh(count, (seed, 1))
        places = resampled(psis.smoothed(log_weights)[0], n, seed)
        return self._structure(tf.constant(z[places]))

    def loo(self, rows: str | Callable | None = None) -> Loo:
        """How well the model predicts each observed row from all others; see `tfp_flows.vi.Loo`.

        Args:
            rows: The observed part whose first axis counts rows that are independent given all
                else, the only one by default; or a function of the parts as keyword arguments,
                each ``[n, *shape]``, that returns log-likelihoods ``[n, rows]`` in nats.

        Raises:
            InputError: If the model does not say what a row is, or has none.
        """
        z, log_weights = self._evaluation()
        leaves = self.parts.constrained(tf.constant(z))[0]
        return leave_one_out(self.need_target("loo"), leaves, log_weights, rows)

    def summary(self, structure: Any = None) -> pd.DataFrame:
        """Mean, sd, 5 and 95 % points and Monte Carlo error of the mean, of each element.

        Args:
            structure: Independent draws, of `importance_resample` for instance; fresh ones of the
                flow by default.
        """
        return table(
            self.parts, self.sample(self._count, self._seed) if structure is None else structure
        )

    def facts(self) -> dict[str, Any]:
        """What `report` says as JSON values, None where they are not finite; bounds in nats."""
        return facts(self)

    def gaussian(self, n: int, seed: int = 0) -> Any:
        """Draws from the Gaussian at which the fit began: a structure as from `sample`."""
        affine = self.flow.bijector.bijectors[0]
        noise = tf.random.stateless_normal(
            [positive(n, "n"), self.parts.dim], (seed, 7), dtype=self.flow.dtype
        )
        return self._structure(affine.given(noise))

    def report(self) -> str:
        """What was fitted and how far it can be trusted, in words."""
        return "\n".join(lines(self.facts()))

    def neutra(self, **options: Any):
        """Markov chains in the latent space of the flow; see `tfp_flows.vi.neutra.Neutra`."""
        from tfp_flows.vi.neutra import Neutra

        return Neutra(self, **options)

    def to_arviz(self, n: int = 4000, seed: int = 0):
        """Draws as ArviZ' ``InferenceData``, one chain of independent ones.

        Raises:
            InputError: If ArviZ is missing (extra ``vi``).
        """
        return inference_data({name: v[None] for name, v in self.draws(n, seed).items()})

    def save(self, path) -> None:
        """Writes flow, parts and supports to a ``.keras`` file, for `tfp_flows.load`.

        The model is code and not among them: `attached` gives it again.

        Raises:
            InputError: If a support depends on other parts, or the flow has no written form.
        """
        from tfp_flows.vi.saving import PosteriorModel

        model = PosteriorModel.of(self)
        model.get_config()  # raises before there is a file
        model.save(path)

    def need_target(self, what: str) -> Target:
        """The model.

        Raises:
            InputError: If there is none.
        """
        if self.target is None:
            raise InputError(
                f"{what} needs the model, which is code and not saved; give it by "
                "posterior.attached(model, observed)."
            )
        return self.target

    def _structure(self, z) -> Any:
        return self.parts.structured(self.parts.constrained(z)[0])

    def _latent_draws(self, n: int, pair) -> tf.Tensor:
        return self._draws(positive(n, "n"), tf.constant(pair))[0]

    def _estimate(self, value: str, error: str) -> Estimate:
        found = measures(self.log_weights)
        if found[value] is None:
            return Estimate(-math.inf, math.inf)
        return Estimate(found[value], math.inf if found[error] is None else found[error])

    def _evaluation(self) -> tuple[np.ndarray, np.ndarray]:
        if self._weighed is None:
            self._weighed = self._weigh(self._count, (self._seed, 2))
        return self._weighed

    def _weigh(self, count: int, pair) -> tuple[np.ndarray, np.ndarray]:
        """Draws ``[n, D]`` and their log-weights ``[n]``."""
        target = self.need_target("A weight")
        return weigh(self.flow, target.unconstrained_log_prob, count, pair)

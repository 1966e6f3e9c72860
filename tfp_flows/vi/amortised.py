"""One posterior for any data: a conditional flow, learned from simulations.

Source: neural posterior estimation, Papamakarios and Murray 2016, arXiv:1605.06376; with flows and
embedding networks, Greenberg, Nonnenmacher and Macke 2019, arXiv:1905.07488.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.shapes import positive
from tfp_flows.vi.calibration import Calibration, calibrate
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.posterior import Posterior
from tfp_flows.vi.simulations import Pairs, Simulations, as_context, as_data, as_pairs
from tfp_flows.vi.target import Target

# Simulations of which draws are made at once.
_BATCH = 100
# Seeds of simulations for training and for calibration are apart.
_FRESH = 2**20


class Amortised:
    """What `fit_amortised` returns: the posterior of any data.

    Args:
        flow: Over unconstrained parameters ``[D]``, conditional on the data.
        parts: Names, shapes and supports of the parameters.
        shapes: Of the data, by name.
        simulations: What it was trained on; without it there are no fresh ones.
        history: By epoch, ``loss`` and ``val_loss``, in nats.
        seconds: That the fit took.

    Attributes:
        flow: As given; ``parts``, ``shapes``, ``history`` and ``seconds`` likewise.
    """

    def __init__(
        self,
        flow: Flow,
        parts: Parts,
        shapes: Mapping[str, Sequence[int | None]],
        *,
        simulations: Simulations | None = None,
        history: Mapping[str, list[float]] | None = None,
        seconds: float = 0.0,
    ):
        self.flow, self.parts = flow, parts
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        self.history, self.seconds = dict(history or {}), seconds
        self._simulations = simulations
        self._draws = tf.function(
            lambda size, context, pair: flow.sample_and_log_prob(size, context, seed=pair),
            autograph=False,
            reduce_retracing=True,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return self.parts.names

    def given(self, data: Any) -> Posterior:
        """The posterior of one data set, with all that is known of a `Posterior`.

        Args:
            data: An array of the shape of one simulation's data, or a dict of arrays by name.

        Returns:
            With its model, and so with k-hat and weights, if the simulations were those of a joint
            distribution.

        Raises:
            InputError: If the data do not fit, or are several data sets.
        """
        by_name, batch = self._checked(data)
        if batch:
            raise InputError(
                f"These are {math.prod(batch):,} data sets, and a posterior is of one; sample and "
                "log_prob take several at once."
            )
        target = None
        if self._simulations is not None and self._simulations.joint is not None:
            target = Target(self._simulations.joint, observed=by_name)
        flow = self.flow.given(self._context(by_name))
        why = "amortised, learned from simulations"
        told = {"name": self.flow.name, "why": why, "seconds": self.seconds}
        return Posterior(flow, self.parts, target=target, **told)

    def sample(self, n: int, data: Any, seed: int = 0) -> Any:
        """Draws of the posterior of each data set.

        Args:
            n: How many of each.
            data: Arrays ``[*batch, *shape]``, by name if they are several.
            seed: Of the draws.

        Returns:
            A structure like the model's, or a dict by name; leaves ``[n, *batch, *shape]``.
        """
        context = self._context(self._checked(data)[0])
        z, _ = self._draws(positive(n, "n"), context, tf.constant([seed, 0]))
        return self.parts.structured(self.parts.constrained(z)[0])

    def log_prob(self, structure: Any, data: Any) -> tf.Tensor:
        """The posterior's log-density in nats, ``[...]``, at parameters ``[..., *shape]``.

        Args:
            structure: Parameters, like the model's or a dict by name.
            data: Arrays whose batch broadcasts against that of the parameters.
        """
        z, log_det = self.parts.unconstrained(self.parts.leaves(structure))
        return self.flow.log_prob(z, self._context(self._checked(data)[0])) + log_det

    def calibrate(
        self,
        simulations: int = 500,
        draws: int = 200,
        *,
        pairs: tuple[Any, Any] | None = None,
        seed: int = 0,
    ) -> Calibration:
        """Whether the posteriors are as sure as they may be, by simulations not trained on.

        Distances and densities are those of the unconstrained parameters.

        Args:
            simulations: How many fresh ones are made.
            draws: Of each posterior.
            pairs: Parameters and data instead of fresh ones, in the form of those of the fit.
            seed: Of simulations and draws.

        Raises:
            InputError: If there is no simulator, and no pairs.
        """
        found = self._fresh(simulations, seed) if pairs is None else as_pairs(*pairs)
        leaves = self.parts.leaves(found.parameters)
        z = self.parts.unconstrained(leaves)[0]
        context = self._context(self._checked(found.data)[0])
        drawn, densities, there = [], [], []
        for start in range(0, found.size, _BATCH):
            rows = slice(start, start + _BATCH)
            some = tf.nest.map_structure(lambda array, rows=rows: array[rows], context)
            pair = tf.constant([seed, 1 + start])
            values, log_q = self._draws(positive(draws, "draws"), some, pair)
            drawn.append(values)
            densities.append(log_q)
            there.append(self.flow.log_prob(z[rows], some))
        drawn, densities = tf.concat(drawn, axis=1), tf.concat(densities, axis=1)
        log_probs = (tf.concat(there, axis=0), densities)
        found = calibrate(z, drawn, log_probs, seed=seed)
        # By element as people know it; a support may have fewer coordinates than elements.
        of_elements = self._ranks(leaves, self.parts.constrained(drawn)[0])
        of_all = found.ranks[["log_prob", "distance"]]
        return Calibration(of_elements.join(of_all), found.draws)

    def save(self, path) -> None:
        """Writes flow, parts and supports to a ``.keras`` file, for `tfp_flows.load`.

        The simulator is code and not among them.

        Raises:
            InputError: If a support depends on other parts, or the flow has no written form.
        """
        from tfp_flows.vi.saving import AmortisedModel

        model = AmortisedModel.of(self)
        model.get_config()  # raises before there is a file
        model.save(path)

    def _ranks(self, truths, draws):
        found = {}
        by_name = {
            name: (truth.numpy(), drawn.numpy())
            for name, truth, drawn in zip(self.names, truths, draws, strict=True)
        }
        for element, name, place in self.parts.elements():
            truth, drawn = (array[(..., *place)] for array in by_name[name])
            found[element] = (drawn < truth).sum(axis=0)
        return pd.DataFrame(found)

    def _fresh(self, count: int, seed: int) -> Pairs:
        if self._simulations is None or self._simulations.draw is None:
            raise InputError(
                "There is no simulator to make fresh pairs; give pairs=(parameters, data) that the "
                "fit has not seen."
            )
        return self._simulations.draw(count, _FRESH + seed)

    def _checked(self, data) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Data by name, and their batch shape."""
        by_name = as_data(data, list(self.shapes))
        batches = {}
        for name, value in by_name.items():
            shape, wanted = np.shape(value), self.shapes[name]
            rank = len(shape) - len(wanted)
            sizes = zip(shape[max(rank, 0) :], wanted, strict=False)
            if rank < 0 or any(want not in (None, size) for size, want in sizes):
                raise InputError(
                    f"The data {name!r} have shape {shape}; one data set has {wanted}, several "
                    f"(..., {', '.join(map(str, wanted))})."
                )
            if not np.isfinite(np.asarray(value)).all():
                raise InputError(f"The data {name!r} hold NaN or infinity.")
            batches[name] = shape[:rank]
        if len(set(batches.values())) > 1:
            told = ", ".join(f"{name!r} {batch}" for name, batch in batches.items())
            raise InputError(f"Data of one name are as many as of another, got batches {told}.")
        return by_name, next(iter(batches.values()))

    def _context(self, by_name: Mapping[str, Any]):
        """What the flow takes: the data as they are for an embedding, else one vector."""
        context = as_context(by_name, self.shapes, self.flow.embedding is not None)
        return self.flow.cast_context(context)

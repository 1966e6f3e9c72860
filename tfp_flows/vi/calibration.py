"""Whether posteriors are as sure as they may be, by data whose parameters are known.

Parameters are drawn, then data, then the posterior of these data: the rank of the true value among
its draws is uniform if all is right (simulation-based calibration, Talts et al. 2018,
arXiv:1804.06788). So is the rank of its density, which is the expected coverage of regions of
highest density (Hermans et al. 2022, arXiv:2110.06581), and that of its distance to a random place
(TARP, Lemos et al. 2023, arXiv:2302.03026), which sees joint faults that no single value shows.
"""

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from tfp_flows.errors import InputError
from tfp_flows.vi.uniformity import Uniformity

DENSITY, DISTANCE = "log_prob", "distance"
_LEVELS = (0.5, 0.9)
_ALPHA = 0.05
_FEWEST = 50


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Ranks of true values among draws of their posteriors.

    Attributes:
        ranks: ``[N, quantities]``, by quantity how many draws lie below the true value: each
            element of the parameters, ``log_prob`` (how many have a higher density) and
            ``distance`` (how many are nearer to a random place).
        draws: Of each posterior; ranks go from 0 to this number.
    """

    ranks: pd.DataFrame
    draws: int

    @cached_property
    def uniformity(self) -> Uniformity:
        """What so many ranks would be if they were uniform."""
        return Uniformity(len(self.ranks), self.draws)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a quantity.

        ``mean`` of the ranks as shares, 0.5 if right; ``coverage_50`` and ``coverage_90``, the
        shares of true values inside such regions (central intervals of an element, regions of
        highest density, balls about random places); ``p_value`` that the ranks are uniform.
        """
        rows = {}
        for name, ranks in self.ranks.items():
            shares = (ranks.to_numpy() + 0.5) / (self.draws + 1)
            inside = shares if name in (DENSITY, DISTANCE) else 2 * np.abs(shares - 0.5)
            rows[name] = {
                "mean": shares.mean(),
                **{f"coverage_{100 * a:.0f}": (inside <= a).mean() for a in _LEVELS},
                "p_value": self.uniformity.p_value(ranks.to_numpy()),
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def wrong(self) -> list[str]:
        """Quantities whose ranks leave their bands; one of them would in 5 % of the cases at most.

        Bands are wider where quantities are many (Bonferroni).
        """
        p_values = self.table["p_value"]
        return list(p_values.index[p_values * len(p_values) < _ALPHA])

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the posteriors."""
        return not self.wrong

    def __str__(self):
        table, wrong = self.table, self.wrong
        first = (
            f"Calibration by {len(self.ranks):,} simulations and {self.draws:,} draws of each "
            f"posterior: regions of highest density that should hold 90 % hold "
            f"{100 * table.loc[DENSITY, 'coverage_90']:.1f} % of the true values."
        )
        if not wrong:
            return f"{first}\nGood: all {len(table)} ranks are as uniform as right ones."
        lines = [f"Not good: the ranks of {len(wrong)} of {len(table)} quantities are not uniform."]
        return "\n".join([first, *lines, *(f"{n}: {self._fault(n)}" for n in wrong[:10])])

    def _fault(self, name: str) -> str:
        row, error = self.table.loc[name], 2 * np.sqrt(0.09 / len(self.ranks))
        inside = f"90 % regions hold {100 * row['coverage_90']:.1f} %"
        if name not in (DENSITY, DISTANCE) and abs(row["mean"] - 0.5) > 2 / np.sqrt(
            12 * len(self.ranks)
        ):
            side = "low" if row["mean"] > 0.5 else "high"
            return f"draws lie too {side} (mean rank {row['mean']:.2f}); {inside}."
        if row["coverage_90"] < 0.9 - error:
            return f"too sure: {inside}."
        if row["coverage_90"] > 0.9 + error:
            return f"less sure than it may be: {inside}."
        return f"of another shape; {inside}."


def calibrate(
    truths,
    draws,
    log_probs: tuple,
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Calibration:
    """Judges any posteriors by parameters that are known.

    Args:
        truths: ``[N, P]``, the parameters that data were simulated from, themselves drawn from the
            prior; unconstrained ones, if distances of them are to mean something.
        draws: ``[L, N, P]``, from the posterior of each data set.
        log_probs: Log-densities of the posteriors at the truths ``[N]`` and at the draws
            ``[L, N]``, up to a constant of each.
        names: Of the ``P`` elements.
        seed: Of the random places: each the parameters of another simulation.

    Raises:
        InputError: If shapes do not fit, simulations are fewer than 50, or something is NaN.
    """
    truths, draws = np.asarray(truths, np.float64), np.asarray(draws, np.float64)
    there, at_draws = (np.asarray(part, np.float64) for part in log_probs)
    if truths.ndim != 2 or draws.shape[1:] != truths.shape:
        raise InputError(
            f"Calibration needs truths [N, P] and draws [L, N, P], got {truths.shape} and "
            f"{draws.shape}."
        )
    if there.shape != truths.shape[:1] or at_draws.shape != draws.shape[:2]:
        raise InputError(
            f"log_probs must be [N] and [L, N], {truths.shape[:1]} and {draws.shape[:2]} here, got "
            f"{there.shape} and {at_draws.shape}."
        )
    count = len(truths)
    if count < _FEWEST:
        raise InputError(
            f"{count} simulations say little of uniform ranks; use at least {_FEWEST}, better "
            "hundreds."
        )
    if any(np.isnan(part).any() for part in (truths, draws, there, at_draws)):
        raise InputError("Truths, draws or log-densities hold NaN, which has no rank.")
    names = [f"x{i}" for i in range(truths.shape[1])] if names is None else list(names)
    ranks = dict(zip(names, (draws < truths).sum(axis=0).T, strict=True))
    ranks[DENSITY] = (at_draws > there).sum(axis=0)
    ranks[DISTANCE] = _nearer(truths, draws, seed)
    return Calibration(pd.DataFrame(ranks), len(draws))


def _nearer(truths, draws, seed: int) -> np.ndarray:
    """How many draws lie nearer than the truth to the parameters of another simulation, ``[N]``."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(truths))
    places = np.empty_like(truths)
    places[order] = truths[np.roll(order, 1)]  # nobody's own
    scale = truths.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    of_truth = (((truths - places) / scale) ** 2).sum(axis=-1)
    return ((((draws - places) / scale) ** 2).sum(axis=-1) < of_truth).sum(axis=0)

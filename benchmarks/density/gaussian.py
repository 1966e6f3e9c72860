"""The Gaussian of full covariance, by maximum likelihood in closed form."""

from benchmarks.density.budget import Budget
from benchmarks.density.recipes import Model, Recipe
from benchmarks.density.trained import Trained
from tfp_flows.datasets import Splits
from tfp_flows.errors import InputError
from tfp_flows.models.evaluation import Gaussian


def train(
    model: Model, recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int
) -> Trained:
    """Fits the Gaussian to the training rows; everything else is for the other backends.

    Raises:
        InputError: If the covariance is singular.
    """
    del model, recipe, seed, threads
    gaussian = Gaussian.fit(parts.train)
    if gaussian is None:
        raise InputError("a column is a linear function of others, so the rows have no density")
    budget.due(0)
    budget.record(0, gaussian.log_density(parts.validation).mean())
    size = parts.train.shape[1]
    return Trained(gaussian.log_density, size + size * (size + 1) // 2, {})

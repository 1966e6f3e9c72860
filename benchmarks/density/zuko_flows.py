"""zuko's flows, in a plain PyTorch loop with its fastest settings on a CPU."""

import copy
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
import zuko

from benchmarks.density.budget import Budget
from benchmarks.density.recipes import CLIP_NORM, VALIDATION_ROWS, Model, Recipe
from benchmarks.density.trained import Trained
from tfp_flows.datasets import Splits

_ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


def train(
    model: Model, recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int
) -> Trained:
    """Trains a flow until the budget is over.

    The loss is compiled by ``torch.compile``, which makes a step faster by an eighth to a quarter
    and costs about as long as XLA does, or half a minute where PyTorch's own cache is empty: a
    short run before the real one fills it. Where compiling fails (it needs a C++ compiler), the
    loss runs as it is. One distribution serves all steps, as it reads the flow's weights when it
    is called: made anew in each, it breaks the compiled graph and is slower. Adam is the fused
    one.

    Args:
        model: Which flow.
        recipe: Architecture and optimiser.
        parts: Standardised training, validation and test rows; the last are not looked at.
        budget: Time, learning rate and validation.
        seed: Seed of weights and order of rows.
        threads: Number of threads.

    Returns:
        The model with the weights of the best validation.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    flow = getattr(zuko.flows, model.flow)(
        parts.train.shape[1],
        transforms=recipe.layers,
        hidden_features=recipe.hidden,
        activation=_ACTIVATIONS[recipe.activation],
        **model.options,
    )
    optimizer = torch.optim.Adam(flow.parameters(), lr=recipe.learning_rate, fused=True)
    distribution = flow()
    batches = _batches(parts.train, min(recipe.batch_size, len(parts.train)))
    loss, compiled = _loss(distribution, next(batches))
    best = None
    for steps in itertools.count(1):
        optimizer.zero_grad(set_to_none=True)
        loss(next(batches)).backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), CLIP_NORM)
        optimizer.step()
        if budget.due(steps):
            scores = _log_density(distribution, parts.validation[:VALIDATION_ROWS])
            if budget.record(steps, scores.mean()):
                best = copy.deepcopy(flow.state_dict())
        if budget.over:
            break
        optimizer.param_groups[0]["lr"] = budget.learning_rate
    if best is not None:
        flow.load_state_dict(best)
    return Trained(
        lambda x: _log_density(distribution, x),
        sum(parameter.numel() for parameter in flow.parameters()),
        {"torch_compile": compiled},
    )


def _loss(
    distribution: torch.distributions.Distribution, batch: torch.Tensor
) -> tuple[Callable[[torch.Tensor], torch.Tensor], str]:
    """The mean negative log-likelihood of a batch, compiled if that works, and whether it did."""

    def loss(x):
        return -distribution.log_prob(x).mean()

    try:
        compiled = torch.compile(loss)
        compiled(batch).backward()
    except Exception as error:  # whatever the compiler chain makes of this machine
        return loss, f"failed ({type(error).__name__}), ran without it"
    return compiled, "used"


def _batches(rows: np.ndarray, size: int) -> Iterator[torch.Tensor]:
    """Full batches without end; each epoch has an order of its own and drops its remainder."""
    values = torch.from_numpy(rows)
    while True:
        order = torch.randperm(len(values))
        for start in range(0, len(values) - size + 1, size):
            yield values[order[start : start + size]]


@torch.no_grad()
def _log_density(distribution: torch.distributions.Distribution, rows: np.ndarray) -> np.ndarray:
    """Log-densities ``[n]`` in nats, float64."""
    parts = torch.from_numpy(rows).split(VALIDATION_ROWS)
    return torch.cat([distribution.log_prob(part) for part in parts]).double().numpy()

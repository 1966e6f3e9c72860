"""normflows' Glow, in a plain PyTorch loop.

What leaves at a split has a trained mean and scale for each entry, but does not depend on what goes
on: normflows has no learned prior of that kind. Scales are its default, a sigmoid. Channels first,
as in its examples.
"""

import copy
import math

import normflows as nf
import numpy as np
import torch

from benchmarks.density.budget import Budget
from benchmarks.density.trained import Trained
from benchmarks.images import loop
from benchmarks.images.models import CLIP_NORM, VALIDATION_IMAGES, Recipe
from tfp_flows.datasets import Splits


def train(recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int) -> Trained:
    """Trains a flow until the budget is over; see `benchmarks.images.ours.train`."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    flow = _glow(recipe, parts.train.shape[1:])
    batches = loop.batches(parts.train, recipe.batch_size, seed)
    # Its ActNorm takes its first values from the first batch.
    _log_density(flow, next(batches), recipe.batch_size)
    optimizer = torch.optim.Adam(flow.parameters(), lr=recipe.learning_rate, fused=True)
    best = {}

    def step(images, rate):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        values, log_det = _dequantised(images)
        (-flow.log_prob(values, None).mean() - log_det).backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), CLIP_NORM)
        optimizer.step()

    def score():
        held_out = parts.validation[:VALIDATION_IMAGES]
        return _log_density(flow, held_out, recipe.batch_size).mean()

    loop.run(step, score, lambda: best.update(copy.deepcopy(flow.state_dict())), batches, budget)
    if best:
        flow.load_state_dict(best)
    return Trained(
        lambda x: _log_density(flow, x, recipe.batch_size),
        sum(parameter.numel() for parameter in flow.parameters()),
        {},
    )


def _glow(recipe: Recipe, shape: tuple[int, int, int]) -> nf.MultiscaleFlow:
    height, width, channels = shape
    bases, flows, merges = [], [], []
    for i in range(recipe.levels):
        # Level 0 is the one next to the latent.
        halvings = recipe.levels - i
        inside = channels * 2 ** (halvings + 1)
        flows.append(
            [nf.flows.GlowBlock(inside, recipe.channels) for _ in range(recipe.depth)]
            + [nf.flows.Squeeze()]
        )
        leaving = inside if i == 0 else inside // 2
        bases.append(
            nf.distributions.DiagGaussian((leaving, height // 2**halvings, width // 2**halvings))
        )
        if i:
            merges.append(nf.flows.Merge())
    return nf.MultiscaleFlow(bases, flows, merges, class_cond=False)


def _dequantised(images: np.ndarray) -> tuple[torch.Tensor, float]:
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    values = (values + torch.rand(values.shape)) / 256 - 0.5
    return values, -math.prod(values.shape[1:]) * math.log(256)


@torch.no_grad()
def _log_density(flow: nf.MultiscaleFlow, images: np.ndarray, size: int) -> np.ndarray:
    """Log-densities ``[n]`` per grey level, in nats, float64."""
    results = []
    for start in range(0, len(images), size):
        values, log_det = _dequantised(images[start : start + size])
        results.append(flow.log_prob(values, None).double().numpy() + log_det)
    return np.concatenate(results)

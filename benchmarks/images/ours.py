"""Our Glow, trained as a user would: the recipe, `FlowModel`, an array, a callback."""

import math

import numpy as np
import tensorflow as tf

import tfp_flows as tff
from benchmarks.density.budget import Budget
from benchmarks.density.ours import WithinBudget
from benchmarks.density.trained import Trained
from benchmarks.images.models import CLIP_NORM, VALIDATION_IMAGES, Recipe
from tfp_flows.datasets import Splits

_EPOCHS = 10**9


def train(recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int) -> Trained:
    """Trains a flow until the budget is over.

    Args:
        recipe: Architecture and optimiser.
        parts: Bytes of training, validation and test images; the last are not looked at.
        budget: Time, learning rate and validation.
        seed: Seed of weights and order of images.
        threads: Number of threads, set for the process before.

    Returns:
        The model with the weights of the best validation. Its densities are those of bytes
        ``[n, height, width, channels]``, dequantised, per grey level.
    """
    del threads
    tf.keras.utils.set_random_seed(seed)
    flow = tff.flows.glow(
        event_shape=parts.train.shape[1:],
        num_levels=recipe.levels,
        depth=recipe.depth,
        hidden_units=[recipe.channels],
        seed=seed,
    )
    model = tff.FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(budget.learning_rate, global_clipnorm=CLIP_NORM))
    images = parts.train.astype(np.float32)
    # Whole batches alone, or a program for the last one would be compiled as well.
    model.fit(
        images[: len(images) // recipe.batch_size * recipe.batch_size],
        batch_size=recipe.batch_size,
        epochs=_EPOCHS,
        callbacks=[WithinBudget(budget, parts.validation[:VALIDATION_IMAGES], recipe.batch_size)],
        verbose=0,
    )
    return Trained(
        lambda x: model.predict(x, batch_size=recipe.batch_size, verbose=0),
        sum(math.prod(variable.shape) for variable in flow.trainable_variables),
        {},
    )

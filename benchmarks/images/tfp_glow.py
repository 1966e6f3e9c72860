"""TFP's own `tfb.Glow`, with tf_keras networks, in a loop of `tf.function`s.

Its example trains nothing; the loop is what its users write. `tfb.Glow`'s ActNorm takes its first
values from the first tensor that comes, so the first batch goes through it before training.
"""

import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from benchmarks.density.budget import Budget
from benchmarks.density.trained import Trained
from benchmarks.images import loop
from benchmarks.images.models import CLIP_NORM, VALIDATION_IMAGES, Recipe
from tfp_flows.datasets import Splits

tfb, tfd = tfp.bijectors, tfp.distributions


def train(recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int) -> Trained:
    """Trains a flow until the budget is over; see `benchmarks.images.ours.train`."""
    del threads
    tf_keras.utils.set_random_seed(seed)
    shape = parts.train.shape[1:]
    glow = tfb.Glow(
        output_shape=shape,
        num_glow_blocks=recipe.levels,
        num_steps_per_block=recipe.depth,
        coupling_bijector_fn=lambda shape: _network(shape, recipe, 2 * shape[-1]),
        exit_bijector_fn=lambda shape, output_chan: _network(shape, recipe, 2 * output_chan),
        seed=seed,
    )
    flow = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), math.prod(shape)), glow)
    entries = math.prod(shape)

    def log_density(images):
        values = tf.cast(images, tf.float32)
        values = (values + tf.random.uniform(tf.shape(values))) / 256 - 0.5
        return flow.log_prob(values) - entries * math.log(256)

    batches = loop.batches(parts.train, recipe.batch_size, seed)
    log_density(next(batches))
    variables = flow.trainable_variables
    optimizer = tf_keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=CLIP_NORM)

    @tf.function
    def update(images):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(log_density(images))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def step(images, rate):
        optimizer.learning_rate = rate
        update(images)

    # Traced anew for the last batch: `tfb.Glow` fails on a batch of unknown size.
    compiled = tf.function(log_density)

    def scores(images):
        size = recipe.batch_size
        rows = [compiled(images[i : i + size]).numpy() for i in range(0, len(images), size)]
        return np.concatenate(rows).astype(np.float64)

    best = []

    def keep():
        best[:] = [variable.numpy() for variable in flow.variables]

    held_out = parts.validation[:VALIDATION_IMAGES]
    loop.run(step, lambda: scores(held_out).mean(), keep, batches, budget)
    for variable, value in zip(flow.variables, best, strict=True):
        variable.assign(value)
    return Trained(scores, sum(math.prod(variable.shape) for variable in variables), {})


def _network(shape, recipe, outputs):
    convolution = tf_keras.layers.Conv2D
    return tf_keras.Sequential(
        [
            tf_keras.Input(shape),
            convolution(recipe.channels, 3, padding="same", activation="relu"),
            convolution(recipe.channels, 1, activation="relu"),
            convolution(
                outputs, 3, padding="same", kernel_initializer="zeros", bias_initializer="zeros"
            ),
        ]
    )

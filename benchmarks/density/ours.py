"""Our flows, trained as a user would: a recipe, `FlowModel`, an array, a callback."""

import math

import numpy as np
import tensorflow as tf

import tfp_flows as tff
from benchmarks.density.budget import Budget
from benchmarks.density.recipes import CLIP_NORM, VALIDATION_ROWS, Model, Recipe
from benchmarks.density.trained import Trained
from tfp_flows.datasets import Splits

_EPOCHS = 10**9


def train(
    model: Model, recipe: Recipe, parts: Splits, budget: Budget, *, seed: int, threads: int
) -> Trained:
    """Trains a flow until the budget is over.

    Args:
        model: Which flow.
        recipe: Architecture and optimiser.
        parts: Standardised training, validation and test rows; the last are not looked at.
        budget: Time, learning rate and validation.
        seed: Seed of weights and order of rows.
        threads: Number of threads, set for the process before.

    Returns:
        The model with the weights of the best validation.
    """
    del threads
    tf.keras.utils.set_random_seed(seed)
    sizes = {
        "num_layers": recipe.layers,
        "hidden_units": recipe.hidden,
        "activation": recipe.activation,
    }
    flow = getattr(tff.flows, model.flow)(
        event_shape=parts.train.shape[1],
        standardize=False,
        seed=seed,
        **{**sizes, **model.options},
    )
    keras_model = tff.FlowModel(flow)
    keras_model.compile(
        tf.keras.optimizers.Adam(recipe.learning_rate, global_clipnorm=CLIP_NORM),
    )
    size = min(recipe.batch_size, len(parts.train))
    # Whole batches alone, or a program for the last one would be compiled as well.
    keras_model.fit(
        parts.train[: len(parts.train) // size * size],
        batch_size=size,
        epochs=_EPOCHS,
        callbacks=[WithinBudget(budget, parts.validation[:VALIDATION_ROWS], VALIDATION_ROWS)],
        verbose=0,
    )
    return Trained(
        lambda x: keras_model.predict(x, batch_size=VALIDATION_ROWS, verbose=0),
        sum(math.prod(variable.shape) for variable in flow.trainable_variables),
        {},
    )


class WithinBudget(tff.models.EachCall):
    """Follows the budget: learning rate, validation, best weights, end.

    Args:
        budget: What is followed.
        validation: What chooses the best weights.
        batch_size: Rows of it at a time.
    """

    def __init__(self, budget: Budget, validation: np.ndarray, batch_size: int):
        super().__init__()
        self._budget, self._validation, self._batch_size = budget, validation, batch_size
        self._best = None

    def on_train_batch_end(self, batch, logs=None):
        """Looks at the clock; called by Keras."""
        budget, model = self._budget, self.model
        steps = int(model.optimizer.iterations)
        if budget.due(steps):
            scores = model.predict(self._validation, batch_size=self._batch_size, verbose=0)
            if budget.record(steps, scores.mean(dtype=np.float64)):
                self._best = model.get_weights()
        model.stop_training = budget.over
        model.optimizer.learning_rate = budget.learning_rate

    def on_train_end(self, logs=None):
        """Goes back to the best weights; called by Keras."""
        if self._best is not None:
            self.model.set_weights(self._best)

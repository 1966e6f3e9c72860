"""Hidden Markov models of two states, summed out by the forward algorithm."""

from collections.abc import Sequence

import tensorflow as tf

from benchmarks.inference.models.pieces import DTYPE, Restricted, Root, real, tfb, tfd


def transitions(alpha: Sequence[Sequence[float]] = ((1.0, 1.0), (1.0, 1.0))):
    """Priors of the two rows of the matrix of transitions, as a generator of them.

    Args:
        alpha: Concentrations of the two Dirichlet distributions; flat by default.

    Returns:
        The rows, ``[..., 2]`` each.
    """
    rows = []
    for name, concentration in zip(("theta1", "theta2"), alpha, strict=True):
        # Dirichlet's own bijector cannot be built beside NumPy 2.4.
        law = tfd.Dirichlet(real(concentration))
        rows.append((yield Root(Restricted(law, tfb.IteratedSigmoidCentered(), name))))
    return rows


def hidden_markov(theta1, theta2, emission, steps: int, name: str) -> tfd.HiddenMarkovModel:
    """The law of what is seen; the first state is either with probability 1/2.

    Args:
        theta1: Probabilities of the states after the first, ``[..., 2]``.
        theta2: After the second.
        emission: A distribution of batch shape ``[..., 2]``.
        steps: Length of the series.
        name: Of what is seen.
    """
    return tfd.HiddenMarkovModel(
        tfd.Categorical(probs=tf.constant([0.5, 0.5], DTYPE)),
        tfd.Categorical(probs=tf.stack([theta1, theta2], axis=-2)),
        emission,
        num_steps=steps,
        name=name,
    )

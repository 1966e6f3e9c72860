"""What a decoder's output says of data: log-densities, means and draws."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import noise
from tfp_flows.errors import unknown_name

tfd = tfp.distributions
# Beyond these log-scales a Gaussian decoder is a point or says nothing.
_LOG_SCALES = 7.0


class Likelihood(NamedTuple):
    """A family of distributions of data given a decoder's output.

    Attributes:
        parameters: Numbers that the decoder returns for each entry of the data, on the last axis.
        log_prob: From data ``[..., *event]`` and outputs to log-probabilities of the entries.
        mean: From outputs to means of the entries.
        draw: From outputs to draws of the entries.
        low: Smallest value of an entry.
        high: Largest value.
    """

    parameters: int
    log_prob: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    mean: Callable[[tf.Tensor], tf.Tensor]
    draw: Callable[[tf.Tensor], tf.Tensor]
    low: float = -float("inf")
    high: float = float("inf")


def _bernoulli(x, logits):
    return -tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)


def _bernoulli_draw(logits):
    uniform = noise.uniform(tf.shape(logits), dtype=logits.dtype)
    return tf.cast(uniform < tf.sigmoid(logits), logits.dtype)


def _moments(output):
    mean, log_scale = tf.split(output, 2, axis=-1)
    return mean, _LOG_SCALES * tf.tanh(log_scale / _LOG_SCALES)


def _normal(x, output):
    mean, log_scale = _moments(output)
    return tfd.Normal(mean, tf.exp(log_scale)).log_prob(x)


def _normal_draw(output):
    mean, log_scale = _moments(output)
    return mean + tf.exp(log_scale) * noise.normal(tf.shape(mean), dtype=mean.dtype)


def _counts(x, logits):
    """Of each word as often as it stands there: without the coefficient for their order."""
    return tf.math.multiply_no_nan(tf.nn.log_softmax(logits), x)


def _one_word(logits):
    uniform = noise.uniform(tf.shape(logits), low=1e-30, dtype=logits.dtype)
    word = tf.argmax(logits - tf.math.log(-tf.math.log(uniform)), axis=-1)
    return tf.one_hot(word, tf.shape(logits)[-1], dtype=logits.dtype)


LIKELIHOODS: Mapping[str, Likelihood] = MappingProxyType(
    {
        "bernoulli": Likelihood(1, _bernoulli, tf.sigmoid, _bernoulli_draw, 0.0, 1.0),
        "normal": Likelihood(2, _normal, lambda output: _moments(output)[0], _normal_draw),
        "words": Likelihood(1, _counts, tf.nn.softmax, _one_word, 0.0),
    }
)
"""By name: ``"bernoulli"`` of entries 0 and 1 (numbers between count as shares), ``"normal"`` of
real ones, ``"words"`` of counts of words in a bag, of which a draw is one word."""


def likelihood(name: str) -> Likelihood:
    """The likelihood of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in LIKELIHOODS:
        raise unknown_name("likelihood", name, LIKELIHOODS)
    return LIKELIHOODS[name]

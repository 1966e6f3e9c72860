"""Autoencoders of texts as counts of words, and how well they know the words."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models.vae import VAE
from tfp_flows.models.vae_presets import SIZES, seeded_layers

keras = tf.keras


@keras.utils.register_keras_serializable(package="tfp_flows")
def log_counts(counts):
    """What an encoder is told of counts, so that a word which stands often does not rule it."""
    return tf.math.log1p(counts)


def text_vae(
    words: int,
    *,
    totals=None,
    latent_size: int = 50,
    posterior: str = "iaf",
    posterior_options: dict[str, Any] | None = None,
    prior: Flow | None = None,
    hidden_units=(300,),
    activation: str = "relu",
    dropout: float = 0.0,
    free_bits: float = 0.0,
    warm_up: int = 0,
    seed: int | None = None,
) -> VAE:
    """An autoencoder of documents as bags of words.

    A dense encoder of the logarithms of counts; latents by one matrix and an offset to the logits
    of the words, of which each word is drawn by itself (NVDM: Miao, Yu and Blunsom 2016,
    arXiv:1511.06038).

    Args:
        words: Size of the vocabulary: data are counts ``[n, words]``, of `datasets.count_words` for
            instance.
        totals: How often each word stands in all training documents, ``[words]``: the offset of
            the logits starts at the logarithms of their shares (one more of each), so that latents
            have to say only what is particular to a document. Zero without.
        latent_size: Size of a latent.
        posterior: See `VAE`.
        posterior_options: Arguments of its flow; by default as of `picture_vae`.
        prior: See `VAE`.
        hidden_units: Of the encoder.
        activation: Of the encoder.
        dropout: Share of the words, and of the last hidden units, that the encoder does without in
            training, so that it does not learn few documents by heart.
        free_bits: See `VAE`.
        warm_up: See `VAE`.
        seed: Of all weights.

    Returns:
        The model, to compile and fit.

    Raises:
        InputError: If there is no such posterior, ``dropout`` is no share, or ``totals`` do not
            fit.
    """
    words = shapes.positive(words, "words")
    if not 0 <= dropout < 1:
        raise InputError(f"dropout is {dropout!r}; give a share from 0 to below 1.")
    dense, drawn = seeded_layers(seed)
    drop = [keras.layers.Dropout(dropout)] if dropout else []
    encoder = keras.Sequential(
        [
            keras.Input([words]),
            keras.layers.Activation(log_counts),
            *drop,
            *(dense(units, activation) for units in hidden_units),
            *[keras.layers.Dropout(dropout) for _ in drop],
        ],
        name="encoder",
    )
    out = dense(words)
    decoder = keras.Sequential([keras.Input([latent_size]), out], name="decoder")
    if totals is not None:
        totals = np.asarray(totals, np.float64)
        if totals.shape != (words,) or not totals.min() >= 0:
            raise InputError(
                f"totals are {words} counts that are not negative, got {totals.shape}."
            )
        out.set_weights([out.get_weights()[0], np.log((totals + 1) / (totals.sum() + words))])
    options = SIZES.get(posterior, {}) if posterior_options is None else posterior_options
    return VAE(
        encoder,
        decoder,
        latent_size=latent_size,
        posterior=posterior,
        posterior_options=options or None,
        prior=prior,
        likelihood="words",
        free_bits=free_bits,
        warm_up=warm_up,
        seed=drawn(),
    )


def perplexity(log_probs, counts, *, by_word: bool = False) -> float:
    """How many words, all equally likely, would be as hard to guess.

    ``exp(-mean_d(log p(d) / n_d))`` over documents ``d`` of ``n_d`` words, as in Miao et al. 2016,
    arXiv:1511.06038: a short document counts as much as a long one. Of bounds on ``log p`` it is a
    bound from above. The words of a document count in their order, so there is no coefficient of
    the multinomial in ``log p``, as in `VAE` with ``likelihood="words"``; words outside of the
    vocabulary do not count.

    Args:
        log_probs: Of the documents, or bounds of them, ``[n]`` in nats.
        counts: Of the words, ``[n, words]``.
        by_word: Whether each word counts the same instead, ``exp(-sum_d log p(d) / sum_d n_d)``.

    Raises:
        InputError: If shapes do not fit, or a document has no words.
    """
    log_probs, counts = np.asarray(log_probs, np.float64), np.asarray(counts)
    if counts.ndim != 2 or log_probs.shape != counts.shape[:1] or not len(counts):
        raise InputError(
            "Perplexity needs log-probabilities [n] and counts [n, words], got "
            f"{log_probs.shape} and {counts.shape}."
        )
    lengths = counts.sum(axis=1, dtype=np.float64)
    if not lengths.min() > 0:
        raise InputError(f"Document {int(lengths.argmin())} has no words; leave it out.")
    if by_word:
        return float(np.exp(-log_probs.sum() / lengths.sum()))
    return float(np.exp(-np.mean(log_probs / lengths)))

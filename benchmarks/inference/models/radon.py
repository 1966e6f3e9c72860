"""What both models of radon in counties share."""

import tensorflow as tf

from benchmarks.inference.models.pieces import half_normal, normal, rows


def counties(letter: str, number: int):
    """Scale, mean and standardised values of an effect by county, as a generator of them."""
    scale = yield half_normal(f"sigma_{letter}", 1)
    mean = yield normal(f"mu_{letter}", 0, 10)
    raw = yield normal(f"{letter}_raw", 0, 1, number)
    return shifted(scale, mean, raw)


def shifted(scale, mean, raw):
    """The effects, ``[..., counties]``."""
    return mean[..., None] + scale[..., None] * raw


def effects(letter: str, parameters):
    """The same of draws, with their scale and mean."""
    scale, mean = parameters[f"sigma_{letter}"], parameters[f"mu_{letter}"]
    values = shifted(scale, mean, parameters[f"{letter}_raw"])
    return {f"sigma_{letter}": scale, f"mu_{letter}": mean, letter: values}


def of_rows(data, effect):
    """Each measurement's, by its county."""
    return tf.gather(effect, tf.constant(data["county_idx"]) - 1, axis=-1)


def measured(loc):
    """What is seen, with an error of its own scale, as a generator of both."""
    sigma_y = yield half_normal("sigma_y", 1)
    yield rows(loc, sigma_y, "log_radon")

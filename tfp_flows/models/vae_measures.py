"""What many draws of each posterior say: tight bounds, and moments of latents."""

import numpy as np
import tensorflow as tf

from tfp_flows import noise

# Rows of the decoder, or of the encoder, in a call.
_ROWS = 8192


def bounds(model, x, context, draws: int, batch_size: int, seed: int) -> np.ndarray:
    """The importance-weighted bound of each row, ``[n]`` in nats; see `VAE.bound`."""
    layer = model.layer
    at_once = max(1, min(draws, _ROWS // min(batch_size, max(len(x), 1))))

    @tf.function(reduce_retracing=True)
    def weights(x, context, count, place):
        features = layer.encode(x, context)
        with noise.seeded(seed, place):
            z, log_q = layer.draw(tf.repeat(features[None], count, axis=0))
        many = None if context is None else tf.repeat(context[None], count, axis=0)
        log_p = layer.reconstruction(tf.repeat(x[None], count, axis=0), z, many)
        return tf.reduce_logsumexp(log_p + model.flow.distribution.log_prob(z) - log_q, axis=0)

    found, place = [np.zeros(0, x.dtype)], 0
    for start in range(0, len(x), batch_size):
        part, told = (
            None if array is None else tf.constant(array[start : start + batch_size])
            for array in (x, context)
        )
        sums = []
        for first in range(0, draws, at_once):
            count = tf.constant(min(at_once, draws - first))
            sums.append(weights(part, told, count, tf.constant(place)))
            place += 1
        found.append(tf.reduce_logsumexp(tf.stack(sums), axis=0) - np.log(draws))
    return np.concatenate(found)


def moments(layer, x, context, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of the latents of each row, ``[n, latent_size]``, by draws."""
    none = np.zeros([0, *layer.latent_shape])
    means, variances = [none], [none]
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        features = layer.encode(x[part], None if context is None else context[part])
        total, squares = 0.0, 0.0
        for draw in range(draws):
            with noise.seeded(seed, start * draws + draw):
                z = layer.draw(features)[0].numpy().astype(np.float64)
            total, squares = total + z, squares + z**2
        means.append(total / draws)
        spread = np.maximum(squares / draws - means[-1] ** 2, 0.0)
        variances.append(spread * draws / max(draws - 1, 1))
    return np.concatenate(means), np.concatenate(variances)

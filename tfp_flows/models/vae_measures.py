"""What many draws of each posterior say: tight bounds, and moments of latents."""

import numpy as np
import tensorflow as tf

from tfp_flows import noise, shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models.vae_kl import KLParts, measured

# Rows of the decoder, or of the encoder, in a call.
_ROWS = 8192
# Of a prior that is a flow, for its moments.
_PRIOR_DRAWS = 10_000


class Measured:
    """What a `VAE` says of its bound and its latents."""

    def bound(self, x, context=None, *, draws: int = 5000, batch_size: int = 100, seed: int = 0):
        """The importance-weighted bound on each log-likelihood, tighter with more draws.

        Source: Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if there is one.
            draws: Latents of each.
            batch_size: Rows at a time.
            seed: Of the draws.

        Returns:
            ``[n]`` in nats, a NumPy array.

        Raises:
            InputError: If a shape does not fit, or data are outside of the likelihood's.
        """
        shapes.positive(draws, "draws"), shapes.positive(batch_size, "batch_size")
        return bounds(self, *self._rows(x, context), draws, batch_size, seed)

    def encode(self, x, context=None, *, draws: int = 16, seed: int = 0):
        """Means of latents given data, over draws of the posterior, ``[n, latent_size]``."""
        means, _ = self._moments(x, context, draws, seed)
        return means.astype(self.flow.dtype.as_numpy_dtype)

    def active_units(self, x, context=None, *, draws: int = 64, threshold: float = 0.01, seed=0):
        """Which latents say something of the data: those whose mean varies with them.

        Source: Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, section 5.2: the variance of
        the posterior's mean over data is above 0.01. That of the draws' mean is taken off.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if there is one.
            draws: Of each posterior.
            threshold: The variance.
            seed: Of the draws.

        Returns:
            ``[latent_size]`` booleans.
        """
        means, variances = self._moments(x, context, draws, seed)
        own = np.mean(variances, axis=0) / draws
        return np.var(means, axis=0) - own > threshold

    def latent_kl(self, x, context=None, *, draws: int = 64, seed: int = 0) -> np.ndarray:
        """How much each latent says of the data: the KL of its posterior to its prior.

        Both as Gaussians of their moments: right for a diagonal posterior and the standard normal
        prior; for other posteriors under that prior never more than the KL of the latent's own
        marginal. Of a latent that says nothing it is zero but for the draws' error.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if there is one.
            draws: Of each posterior, 2 at least.
            seed: Of the draws.

        Returns:
            ``[latent_size]`` in nats, means over the data.

        Raises:
            InputError: If there are too few draws.
        """
        if shapes.positive(draws, "draws") < 2:
            raise InputError("A variance takes 2 draws at least, got draws=1.")
        means, variances = self._moments(x, context, draws, seed)
        loc, scale = self.prior_moments()
        half = (draws - 1) / 2
        # Of Gaussian draws, squares of means and logarithms of variances are off by so much.
        bias = float(tf.math.digamma(tf.constant(half, tf.float64))) - np.log(half)
        ratio = np.maximum(variances / scale**2, np.finfo(np.float32).tiny)
        parts = ((means - loc) / scale) ** 2 - ratio / draws + ratio - 1 - np.log(ratio) + bias
        return np.mean(parts, axis=0) / 2

    def kl_parts(self, x, context=None, *, draws: int = 1, seed: int = 0) -> KLParts:
        """The mean KL in three parts, with the rows given as all that there are.

        Each draw is looked at under the posteriors of all rows: ``n ** 2`` densities. What differs
        from row to row cannot exceed ``log(n)`` nats, so parts of few rows are not those of many.

        Source: Chen et al. 2018, arXiv:1802.04942, equation 2.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` if there is one.
            draws: Of each posterior.
            seed: Of the draws.

        Returns:
            ``index_code``, ``total_correlation`` and ``dimension_wise`` in nats.

        Raises:
            InputError: If the posterior is not diagonal or the prior is a flow: neither then tells
                the density of a latent by itself.
        """
        shapes.positive(draws, "draws")
        return measured(self.layer, self.flow.distribution, *self._rows(x, context), draws, seed)

    def prior_moments(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations of the prior, ``[latent_size]`` each.

        Those of a flow are by 10,000 draws.
        """
        prior = self.flow.distribution
        if not isinstance(prior, Flow):
            return np.zeros(self.layer.latent_shape), np.ones(self.layer.latent_shape)
        z = prior.sample(_PRIOR_DRAWS, seed=(seed, 1)).numpy().astype(np.float64)
        return z.mean(axis=0), z.std(axis=0)

    def _moments(self, x, context, draws, seed):
        return moments(self.layer, *self._rows(x, context), draws, seed)


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

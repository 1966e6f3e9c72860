"""From the reals to where a distribution's events lie."""

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

tfd, tfb = tfp.distributions, tfp.bijectors


def support(distribution: Any) -> Any:
    """A bijector from unconstrained vectors to the events of a distribution.

    TFP's own choice, but where that cannot be saved, fails, or does not exist though the parts of
    the distribution have one.

    Args:
        distribution: Of TFP.

    Returns:
        The bijector; None if none is known, as for what is discrete.
    """
    own = next((make for kind, make in _OURS.items() if isinstance(distribution, kind)), _of_tfp)
    return own(distribution)


def _of_tfp(distribution) -> Any:
    try:
        return distribution.experimental_default_event_space_bijector()
    except NotImplementedError:
        return None


def _simplex(distribution) -> Any:
    """TFP's own map to the simplex calls NumPy in a way that NumPy 2.4 has no longer."""
    return tfb.IteratedSigmoidCentered()


def _correlations(distribution) -> Any:
    """TFP clips what it maps, which has no inverse and no written form."""
    return tfb.Chain([tfb.CholeskyOuterProduct(), tfb.CorrelationCholesky()])


def _sphere(distribution) -> Any:
    """A surface has no density on the reals."""
    return None


def _of_samples(distribution) -> Any:
    """TFP's wrapper moves the batch, and has no written form."""
    inner = distribution.distribution
    return support(inner) if inner.batch_shape == [] else _of_tfp(distribution)


def _transformed(distribution) -> Any:
    inner = distribution.distribution
    # Classes of TFP that derive from it, as the normal ones, know better.
    ours = type(distribution) is tfd.TransformedDistribution and isinstance(inner, tfd.Sample)
    if not ours or (below := support(inner)) is None:
        return _of_tfp(distribution)
    return tfb.Chain([distribution.bijector, below])


def _mixture(distribution) -> Any:
    """That of the components, if it is the same for all."""
    if isinstance(distribution, tfd.Mixture):
        found = [support(component) for component in distribution.components]
    else:
        found = [support(distribution.components_distribution)]
    if any(each is None for each in found):
        return None
    # Far from zero and near it, of the shape of one event: what differs has more axes, or values.
    shape = found[0].inverse_event_shape(distribution.event_shape)
    for value in (-2.0, 0.5, 3.0):
        mapped = [
            each.forward(tf.fill(shape, tf.cast(value, distribution.dtype))) for each in found
        ]
        if any(each.shape != distribution.event_shape for each in mapped):
            return None
        if any(bool(tf.reduce_any(each != mapped[0])) for each in mapped):
            return None
    return found[0]


_OURS = {
    tfd.Dirichlet: _simplex,
    tfd.RelaxedOneHotCategorical: _simplex,
    tfd.LKJ: _correlations,
    tfd.Sample: _of_samples,
    tfd.Mixture: _mixture,
    tfd.MixtureSameFamily: _mixture,
    tfd.SphericalUniform: _sphere,
    tfd.VonMisesFisher: _sphere,
    tfd.PowerSpherical: _sphere,
    tfd.TransformedDistribution: _transformed,
}

"""distrax: split couplings with its affine or spline bijector; it has no autoregressive flow.

distrax leaves the network to the user; here it is two ReLU layers in plain JAX. The halves swap
roles from layer to layer. Log-scales are unbounded.
"""

import itertools

import distrax
import jax
import jax.numpy as jnp

from benchmarks.speed.cases import BOUND
from benchmarks.speed.peers.jax_base import JaxPeer


class Adapter(JaxPeer):
    """A distrax ``Transformed``, rebuilt from the parameters inside each jitted call."""

    def build(self, key):
        """See `JaxPeer`."""
        params = []
        for sizes in self.case.network_sizes():
            network = []
            for inputs, outputs in itertools.pairwise(sizes):
                key, here = jax.random.split(key)
                bound = inputs**-0.5
                weights = jax.random.uniform(here, (inputs, outputs), minval=-bound, maxval=bound)
                network.append((weights, jnp.zeros(outputs)))
            params.append(network)
        return params

    def _flow(self, params):
        half = self.case.dims - self.case.dims // 2
        layers = [
            distrax.SplitCoupling(
                split_index=half,
                event_ndims=1,
                conditioner=lambda x, network=network: self._parameters(network, x),
                bijector=_spline if self.case.flow == "nsf" else _affine,
                swap=i % 2 == 1,
            )
            for i, network in enumerate(params)
        ]
        base = distrax.Independent(
            distrax.Normal(jnp.zeros(self.case.dims), jnp.ones(self.case.dims)), 1
        )
        return distrax.Transformed(base, distrax.Chain(layers))

    def _parameters(self, network, x):
        parameters = _mlp(network, x)
        if self.case.flow == "nsf":
            return parameters.reshape(*x.shape[:-1], -1, self.case.kind.parameters)
        return parameters

    def log_density(self, params, x):
        """See `JaxPeer`."""
        return self._flow(params).log_prob(jnp.asarray(x))

    def draw(self, params, key):
        """See `JaxPeer`."""
        return self._flow(params).sample(seed=key, sample_shape=(self.case.batch,))

    def draw_with_density(self, params, key):
        """See `JaxPeer`."""
        return self._flow(params).sample_and_log_prob(seed=key, sample_shape=(self.case.batch,))


def _mlp(network, x):
    for weights, bias in network[:-1]:
        x = jax.nn.relu(x @ weights + bias)
    weights, bias = network[-1]
    return x @ weights + bias


def _affine(parameters):
    shift, log_scale = jnp.split(parameters, 2, axis=-1)
    return distrax.ScalarAffine(shift=shift, log_scale=log_scale)


def _spline(parameters):
    # It wants slopes at the ends as well, and then makes them those of the identity.
    parameters = jnp.pad(parameters, [(0, 0)] * (parameters.ndim - 1) + [(0, 2)])
    return distrax.RationalQuadraticSpline(
        parameters, range_min=-BOUND, range_max=BOUND, boundary_slopes="identity"
    )

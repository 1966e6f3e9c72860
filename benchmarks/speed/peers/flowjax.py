"""flowjax: its masked autoregressive and coupling bijections, affine or splines.

Layers are put together as in its recipes, with ``Flip`` for the random permutation: scanned over,
as the recipes do (``scan``), or one after the other in a ``Chain`` (``chain``). A coupling keeps
the first ``dims // 2`` entries in every layer, so that in odd dimensions parameters differ by less
than a percent. Scales are a softplus.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import paramax
from flowjax import bijections
from flowjax.distributions import StandardNormal, Transformed

from benchmarks.speed.cases import BINS, BOUND
from benchmarks.speed.peers.jax_base import JaxPeer


class Adapter(JaxPeer):
    """A flowjax ``Transformed``, split into its arrays and the rest."""

    def build(self, key):
        """See `JaxPeer`."""
        keys = jax.random.split(key, self.case.layers)
        if self.variant == "scan":
            bijection = bijections.Scan(eqx.filter_vmap(self._layer)(keys))
        else:
            bijection = bijections.Chain([self._layer(k) for k in keys]).merge_chains()
        if self.case.flow != "iaf":
            bijection = bijections.Invert(bijection)
        flow = Transformed(StandardNormal((self.case.dims,)), bijection)
        params, self._static = eqx.partition(
            flow, eqx.is_inexact_array, is_leaf=lambda x: isinstance(x, paramax.NonTrainable)
        )
        return params

    def _layer(self, key):
        dims = self.case.dims
        network = {
            "key": key,
            "transformer": self._transformer(),
            "dim": dims,
            "nn_width": self.case.hidden_units[0],
            "nn_depth": len(self.case.hidden_units),
        }
        if self.case.kind.coupling:
            layer = bijections.Coupling(untransformed_dim=dims // 2, **network)
        else:
            layer = bijections.MaskedAutoregressive(**network)
        return bijections.Chain([layer, bijections.Flip((dims,))])

    def _transformer(self):
        if self.case.kind.parameters == 2:
            return bijections.Affine()
        return bijections.RationalQuadraticSpline(knots=BINS - 1, interval=BOUND)

    def _flow(self, params):
        return paramax.unwrap(eqx.combine(params, self._static))

    def log_density(self, params, x):
        """See `JaxPeer`."""
        return self._flow(params).log_prob(jnp.asarray(x))

    def draw(self, params, key):
        """See `JaxPeer`."""
        return self._flow(params).sample(key, (self.case.batch,))

    def draw_with_density(self, params, key):
        """See `JaxPeer`."""
        return self._flow(params).sample_and_log_prob(key, (self.case.batch,))

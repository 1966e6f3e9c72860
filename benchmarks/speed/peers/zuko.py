"""zuko: ``MAF`` and ``NICE`` with its affine transform, whose log-scales are bounded.

The order is reversed, and the coupling mask complemented, from layer to layer, as in its recipes.
"""

import zuko

from benchmarks.speed.peers.torch_base import TorchPeer


class Adapter(TorchPeer):
    """zuko's lazy flow, made a distribution once: without a context it stays valid in training."""

    def build(self):
        """See `TorchPeer`."""
        kind = zuko.flows.RealNVP if self.case.flow == "realnvp" else zuko.flows.MAF
        flow = kind(
            self.case.dims, transforms=self.case.layers, hidden_features=self.case.hidden_units
        )
        if self.case.flow == "iaf":
            inverted = [zuko.lazy.LazyInverse(t) for t in flow.transform.transforms]
            flow = zuko.lazy.Flow(inverted, flow.base)
        self._distribution = flow()
        return flow

    def log_density(self, x):
        """See `TorchPeer`."""
        return self._distribution.log_prob(x)

    def draw(self):
        """See `TorchPeer`."""
        return self._distribution.rsample((self.case.batch,))

    def draw_with_density(self):
        """See `TorchPeer`."""
        return self._distribution.rsample_and_log_prob((self.case.batch,))

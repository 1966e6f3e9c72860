"""zuko: ``MAF``, ``NSF``, ``NAF``, ``CNF``, and ``NICE`` with its affine or spline transform.

The order is reversed, and the coupling mask complemented, from layer to layer, as in its recipes.
Its affine log-scales are bounded; its NAF has the monotone networks of its own default.
"""

from functools import partial

import torch
import zuko

from benchmarks.speed.cases import BINS, TOLERANCE
from benchmarks.speed.peers.torch_base import TorchPeer


class Adapter(TorchPeer):
    """zuko's lazy flow, made a distribution once: without a context it stays valid in training."""

    def build(self):
        """See `TorchPeer`."""
        flow = self._flow()
        if self.case.flow == "iaf":
            inverted = [zuko.lazy.LazyInverse(t) for t in flow.transform.transforms]
            flow = zuko.lazy.Flow(inverted, flow.base)
        self._distribution = flow()
        return flow

    def _flow(self):
        dims, hidden = self.case.dims, self.case.hidden_units
        if self.case.flow == "ffjord":
            return zuko.flows.CNF(
                dims,
                atol=TOLERANCE,
                rtol=TOLERANCE,
                exact=False,
                hidden_features=hidden,
                activation=torch.nn.Tanh,
            )
        options = {"transforms": self.case.layers, "hidden_features": hidden}
        if self.case.flow == "nsf":
            return zuko.flows.NICE(
                dims,
                univariate=partial(zuko.transforms.MonotonicRQSTransform, slope=1e-3),
                shapes=[(BINS,), (BINS,), (BINS - 1,)],
                **options,
            )
        if self.case.flow == "nsf_ar":
            return zuko.flows.NSF(dims, bins=BINS, **options)
        kinds = {"realnvp": zuko.flows.RealNVP, "naf": zuko.flows.NAF}
        return kinds.get(self.case.flow, zuko.flows.MAF)(dims, **options)

    @property
    def needs_gradients(self):
        """See `TorchPeer`."""
        return self.case.flow == "naf"

    def log_density(self, x):
        """See `TorchPeer`."""
        return self._distribution.log_prob(x)

    def draw(self):
        """See `TorchPeer`."""
        return self._distribution.rsample((self.case.batch,))

    def draw_with_density(self):
        """See `TorchPeer`."""
        return self._distribution.rsample_and_log_prob((self.case.batch,))

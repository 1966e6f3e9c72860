"""nflows: its masked autoregressive and coupling transforms, affine or splines.

Networks are its feed-forward MADE and its MLP rather than the residual networks of its recipes,
which have twice as many hidden layers. Scales are a softplus (autoregressive) or a sigmoid
(coupling). A ``ReversePermutation`` stands between autoregressive layers, as in its recipe; the
coupling masks alternate.
"""

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.nn.nets import MLP
from nflows.transforms.autoregressive import (
    MaskedAffineAutoregressiveTransform,
    MaskedPiecewiseRationalQuadraticAutoregressiveTransform,
)
from nflows.transforms.base import CompositeTransform, InverseTransform
from nflows.transforms.coupling import (
    AffineCouplingTransform,
    PiecewiseRationalQuadraticCouplingTransform,
)
from nflows.transforms.permutations import ReversePermutation

from benchmarks.speed.cases import BINS, BOUND
from benchmarks.speed.peers.torch_base import TorchPeer

_SPLINE = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}


class _Conditioner(MLP):
    """nflows' MLP, called as its couplings call a network."""

    def forward(self, inputs, context=None):
        return super().forward(inputs)


class Adapter(TorchPeer):
    """An nflows ``Flow``."""

    def build(self):
        """See `TorchPeer`."""
        layers = self._couplings() if self.case.kind.coupling else self._autoregressive()
        return Flow(CompositeTransform(layers), StandardNormal([self.case.dims]))

    def _autoregressive(self):
        layers = []
        for i in range(self.case.layers):
            if i:
                layers.append(ReversePermutation(self.case.dims))
            kind, options = MaskedAffineAutoregressiveTransform, {}
            if self.case.flow == "nsf_ar":
                kind, options = MaskedPiecewiseRationalQuadraticAutoregressiveTransform, _SPLINE
            layer = kind(
                self.case.dims,
                self.case.hidden_units[0],
                num_blocks=len(self.case.hidden_units) - 1,
                use_residual_blocks=False,
                **options,
            )
            layers.append(InverseTransform(layer) if self.case.flow == "iaf" else layer)
        return layers

    def _couplings(self):
        mask = torch.ones(self.case.dims)
        mask[::2] = -1

        def network(inputs, outputs):
            return _Conditioner([inputs], [outputs], list(self.case.hidden_units))

        kind, options = AffineCouplingTransform, {}
        if self.case.flow == "nsf":
            kind, options = PiecewiseRationalQuadraticCouplingTransform, _SPLINE
        return [kind(mask * (-1) ** i, network, **options) for i in range(self.case.layers)]

    def log_density(self, x):
        """See `TorchPeer`."""
        return self.module.log_prob(x)

    def draw(self):
        """See `TorchPeer`."""
        return self.module.sample(self.case.batch)

    def draw_with_density(self):
        """See `TorchPeer`."""
        return self.module.sample_and_log_prob(self.case.batch)

"""normflows: its masked autoregressive layers and couplings, affine or splines.

Its autoregressive layer computes latent to data in one pass, which is IAF; ``Reverse`` turns it
into MAF. Networks are its feed-forward MADE and its MLP. Autoregressive scales are a sigmoid.
``Permute("swap")`` stands between the layers, as in its examples: it exchanges the halves rather
than reversing the order, so that in odd dimensions every coupling keeps the larger half and
parameters differ by less than a percent. Its base is fixed here. ``sample`` always computes the
density too.
"""

import normflows as nf
import torch
from normflows.flows.neural_spline.autoregressive import (
    MaskedPiecewiseRationalQuadraticAutoregressive,
)
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling

from benchmarks.speed.cases import BINS, BOUND
from benchmarks.speed.peers.torch_base import TorchPeer

_SPLINE = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}


class Adapter(TorchPeer):
    """A ``NormalizingFlow``."""

    def build(self):
        """See `TorchPeer`."""
        layers = []
        for i in range(self.case.layers):
            if i:
                layers.append(nf.flows.Permute(self.case.dims, mode="swap"))
            layers.append(self._layer())
        return nf.NormalizingFlow(nf.distributions.DiagGaussian(self.case.dims, False), layers)

    def _layer(self):
        dims, hidden = self.case.dims, self.case.hidden_units
        if self.case.flow == "nsf":
            return _SplineCoupling(dims, hidden)
        if self.case.flow == "nsf_ar":
            return _SplineAutoregressive(dims, hidden)
        if self.case.flow == "realnvp":
            kept = dims - dims // 2
            return nf.flows.AffineCouplingBlock(nf.nets.MLP([kept, *hidden, 2 * (dims - kept)]))
        layer = nf.flows.MaskedAffineAutoregressive(
            dims, hidden[0], num_blocks=len(hidden) - 1, use_residual_blocks=False
        )
        return layer if self.case.flow == "iaf" else nf.flows.Reverse(layer)

    def log_density(self, x):
        """See `TorchPeer`."""
        return self.module.log_prob(x)

    def draw(self):
        """See `TorchPeer`."""
        return self.module.sample(self.case.batch)[0]

    def draw_with_density(self):
        """See `TorchPeer`."""
        return self.module.sample(self.case.batch)


class _Spline(nf.flows.Flow):
    """A spline layer of its own, whose forward direction is from data to latent."""

    def forward(self, z, context=None):
        z, log_det = self.layer.inverse(z)
        return z, log_det.view(-1)

    def inverse(self, z, context=None):
        z, log_det = self.layer(z)
        return z, log_det.view(-1)


class _SplineCoupling(_Spline):
    """Its coupling with its MLP; its wrapper has residual networks and a second spline."""

    def __init__(self, dims, hidden):
        super().__init__()
        mask = torch.arange(dims) >= dims - dims // 2
        self.layer = PiecewiseRationalQuadraticCoupling(
            mask.int(), lambda inputs, outputs: _Conditioner([inputs, *hidden, outputs]), **_SPLINE
        )


class _SplineAutoregressive(_Spline):
    """Its masked layer without residual blocks, which its wrapper always has."""

    def __init__(self, dims, hidden):
        super().__init__()
        self.layer = MaskedPiecewiseRationalQuadraticAutoregressive(
            dims, hidden[0], num_blocks=len(hidden) - 1, use_residual_blocks=False, **_SPLINE
        )


class _Conditioner(nf.nets.MLP):
    """Its MLP, called as its couplings call a network."""

    def forward(self, x, context=None):
        return super().forward(x)

"""normflows: its masked affine autoregressive layer and its affine coupling block.

Its autoregressive layer computes latent to data in one pass, which is IAF; ``Reverse`` turns it
into MAF. Networks are its feed-forward MADE and its MLP. Autoregressive scales are a sigmoid.
``Permute("swap")`` stands between the layers, as in its examples: it exchanges the halves rather
than reversing the order, so that in odd dimensions every coupling keeps the larger half and
parameters differ by less than a percent. Its base is fixed here. ``sample`` always computes the
density too.
"""

import normflows as nf

from benchmarks.speed.peers.torch_base import TorchPeer


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

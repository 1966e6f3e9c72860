"""What the PyTorch libraries share."""

import abc

import torch

from benchmarks.speed.peers.base import LoopPeer


class TorchPeer(LoopPeer):
    """A PyTorch module, run eagerly or with ``torch.compile``.

    Adam is the fused one, the fastest of PyTorch's on CPUs. The compiled variant compiles the
    loss with its gradient, and the calls that are one pass; loops over the dimensions are left to
    the eager variant, because ``torch.compile`` unrolls them.
    """

    def __init__(self, case, data, variant, threads):
        super().__init__(case, data, variant, threads)
        torch.set_num_threads(threads)
        torch.manual_seed(case.seed)
        self.module = self.build()
        self._rows = torch.from_numpy(self.batch)
        self._optimizer = torch.optim.Adam(
            self.module.parameters(), lr=case.learning_rate, fused=True
        )
        self._loss = self._prepared(lambda x: -self.log_density(x).mean())

    @abc.abstractmethod
    def build(self) -> torch.nn.Module:
        """Builds the module, whose parameters are those of the flow."""

    @abc.abstractmethod
    def log_density(self, x):
        """Log-densities ``[n]`` of rows ``[n, dims]``."""

    @abc.abstractmethod
    def draw(self):
        """Samples ``[batch, dims]``."""

    @abc.abstractmethod
    def draw_with_density(self):
        """Samples and their log-densities."""

    @property
    def needs_gradients(self) -> bool:
        """Whether the library differentiates to compute a density."""
        return False

    def parameters(self):
        """See `Peer`."""
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)

    def operations(self):
        """See `Peer`."""
        calls = {
            "log_prob": self._call(lambda: self.log_density(self._rows)),
            "sample": self._call(self.draw),
            "sample_and_log_prob": self._call(self.draw_with_density),
        }
        if self.variant == "compiled":
            calls = {k: v for k, v in calls.items() if k not in self.case.kind.sequential}
        return calls

    def _prepared(self, function):
        if self.variant == "compiled":
            return torch.compile(function, dynamic=False)
        return function

    def _call(self, function):
        function = self._prepared(function)
        # Compiled code refuses some tensors that are made in inference mode.
        mode = torch.no_grad if self.variant == "compiled" else torch.inference_mode
        if self.needs_gradients:
            mode = torch.enable_grad

        def call():
            with mode():
                result = function()
            parts = result if isinstance(result, tuple) else (result,)
            arrays = tuple(part.detach().numpy() for part in parts)
            return arrays if isinstance(result, tuple) else arrays[0]

        return call

    def batches(self):
        """See `LoopPeer`."""
        return list(torch.from_numpy(self.data).split(self.case.batch))

    def step(self, batch):
        """See `LoopPeer`."""
        self._optimizer.zero_grad(set_to_none=True)
        self._loss(batch).backward()
        self._optimizer.step()

    def finish(self):
        """See `LoopPeer`; PyTorch on CPUs returns when it is done."""

    def products(self, rows, size, count):
        """See `Peer`."""
        start, factor = torch.randn(rows, size), torch.randn(size, size) / size**0.5
        out = torch.empty(2, rows, size)

        def call():
            x = start
            for i in range(count):
                x = torch.mm(x, factor, out=out[i % 2])
            return x

        return call

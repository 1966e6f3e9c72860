"""What the JAX libraries share."""

import abc

import jax
import numpy as np
import optax

from benchmarks.speed.peers.base import LoopPeer


class JaxPeer(LoopPeer):
    """A flow as functions of a tree of arrays; every call is jitted.

    The training step gives its parameters and the optimiser's state to XLA to be overwritten.
    """

    def __init__(self, case, data, variant, threads):
        super().__init__(case, data, variant, threads)
        self._params = self.build(jax.random.key(case.seed))
        self._optimizer = optax.adam(case.learning_rate)
        self._state = self._optimizer.init(self._params)
        self._step = jax.jit(self._update, donate_argnums=(0, 1))
        self._key = jax.random.key(case.seed + 1)

    @abc.abstractmethod
    def build(self, key):
        """Builds the flow; returns its trainable arrays as a tree."""

    @abc.abstractmethod
    def log_density(self, params, x):
        """Log-densities ``[n]`` of rows ``[n, dims]``."""

    @abc.abstractmethod
    def draw(self, params, key):
        """Samples ``[batch, dims]``."""

    @abc.abstractmethod
    def draw_with_density(self, params, key):
        """Samples and their log-densities."""

    def parameters(self):
        """See `Peer`."""
        return sum(leaf.size for leaf in jax.tree.leaves(self._params))

    def operations(self):
        """See `Peer`."""
        log_density, draw = jax.jit(self.log_density), jax.jit(self.draw)
        both = jax.jit(self.draw_with_density)
        return {
            "log_prob": lambda: np.asarray(log_density(self._params, self.batch)),
            "sample": lambda: np.asarray(draw(self._params, self._next_key())),
            "sample_and_log_prob": lambda: jax.device_get(both(self._params, self._next_key())),
        }

    def _next_key(self):
        self._key, key = jax.random.split(self._key)
        return key

    def _update(self, params, state, batch):
        gradients = jax.grad(lambda p: -self.log_density(p, batch).mean())(params)
        updates, state = self._optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    def step(self, batch):
        """See `LoopPeer`."""
        self._params, self._state = self._step(self._params, self._state, batch)

    def finish(self):
        """See `LoopPeer`."""
        jax.block_until_ready((self._params, self._state))

    def products(self, rows, size, count):
        """See `Peer`."""
        start = jax.random.normal(self._key, (rows, size))
        factor = jax.random.normal(self._key, (size, size)) / size**0.5

        @jax.jit
        def chain(x, factor):
            for _ in range(count):
                x = x @ factor
            return x

        return lambda: chain(start, factor).block_until_ready()

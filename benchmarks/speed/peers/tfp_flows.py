"""This package, as a user calls it: recipes, `FlowModel.compile` and `fit` with their defaults.

Recipes without their standardiser, which no peer has. `fit` shuffles the rows of an epoch; the
loops around the peers without a `fit` do not.
"""

import tfp_flows as tff
from benchmarks.speed.cases import BINS, BOUND, TOLERANCE
from benchmarks.speed.peers.keras_base import KerasPeer


class Adapter(KerasPeer):
    """A `FlowModel`; ``sample_eager`` is `sample` outside of any `tf.function`.

    ``log_prob_frozen`` is that of `Flow.frozen`, which looks for changed weights at each call, and
    ``log_prob_fixed`` one that does not.
    """

    @property
    def callback(self):
        """See `KerasPeer`."""
        return tff.models.EachCall

    def build(self):
        """See `KerasPeer`."""
        own = {
            "nsf": {"num_bins": BINS, "bound": BOUND},
            "nsf_ar": {"num_bins": BINS, "bound": BOUND, "mode": "autoregressive"},
            "ffjord": {"rtol": TOLERANCE, "atol": TOLERANCE, "trace": "hutchinson"},
        }.get(self.case.flow, {})
        flow = getattr(tff.flows, self.case.flow.removesuffix("_ar"))(
            event_shape=self.case.dims,
            num_layers=self.case.layers,
            hidden_units=self.case.hidden_units,
            activation="tanh" if self.case.flow == "ffjord" else "relu",
            standardize=False,
            seed=self.case.seed,
            **own,
        )
        model = tff.FlowModel(flow)
        # Keras' Adam has the learning rate of all cases by default.
        model.compile("adam")
        return flow, model

    def fit(self, x, epochs, callback):
        """See `KerasPeer`."""
        self.model.fit(
            x, batch_size=self.case.batch, epochs=epochs, verbose=0, callbacks=[callback]
        )

    def operations(self):
        """See `Peer`."""
        own = {"sample_eager": lambda: self.flow.sample(self.case.batch).numpy()}
        if "log_prob" in self.case.kind.operations:
            for name, check in (("log_prob_frozen", True), ("log_prob_fixed", False)):
                frozen = self.flow.frozen(check=check, batch_sizes=[self.case.batch])
                own[name] = lambda frozen=frozen: frozen.log_prob(self._rows).numpy()
        return super().operations() | own

    def draw_with_density(self):
        """See `KerasPeer`."""
        return self.flow.sample_and_log_prob(self.case.batch)

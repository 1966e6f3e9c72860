"""TensorFlow Probability itself, trained with tf_keras as its documentation shows.

``AutoregressiveNetwork``, ``RealNVP`` and ``FFJORD`` with a tf_keras network. Every other layer
reverses its own order instead of standing next to a permutation, which costs nothing. Output
kernels start small, because TFP's log-scales are unbounded. Compiled by XLA (``xla``) or as a
graph (``graph``), in `fit` and in the calls.
"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from benchmarks.speed.cases import BINS, BOUND, TOLERANCE
from benchmarks.speed.peers.keras_base import KerasPeer

tfb, tfd = tfp.bijectors, tfp.distributions


class Adapter(KerasPeer):
    """A `tfd.TransformedDistribution` under a functional tf_keras model."""

    @property
    def callback(self):
        """See `KerasPeer`."""
        return tf_keras.callbacks.Callback

    @property
    def jit_compile(self):
        """Whether XLA compiles."""
        return self.variant == "xla"

    def build(self):
        """See `KerasPeer`."""
        tf_keras.utils.set_random_seed(self.case.seed)
        layer = self._coupling if self.case.kind.coupling else self._autoregressive
        if self.case.flow == "ffjord":
            layer = self._continuous
        base = tfd.Sample(tfd.Normal(0.0, 1.0), [self.case.dims])
        flow = tfd.TransformedDistribution(
            base, tfb.Chain([layer(i) for i in range(self.case.layers)])
        )
        if self.case.flow == "iaf":
            flow.sample(1)
            return flow, None
        if self.case.flow == "ffjord":
            model = _Density(flow)
        else:
            rows = tf_keras.Input([self.case.dims])
            model = tf_keras.Model(rows, flow.log_prob(rows))
        model.compile(
            tf_keras.optimizers.Adam(self.case.learning_rate),
            loss=lambda _, log_prob: -log_prob,
            jit_compile=self.jit_compile,
        )
        return flow, model

    def _autoregressive(self, i):
        network = tfb.AutoregressiveNetwork(
            self.case.kind.parameters,
            event_shape=self.case.dims,
            hidden_units=list(self.case.hidden_units),
            activation="relu",
            input_order=("left-to-right", "right-to-left")[i % 2],
            kernel_initializer=tf_keras.initializers.VarianceScaling(0.1),
        )
        if self.case.flow == "nsf_ar":
            return tfb.MaskedAutoregressiveFlow(bijector_fn=_SplineAt(network))
        layer = tfb.MaskedAutoregressiveFlow(network)
        return tfb.Invert(layer) if self.case.flow == "iaf" else layer

    def _coupling(self, i):
        kept, *hidden, outputs = self.case.network_sizes()[i]
        network = tf_keras.Sequential(
            [
                tf_keras.Input([kept]),
                *(tf_keras.layers.Dense(units, "relu") for units in hidden),
                tf_keras.layers.Dense(
                    outputs, kernel_initializer=tf_keras.initializers.VarianceScaling(0.1)
                ),
            ]
        )
        function = {"shift_and_log_scale_fn": _ShiftAndLogScale(network)}
        if self.case.flow == "nsf":
            function = {"bijector_fn": _SplineOf(network)}
        # A negative number keeps the last entries.
        return tfb.RealNVP(num_masked=kept if i % 2 == 0 else -kept, **function)

    def _continuous(self, i):
        inputs, *hidden, outputs = self.case.network_sizes()[i]
        network = tf_keras.Sequential(
            [
                tf_keras.Input([inputs]),
                *(tf_keras.layers.Dense(units, "tanh") for units in hidden),
                tf_keras.layers.Dense(
                    outputs, kernel_initializer=tf_keras.initializers.VarianceScaling(0.1)
                ),
            ]
        )
        solver = tfp.math.ode.DormandPrince(rtol=TOLERANCE, atol=TOLERANCE)
        return tfb.FFJORD(
            state_time_derivative_fn=_Field(network),
            ode_solve_fn=solver.solve,
        )

    def fit(self, x, epochs, callback):
        """See `KerasPeer`."""
        targets = np.zeros((len(x), 0), np.float32)
        self.model.fit(
            x, targets, batch_size=self.case.batch, epochs=epochs, verbose=0, callbacks=[callback]
        )

    def draw_with_density(self):
        """See `KerasPeer`."""
        return self.flow.experimental_sample_and_log_prob(self.case.batch)


class _Density(tf_keras.Model):
    """A flow whose `log_prob` refuses the symbolic tensors of a functional model."""

    def __init__(self, flow):
        super().__init__()
        self._flow = flow

    def call(self, x):
        return self._flow.log_prob(x)


class _ShiftAndLogScale(tf.Module):
    """A network as `tfb.RealNVP` calls it; a module, so that its variables are seen."""

    def __init__(self, network):
        super().__init__()
        self._network = network

    def __call__(self, x, units):
        return tf.split(self._network(x), [units, units], axis=-1)


def _spline(parameters):
    """TFP's spline within the bound, from ``[..., entries, 3 BINS - 1]``."""
    widths, heights, slopes = tf.split(parameters, [BINS, BINS, BINS - 1], axis=-1)

    def sizes(raw):
        return 2 * BOUND * (1e-3 + (1 - 1e-3 * BINS) * tf.nn.softmax(raw))

    return tfb.RationalQuadraticSpline(
        bin_widths=sizes(widths),
        bin_heights=sizes(heights),
        knot_slopes=1e-3 + tf.nn.softplus(slopes + np.log(np.expm1(1.0))),
        range_min=-BOUND,
    )


class _SplineOf(tf.Module):
    """A network as `tfb.RealNVP` calls it for a bijector."""

    def __init__(self, network):
        super().__init__()
        self._network = network

    def __call__(self, x, units):
        return _spline(tf.reshape(self._network(x), [-1, units, 3 * BINS - 1]))


class _SplineAt(tf.Module):
    """A network as `tfb.MaskedAutoregressiveFlow` calls it for a bijector."""

    def __init__(self, network):
        super().__init__()
        self._network = network

    def __call__(self, x):
        return _spline(self._network(x))


class _Field(tf.Module):
    """A field of time and state, from a network of both."""

    def __init__(self, network):
        super().__init__()
        self._network = network

    def __call__(self, time, state):
        clock = tf.fill([tf.shape(state)[0], 1], tf.cast(time, state.dtype))
        return self._network(tf.concat([state, clock], axis=-1))

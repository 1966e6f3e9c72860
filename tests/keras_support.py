"""What the tests of the Keras side share: a known density, small flows, small networks."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras

COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
MEAN = np.array([30.0, -5.0])


def gaussian(n, seed=0):
    generator = np.random.default_rng(seed)
    return generator.multivariate_normal(MEAN, COVARIANCE, n).astype(np.float32)


def small(name="maf", **options):
    # Each layer costs every test its trace; of couplings one would leave half of the event alone.
    layers = 1 if name == "maf" else 2
    options = {"event_shape": 2, "hidden_units": [8], "num_layers": layers, "seed": 0, **options}
    return tff.flows.get(name)(**options)


def compiled(flow, rate=1e-2, model=tff.FlowModel, **options):
    model = model(flow)
    model.compile(keras.optimizers.Adam(rate), **options)
    return model


def true_log_prob(x):
    distribution = tfd.MultivariateNormalFullCovariance(MEAN, COVARIANCE)
    return distribution.log_prob(x.astype(np.float64)).numpy()


def context_data(n=600, seed=0):
    generator = np.random.default_rng(seed)
    context = generator.uniform(-1, 1, (n, 1)).astype(np.float32)
    noise = generator.normal(size=(n, 2)).astype(np.float32)
    return context * [3.0, -3.0] + 0.3 * noise, context


def conditioner(**options):
    return keras.Sequential(
        [
            keras.Input([1]),
            keras.layers.Dense(8, "tanh", **options),
            keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.3)),
        ]
    )


def coupling_flow(network):
    coupling = tff.bijectors.Coupling(event_shape=2, conditioner=network)
    return tff.Flow(tff.flows.standard_normal(2), coupling)

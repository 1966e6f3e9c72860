"""A flow inside of another module: its variables are found, and functions take it as before."""

import copy

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows import bijectors as B

tfd = tfp.distributions


class Holder(tf.Module):
    """Holds one thing."""

    def __init__(self, held):
        super().__init__()
        self.held = held


class Own(tff.Flow):
    """A class of a user's own."""


def planar(cls=tff.Flow, base=None):
    base = tff.flows.standard_normal(2) if base is None else base
    return cls(base, B.Planar(event_shape=2))


OWN = len(planar().bijector.trainable_variables)
HELD = {
    "flow": lambda flow: flow,
    "list and dict": lambda flow: [flow, {"again": flow}],
    "tfd.Sample": lambda flow: tfd.Sample(flow, 3),
    "tfd.Independent": lambda flow: tfd.Independent(flow, 0),
    "tfd.TransformedDistribution": lambda flow: tfd.TransformedDistribution(
        flow, tfp.bijectors.Exp()
    ),
    "tfd.MixtureSameFamily": lambda flow: tfd.Mixture(tfd.Categorical([0.0, 0.0]), [flow, flow]),
}


@pytest.mark.parametrize("cls", [tff.Flow, Own])
@pytest.mark.parametrize("name", HELD)
def test_variables_are_found(name, cls):
    """TensorFlow takes composite tensors apart, and found in flows no variable but the base's."""
    flow = planar(cls)
    found = Holder(HELD[name](flow)).trainable_variables
    assert {id(v) for v in found} == {id(v) for v in flow.trainable_variables}
    assert len(found) == len(flow.trainable_variables) == OWN


def test_a_flow_on_a_flow_trains_both():
    base = planar(base=tff.bases.StudentT(event_shape=2))
    both = planar(base=base)
    assert len(base.trainable_variables) > OWN  # degrees of freedom
    assert len(both.trainable_variables) == OWN + len(base.trainable_variables)
    model = tff.FlowModel(both)
    before = [variable.numpy() for variable in base.trainable_variables]
    model.compile(tf.keras.optimizers.Adam(0.05))
    x = np.random.default_rng(0).gamma(2.0, size=(200, 2)).astype(np.float32)
    model.fit(x, epochs=3, verbose=0)
    for variable, start in zip(base.trainable_variables, before, strict=True):
        assert np.abs(variable.numpy() - start).max() > 1e-4


def test_functions_take_flows():
    """As an argument a flow is traced once, and its weights are those of the moment."""
    traced = []

    @tf.function
    def density(flow, x):
        traced.append(1)
        return flow.log_prob(x)

    x = tf.constant([[0.3, -1.0]])
    for flow in (planar(), planar()):
        for step in range(3):
            for variable in flow.trainable_variables:
                variable.assign_add(0.1 * step * tf.ones_like(variable))
            np.testing.assert_allclose(density(flow, x), flow.log_prob(x), rtol=1e-6)
    assert len(traced) == 2


def test_copies_have_variables_of_their_own():
    flow = planar()
    held = Holder(copy.deepcopy(flow))
    assert len(held.trainable_variables) == OWN
    assert not {id(v) for v in held.trainable_variables} & {id(v) for v in flow.variables}

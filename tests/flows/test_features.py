"""Flows of maps of features: FastFlow and CFLOW."""

import numpy as np
import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.flows.features import positions_2d

F = tff.flows
SCALES = [(4, 4, 4), (2, 2, 6)]


def data(count=12):
    size = sum(int(np.prod(shape)) for shape in SCALES)
    return np.random.default_rng(0).normal(size=(count, size))


@pytest.mark.parametrize("name", ["fastflow", "cflow"])
def test_maps_of_all_scales_sum_to_the_density(name):
    flow = F.get(name)(event_shape=SCALES, num_layers=2, dtype="float64", seed=0)
    flow.adapt(data())
    maps = F.feature_maps(flow, data(3))
    assert [nats.shape for nats, _ in maps] == [(3, 4, 4), (3, 2, 2)]
    total = sum(tf.reduce_sum(nats, axis=[1, 2]) for nats, _ in maps)
    np.testing.assert_allclose(total, -flow.log_prob(data(3)), rtol=1e-10)
    assert sum(np.prod(one[1].shape[1:]) for one in maps) == 20


@pytest.mark.parametrize("name", ["fastflow", "cflow"])
def test_one_scale_is_a_map_of_its_own(name):
    flow = F.get(name)(event_shape=SCALES[0], num_layers=1, seed=0)
    x = data(3)[:, :64].reshape(3, 4, 4, 4)
    ((nats, squares),) = F.feature_maps(flow, x)
    np.testing.assert_allclose(nats, -flow.log_prob_map(x), rtol=1e-5)
    z = flow.to_latent(x)
    np.testing.assert_allclose(squares, tf.reduce_mean(z**2, axis=-1), rtol=1e-5)


def test_scales_are_trained_as_if_alone():
    whole = F.fastflow(event_shape=SCALES, num_layers=1, dtype="float64", seed=0)
    parts = whole.bijector.parts(data())
    np.testing.assert_array_equal(whole.bijector.join(parts), data())
    alone = [
        F.Flow(F.standard_normal(m.latent_shape, "float64"), m) for m in whole.bijector.bijectors
    ]
    whole.adapt(data())
    total = sum(flow.log_prob(part) for flow, part in zip(alone, parts, strict=True))
    np.testing.assert_allclose(whole.log_prob(data()), total, rtol=1e-10)


def test_cflow_treats_places_alike_but_for_where_they_are():
    flow = F.cflow(event_shape=(3, 2, 4), num_layers=2, position_size=8, dtype="float64", seed=0)
    flow.adapt(np.random.default_rng(1).normal(size=(20, 3, 2, 4)))
    for variable in flow.trainable_variables:
        variable.assign_add(0.3 * tf.random.normal(variable.shape, dtype=variable.dtype))
    x = np.random.default_rng(2).normal(size=(1, 3, 2, 4))
    moved = x.copy()
    moved[0, 0, 0] += 1.0
    change = flow.log_prob_map(moved) - flow.log_prob_map(x)
    assert np.count_nonzero(np.abs(change) > 1e-9) == 1  # no place looks at another
    same = np.broadcast_to(x[:, :1, :1], x.shape)
    assert len(np.unique(flow.log_prob_map(same).numpy().round(9))) == 6  # but each knows itself


def test_positions_tell_places_apart():
    positions = positions_2d(5, 7, 8).reshape(35, 8)
    assert len(np.unique(positions.round(9), axis=0)) == 35
    assert positions[0].tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_a_flow_without_fixed_height_and_width():
    flow = F.fastflow(event_shape=(None, None, 4), num_layers=1, seed=0)
    assert flow.log_prob_map(np.zeros((2, 3, 5, 4))).shape == (2, 3, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"event_shape": (4, 4)}, "models maps"),
        ({"event_shape": [(4, 4, 2), (4, 4)]}, "models maps"),
        ({"mixing": "flip"}, "Unknown mixing"),
        ({"hidden_ratio": 0}, "hidden_ratio must be positive"),
        ({"kernel_sizes": (2,)}, "must be odd"),
        ({"num_layers": 0}, "num_layers must be a positive"),
        ({"event_shape": (4, 4, 1)}, "none by channels"),
    ],
)
def test_bad_values(options, message):
    with pytest.raises(ValueError, match=message):
        F.fastflow(**{"event_shape": (4, 4, 4), **options})


def test_bad_values_of_positions_and_parts():
    with pytest.raises(ValueError, match="divisible by 4"):
        F.cflow(event_shape=(4, 4, 4), position_size=6)
    blockwise = F.fastflow(event_shape=SCALES, num_layers=1).bijector
    with pytest.raises(ValueError, match="holds 2 parts, got 1"):
        blockwise.join([np.zeros((1, 4, 4, 4))])
    image = F.fastflow(event_shape=(None, None, 4), num_layers=1).bijector
    with pytest.raises(ValueError, match="free length"):
        tff.bijectors.Blockwise([image])
    with pytest.raises(ValueError, match="at least one"):
        tff.bijectors.Blockwise([])
    with pytest.raises(TypeError, match="not a bijector"):
        tff.bijectors.Blockwise([None])


def test_network_with_contexts():
    for shape in ((3,), (4, 4, 3)):
        network = tff.networks.ConvNetwork(
            input_size=2, output_size=5, hidden_units=[6], context_shape=shape, output_scale=1.0
        )
        x, context = tf.ones([2, 4, 4, 2]), tf.random.normal([2, *shape])
        one, other = network(x, context), network(x, 2 * context)
        assert one.shape == (2, 4, 4, 5)
        assert np.abs(one - other).max() > 1e-3
    with pytest.raises(ValueError, match="vector or a map"):
        tff.networks.ConvNetwork(input_size=2, output_size=5, context_shape=(4, 3))

"""The checks of `tfp_flows.testing` over every flow of the table, and what holds of all."""

import numpy as np
import pytest
import rows
import tensorflow as tf
from rows import DIMS, FLOWS

from tfp_flows.testing import FLOW_CHECKS
from tfp_flows.testing import flows as checks

# How exactly log-densities agree.
BOUNDS = {tf.float32: 2e-4, tf.float64: 1e-10}
SOLVED = {"ffjord": 1e-3}


def bound(name, dtype):
    return SOLVED.get(name, BOUNDS[dtype])


def flow_rows(names=FLOWS, few=()):
    """Rows that hold parts of a Keras run again under the other one; a few of them quick."""
    marks = {name: [pytest.mark.keras] for name in rows.OF_KERAS}
    if few:
        for name in set(names) - set(few):
            marks[name] = [*marks.get(name, []), pytest.mark.deep]
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=marks.get(name, [])) for name in names]
    )


# Where what is checked is the distribution's, whatever its bijector.
PLAIN = [name for name in FLOWS if not name.endswith(("_mixed", "_normalised"))]
FEW = ("maf", "iaf", "nsf_mixed", "planar", "residual", "ffjord", "softsign_bimodal")


CONDITIONAL = [name for name in FLOWS if name != "softsign_bimodal"]


# Its search takes longest, in every flow that holds it.
FAST = [name for name in FLOWS if not name.startswith("gaussianization")]
# Of other flows that search or solve, one stands for all.
LIGHT = [name for name in FAST if name in PLAIN and name not in ("bernstein", "sos", "ffjord")]


@flow_rows(few=LIGHT)
@pytest.mark.parametrize(
    "dtype",
    [pytest.param(tf.float32, marks=pytest.mark.deep, id="float32"), tf.float64],
)
def test_density(name, dtype):
    checks.density(rows.flow(name, dtype), bound(name, dtype))


@flow_rows(few=LIGHT)
@pytest.mark.parametrize("cells", [150, pytest.param(1000, marks=pytest.mark.deep)])
def test_density_integrates_to_one(name, cells):
    box = (-np.ones(2), np.ones(2)) if name == "softsign_bimodal" else None
    assert checks.integral(rows.flow(name, event_shape=2), cells=cells, box=box)


@flow_rows(few=FEW)
def test_flow_is_a_distribution_of_tfp(name):
    checks.distribution(rows.flow(name), bound(name, tf.float32))


@flow_rows(few=FEW)
def test_gradient_of_log_prob_at_an_own_sample(name):
    checks.gradient_at_samples(rows.flow(name), 1e-6)


@flow_rows(CONDITIONAL, few=LIGHT)
def test_conditional(name):
    flow = rows.flow(name, tf.float64, context_shape=rows.CONTEXT)
    checks.conditional(flow, 1e-9)


def test_each_check_is_used():
    used = {"density", "integral", "distribution", "gradient_at_samples", "conditional"}
    assert used == set(FLOW_CHECKS)


@flow_rows(CONDITIONAL, few=FEW)
def test_shapes_of_a_flow_with_context(name):
    flow = rows.flow(name, tf.float64, context_shape=rows.CONTEXT)
    x, context = rows.points((4,), tf.float64), rows.contexts((4,), tf.float64)
    log_prob = flow.log_prob(x, context)
    assert flow.sample(7, context, seed=(0, 1)).shape == (7, 4, DIMS)
    assert flow.sample((2, 3), context[0], seed=(0, 1)).shape == (2, 3, DIMS)
    given = flow.given(context)
    assert (given.batch_shape, given.event_shape) == ((4,), (DIMS,))
    np.testing.assert_allclose(given.log_prob(x), log_prob, rtol=1e-12)
    np.testing.assert_array_equal(
        given.sample(7, seed=(0, 1)).numpy().shape, flow.sample(7, context, seed=(0, 1)).shape
    )
    samples, own = flow.sample_and_log_prob(7, context, seed=(0, 1))
    np.testing.assert_allclose(flow.log_prob(samples, context), own, rtol=1e-8, atol=1e-8)
    assert flow.log_prob(x[:, tf.newaxis], context).shape == (4, 4)


@flow_rows(few=FEW)
def test_flow_without_context_refuses_one(name):
    flow = rows.flow(name)
    with pytest.raises(ValueError, match="without context_shape"):
        flow.log_prob(np.zeros((2, DIMS)), context=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="without context_shape"):
        flow.sample(3, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="takes no context"):
        flow.given(np.zeros((2, 2)))
    with pytest.raises(TypeError):
        flow.log_prob(np.zeros((2, DIMS)), bijector_kwargs={"maf": {"context": 1}})

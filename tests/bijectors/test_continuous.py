"""What is particular to continuous flows: solvers, estimates, penalties, failures."""

import numpy as np
import pytest
import tensorflow as tf
from rows import randomise

import tfp_flows as tff
from tfp_flows.penalties import collected_penalties

B = tff.bijectors


class Linear(tff.Configurable, tf.Module):
    """The field ``A x + t b``, whose solution is known."""

    matrix = np.array([[0.3, -1.2], [0.8, 0.1]])
    drift = np.array([0.5, -2.0])

    def __call__(self, inputs):
        x, time = inputs[:, :2], inputs[:, 2:]
        return tf.matmul(x, self.matrix, transpose_b=True) + time * self.drift


def exact(start, begin, end):
    """The solution by many small steps of the midpoint rule, in NumPy."""
    x, steps = start.copy(), 4000
    step = (end - begin) / steps
    for i in range(steps):
        time = begin + i * step
        middle = x + step / 2 * (x @ Linear.matrix.T + time * Linear.drift)
        x = x + step * (middle @ Linear.matrix.T + (time + step / 2) * Linear.drift)
    return x


@pytest.mark.parametrize("solver", ["dopri5", "rk4"])
@pytest.mark.parametrize("times", [(1.0, -0.5), pytest.param((0.7, 2.0), marks=pytest.mark.deep)])
def test_both_solvers_find_the_solution_between_any_times(solver, times):
    flow = B.ContinuousFlow(
        event_shape=2,
        network=Linear(),
        solver=solver,
        initial_time=times[0],
        final_time=times[1],
        rtol=1e-9,
        atol=1e-9,
        num_steps=60,
        dtype=tf.float64,
    )
    x = np.random.default_rng(0).normal(size=(5, 2))
    y, log_det = tf.function(flow.forward_and_log_det)(x)
    np.testing.assert_allclose(y, exact(x, *times), atol=1e-6)
    np.testing.assert_allclose(log_det, np.trace(Linear.matrix) * (times[1] - times[0]), atol=1e-6)
    back, back_log_det = tf.function(flow.inverse_and_log_det)(y)
    np.testing.assert_allclose(back, x, atol=1e-6)
    np.testing.assert_allclose(back_log_det, -log_det, atol=1e-6)
    way = flow.trajectory(x, num=4)
    assert way.shape == (4, 5, 2)
    np.testing.assert_allclose(
        way[1], exact(x, times[0], times[0] + np.diff(times)[0] / 3), atol=1e-6
    )


def small(**options):
    return randomise(
        B.ContinuousFlow(event_shape=3, hidden_units=[8], seed=0, dtype=tf.float64, **options)
    )


@pytest.mark.parametrize("noise", ["rademacher", "gaussian"])
def test_the_trace_is_estimated_in_training_alone_and_without_bias(noise):
    flow = small(trace="hutchinson", noise=noise, rtol=1e-8, atol=1e-8)
    y = np.tile(np.random.default_rng(1).normal(size=(1, 3)), (20_000, 1))
    once, again = (flow.inverse_and_log_det(y[:3])[1] for _ in range(2))
    np.testing.assert_array_equal(once, again)
    estimates = flow.inverse_and_log_det(y, training=True)[1].numpy()
    assert estimates.std() > 0.01
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - once[0]) < 5 * error


@pytest.mark.parametrize("solver", [pytest.param("dopri5", marks=pytest.mark.deep), "rk4"])
def test_gradients_are_those_of_finite_differences(solver):
    flow = small(rtol=1e-10, atol=1e-10, solver=solver)
    y = tf.constant(np.random.default_rng(2).normal(size=(4, 3)))

    @tf.function
    def loss():
        x, log_det = flow.inverse_and_log_det(y)
        return tf.reduce_sum(tf.sin(x)) + tf.reduce_sum(log_det)

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, flow.trainable_variables)
    generator, step = np.random.default_rng(3), 1e-5
    for variable, gradient in zip(flow.trainable_variables, gradients, strict=True):
        way = generator.normal(size=variable.shape)
        variable.assign_add(step * way)
        up = loss()
        variable.assign_sub(2 * step * way)
        down = loss()
        variable.assign_add(step * way)
        expected = float(np.vdot(gradient, way))
        assert float(up - down) / (2 * step) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.deep
def test_evaluations_are_counted_and_grow_with_precision():
    y = np.random.default_rng(4).normal(size=(10, 3))
    bounds = (1e-3, 1e-6, 1e-10)
    counts = [int(small(rtol=bound, atol=bound).path(y).evaluations) for bound in bounds]
    assert counts == sorted(set(counts))
    assert int(small(solver="rk4", num_steps=7).path(y).evaluations) == 28


@pytest.mark.deep
def test_penalties_join_the_loss_of_a_step_and_straighten_the_way():
    data = np.random.default_rng(5).normal(size=(256, 2)).astype(np.float32) * [1.0, 0.2]

    def trained(**options):
        flow = tff.flows.ffjord(
            event_shape=2, hidden_units=[16], solver="rk4", num_steps=8, seed=0, **options
        )
        model = tff.FlowModel(randomise(flow, scale=0.3))
        model.compile(tf.keras.optimizers.Adam(1e-2))
        model.fit(data, epochs=10, batch_size=64, verbose=0)
        field = next(m for m in flow.submodules if isinstance(m, B.ContinuousFlow))
        path = field.path(data.astype(np.float32))
        return float(tf.reduce_mean(path.kinetic)), float(tf.reduce_mean(path.jacobian))

    free, held = trained(), trained(kinetic_penalty=1.0, jacobian_penalty=1.0)
    assert held[0] < 0.7 * free[0]
    assert held[1] < 0.7 * free[1]


def test_penalties_are_collected_once_a_pass_and_in_training_alone():
    flow = small(kinetic_penalty=2.0, jacobian_penalty=3.0)
    y = np.random.default_rng(6).normal(size=(5, 3))
    with collected_penalties() as penalties:
        flow.inverse_and_log_det(y)
        assert not penalties
        flow.inverse_and_log_det(y, training=True)
    path = flow.path(y)
    expected = 2 * tf.reduce_mean(path.kinetic) + 3 * tf.reduce_mean(path.jacobian)
    (penalty,) = penalties
    np.testing.assert_allclose(penalty, expected, rtol=1e-6)


def test_a_stiff_field_says_at_which_tolerance_it_ran_out_of_steps():
    flow = small(max_steps=3, rtol=1e-9, atol=1e-9, name="stiff")
    y = np.random.default_rng(7).normal(size=(2, 3))
    says = r"stiff: the solver took max_steps=3 steps.*1e-09.*Evaluations"
    with pytest.raises(tf.errors.InvalidArgumentError, match=says):
        flow.inverse_and_log_det(y)
    with pytest.raises(tf.errors.InvalidArgumentError, match="raise max_steps"):
        tf.function(flow.inverse_and_log_det)(tf.constant(y))


@pytest.mark.deep
def test_a_program_of_xla_cannot_raise_and_returns_no_wrong_numbers():
    y = tf.constant(np.random.default_rng(7).normal(size=(2, 3)))
    flow = small(max_steps=3, rtol=1e-9, atol=1e-9)
    for result in tf.function(flow.inverse_and_log_det, jit_compile=True)(y):
        assert np.isnan(result).all()


@pytest.mark.deep
def test_a_gradient_that_runs_out_of_steps_says_so():
    y = tf.constant(np.random.default_rng(8).normal(size=(2, 3)))

    def gradient(most):
        flow = small(rtol=1e-7, atol=1e-7, max_steps=most)
        with tf.GradientTape() as tape:
            tape.watch(y)
            x, log_det = flow.inverse_and_log_det(y)
            # Large, so that the way back needs more steps than the way there.
            loss = 1e6 * (tf.reduce_sum(x) + tf.reduce_sum(log_det))
        return tape.gradient(loss, y)

    def arrives(most):
        try:
            small(rtol=1e-7, atol=1e-7, max_steps=most).inverse_and_log_det(y)
        except tf.errors.InvalidArgumentError:
            return False
        return True

    enough = next(most for most in range(1, 100) if arrives(most))
    with pytest.raises(tf.errors.InvalidArgumentError, match="raise max_steps"):
        gradient(enough)
    assert np.isfinite(gradient(1000)).all()


class Bursting(tff.Configurable, tf.Module):
    """A field that fixed steps cannot follow."""

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable(1e30)

    def __call__(self, inputs):
        return self.scale * inputs[:, :2] ** 3


def test_fixed_steps_that_leave_the_finite_numbers_say_so():
    flow = B.ContinuousFlow(event_shape=2, network=Bursting(), solver="rk4", name="burst")
    with pytest.raises(tf.errors.InvalidArgumentError, match="burst: rk4 left the finite"):
        flow.forward(np.ones((3, 2), np.float32))


@pytest.mark.parametrize("solver", ["dopri5", "rk4"])
def test_a_point_that_is_no_number_leaves_the_others_alone(solver):
    flow = small(solver=solver)
    y = tf.constant(np.random.default_rng(9).normal(size=(3, 3)))
    broken = tf.tensor_scatter_nd_update(y, [[1, 2]], tf.constant([np.nan], tf.float64))
    compute = tf.function(flow.inverse_and_log_det)
    for good, other in zip(compute(y), compute(broken), strict=True):
        assert np.isnan(other[1]).all()
        np.testing.assert_allclose(other[::2], good[::2], atol=1e-4)


@pytest.mark.deep
@pytest.mark.keras
def test_a_model_raises_where_its_compiled_steps_cannot():
    network = Bursting()
    flow = tff.Flow(
        tff.flows.standard_normal(2),
        B.ContinuousFlow(event_shape=2, network=network, max_steps=5, name="burst"),
    )
    model = tff.FlowModel(flow)
    model.compile("adam")
    x = np.ones((64, 2), np.float32)
    for call in (
        lambda: model.fit(x, epochs=1, verbose=0),
        lambda: model.predict(x, verbose=0),
        lambda: model.evaluate(x, verbose=0),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="burst: the solver took"):
            call()
    # Nothing is lost: with a field that can be followed, the same model trains.
    network.scale.assign(0.01)
    model = tff.FlowModel(flow)
    model.compile("adam")
    history = model.fit(x, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(history).all()


def test_samples_do_not_pay_for_the_divergence():
    flow = small(trace="exact")
    seen = []
    inner = flow.network

    class Counting(tff.Configurable, tf.Module):
        def __call__(self, inputs):
            seen.append(inputs.shape[0])
            return inner(inputs)

    counted = B.ContinuousFlow(event_shape=3, network=Counting(), dtype=tf.float64)
    seen.clear()
    z = np.random.default_rng(10).normal(size=(7, 3))
    y = counted.forward(z)
    assert set(seen) == {7}
    np.testing.assert_allclose(y, flow.forward_and_log_det(z)[0], atol=1e-4)


def test_a_training_flag_may_be_a_tensor():
    flow = small(kinetic_penalty=1.0)
    y = tf.constant(np.random.default_rng(11).normal(size=(2, 3)))
    compute = tf.function(lambda flag: flow.inverse_and_log_det(y, training=flag)[1])
    np.testing.assert_allclose(compute(tf.constant(True)), flow.inverse_and_log_det(y)[1])


def test_penalties_join_the_losses_of_a_layer():
    flow = tff.flows.ffjord(
        event_shape=2, hidden_units=[8], kinetic_penalty=2.0, standardize=False, seed=0
    )
    layer = tff.FlowLayer(randomise(flow))
    x = np.random.default_rng(12).normal(size=(5, 2)).astype(np.float32)
    layer(x, training=True)
    field = next(m for m in flow.submodules if isinstance(m, B.ContinuousFlow))
    (loss,) = layer.losses
    np.testing.assert_allclose(loss, 2 * tf.reduce_mean(field.path(x).kinetic), rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "dopri"}, "did you mean 'dopri5'"),
        ({"trace": "hutchison"}, "did you mean 'hutchinson'"),
        ({"noise": "uniform"}, "Unknown noise"),
        ({"rtol": 0.0}, "must be positive"),
        ({"final_time": 0.0}, "must be finite and differ"),
        ({"initial_time": np.inf}, "must be finite and differ"),
        ({"num_steps": 2.5}, "num_steps must be a positive integer"),
        ({"kinetic_penalty": -1.0}, "must not be negative"),
        ({"event_shape": (2, 2)}, "needs a vector"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        B.ContinuousFlow(**{"event_shape": 2, **options})

"""Continuous flow: the solution of a differential equation, FFJORD."""

import itertools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows import ode, shapes
from tfp_flows.bijectors.base import Bijector, is_training
from tfp_flows.bijectors.divergence import NOISES, differentiated, drawn
from tfp_flows.bijectors.vectors import context_size, vector_size
from tfp_flows.checks import checked
from tfp_flows.errors import unknown_name
from tfp_flows.interop import Network
from tfp_flows.networks.mlp import MLP
from tfp_flows.penalties import add_penalty

_SOLVERS = ("dopri5", "rk4")
_TRACES = ("auto", "exact", "hutchinson")
# Above this, one random direction costs training much less than all of them.
_MOST_EXACT = 4


class Path(NamedTuple):
    """What a way through the field ends with.

    Args:
        value: ``[..., D]``.
        log_det: ``[...]``, in nats.
        kinetic: ``[...]``, the integral of the squared speed.
        jacobian: ``[...]``, the integral of the squared Frobenius norm of the field's Jacobian, or
            its estimate by the same noise as the trace's.
        evaluations: How often the field was evaluated.
    """

    value: tf.Tensor
    log_det: tf.Tensor
    kinetic: tf.Tensor
    jacobian: tf.Tensor
    evaluations: tf.Tensor


class ContinuousFlow(Bijector):
    """Moves points along a field, ``dx/dt = f(t, x)``, from the latent to the data.

    The log-det is the integral of the field's divergence. It is computed exactly, or, in training,
    estimated with one random direction that is held along the way (Hutchinson); evaluation is
    always exact. It is deterministic, but as the points of a batch share the solver's steps, the
    density of a point agrees between batches to the tolerance only.

    Source: FFJORD, Grathwohl et al. 2019, arXiv:1810.01367; penalties, Finlay et al. 2020,
    arXiv:2002.02798.

    Args:
        event_shape: Size of the event, a vector.
        context_shape: Size of the context.
        network: The field: any network from ``[n, D + 1]``, the point and the time, to ``[n, D]``;
            see `tfp_flows.interop.Network`. An `MLP` by default.
        hidden_units: Hidden layers of the default network.
        activation: Activation of the default network; smooth, so that the solver's steps are long.
        initial_time: Time of the latent.
        final_time: Time of the data.
        solver: ``"dopri5"`` takes steps that keep to a tolerance, and its gradient solves the
            adjoint equation in constant memory; ``"rk4"`` takes ``num_steps`` equal steps, and its
            gradient is that of the steps.
        rtol: Relative tolerance of ``"dopri5"``.
        atol: Absolute tolerance of ``"dopri5"``.
        max_steps: Most steps of ``"dopri5"``.
        num_steps: Steps of ``"rk4"``.
        trace: ``"exact"``, or ``"hutchinson"`` in training; ``"auto"`` estimates in training from
            five dimensions on.
        noise: Of the estimate, ``"rademacher"`` or ``"gaussian"``.
        kinetic_penalty: Factor on the mean of `Path.kinetic`, which `FlowModel` adds to its loss;
            straight ways are solved in fewer steps.
        jacobian_penalty: Factor on the mean of `Path.jacobian`.
        dtype: ``float32`` or ``float64``.
        seed: Seed of the default network.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, an argument is out of range, or the network's
            output has the wrong size.
        tf.errors.InvalidArgumentError: When used, if ``"dopri5"`` runs out of steps, or ``"rk4"``
            leaves the finite numbers, also on the way back of a gradient. In a program compiled
            by XLA, which cannot raise, the results are not a number instead; `FlowModel` then
            raises this error.
    """

    checks_results = True

    def __init__(
        self,
        *,
        event_shape,
        context_shape=None,
        network=None,
        hidden_units=(64, 64),
        activation="tanh",
        initial_time=0.0,
        final_time=1.0,
        solver="dopri5",
        rtol=1e-5,
        atol=1e-5,
        max_steps=1000,
        num_steps=16,
        trace="auto",
        noise="rademacher",
        kinetic_penalty=0.0,
        jacobian_penalty=0.0,
        dtype=tf.float32,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        size, contexts = vector_size(self), context_size(self)
        for kind, value, known in (
            ("solver", solver, _SOLVERS),
            ("trace", trace, _TRACES),
            ("noise", noise, NOISES),
        ):
            if value not in known:
                raise unknown_name(kind, value, known)
        if not (rtol > 0 and atol > 0):
            raise ValueError(
                f"{self.name}: rtol and atol must be positive, got {rtol!r} and {atol!r}."
            )
        if not (kinetic_penalty >= 0 and jacobian_penalty >= 0):
            raise ValueError(
                f"{self.name}: kinetic_penalty and jacobian_penalty must not be negative, got "
                f"{kinetic_penalty!r} and {jacobian_penalty!r}."
            )
        if not np.isfinite([initial_time, final_time]).all() or initial_time == final_time:
            raise ValueError(
                f"{self.name}: initial_time and final_time must be finite and differ, got "
                f"{initial_time!r} and {final_time!r}."
            )
        if network is None:
            network = MLP(
                input_size=size + 1,
                output_size=size,
                hidden_units=hidden_units,
                activation=activation,
                context_size=contexts,
                dtype=self.dtype,
                seed=seed,
            )
        self._field = Network(
            network,
            input_shape=(size + 1,),
            context_shape=self.context_shape,
            coordinates=(size,),
            parameters=1,
            dtype=self.dtype,
            owner=self.name,
        )
        self._times = float(initial_time), float(final_time)
        self._solver = solver
        self._num_steps = shapes.positive(num_steps, "num_steps")
        max_steps = shapes.positive(max_steps, "max_steps")
        self._tolerances = {"rtol": float(rtol), "atol": float(atol), "max_steps": max_steps}
        self._trace, self._noise = trace, noise
        self._penalties = float(kinetic_penalty), float(jacobian_penalty)

    @property
    def network(self):
        """The field's network, as it was given."""
        return self._field.network

    def _forward_and_log_det(self, x, context, training):
        path = self._travel(x, context, training, *self._times)
        return path.value, path.log_det

    def _forward_value(self, x, context, training):
        return self._move(x, context, training, *self._times)

    def _inverse_value(self, y, context, training):
        return self._move(y, context, training, *reversed(self._times))

    def _inverse_and_log_det(self, y, context, training):
        kinetic, jacobian = self._penalties
        penalised = is_training(training) and bool(kinetic or jacobian)
        path = self._travel(y, context, training, *reversed(self._times), measured=penalised)
        if penalised:
            add_penalty(tf.reduce_mean(kinetic * path.kinetic + jacobian * path.jacobian))
        return path.value, path.log_det

    def path(self, value, context=None, *, to_data: bool = False, training: bool = False) -> Path:
        """Moves points and measures the way, for penalties and for the cost of the solver.

        Args:
            value: Data ``[..., D]``, or latents.
            context: ``[..., *context_shape]`` of a conditional flow.
            to_data: Whether ``value`` holds latents.
            training: Whether the trace may be estimated.

        Returns:
            The `Path`.

        Raises:
            ValueError: If a shape does not fit, or a context is missing or not expected.
            tf.errors.InvalidArgumentError: As of the class.
        """
        value, context = self._prepare(value, context, "value")
        times = self._times if to_data else self._times[::-1]
        return self._travel(value, context, training, *times, measured=True)

    def trajectory(self, latent, context=None, *, num: int = 11) -> tf.Tensor:
        """Points on the way from the latent to the data, for pictures.

        Args:
            latent: ``[..., D]``.
            context: ``[..., *context_shape]`` of a conditional flow.
            num: Number of points, both ends included.

        Returns:
            ``[num, ..., D]``.

        Raises:
            ValueError: If ``num`` is below 2, or a shape does not fit.
            tf.errors.InvalidArgumentError: As of the class.
        """
        if num < 2:
            raise ValueError(f"num counts both ends and must be at least 2, got {num!r}.")
        value, context = self._prepare(latent, context, "latent")
        times = np.linspace(*self._times, num)
        points = [value]
        for start, stop in itertools.pairwise(times):
            points.append(self._move(points[-1], context, False, start, stop))
        return tf.stack(points)

    def _travel(self, value, context, training, start, stop, measured=False) -> Path:
        flat = shapes.flatten_batch(value)
        direction = self._direction(flat, training)

        def field(time, x, constants):
            def slope(x, constants):
                return self._slope(time, x, constants, training)

            value, divergence, square = differentiated(slope, x, constants, direction)
            if not measured:
                return value, [divergence]
            return value, [divergence, tf.reduce_sum(tf.square(value), axis=-1), square]

        count = 3 if measured else 1
        end, sums, evaluations = self._solve(field, flat, context, start, stop, count)
        sums = [shapes.unflatten_batch(total, value, 1, ()) for total in sums]
        end = shapes.unflatten_batch(end, value, 1, self.event_shape)
        if not measured:
            return Path(end, sums[0], None, None, evaluations)
        # Backwards in time, what only grows along the way has the other sign.
        sign = 1.0 if stop > start else -1.0
        return Path(end, sums[0], sign * sums[1], sign * sums[2], evaluations)

    def _move(self, value, context, training, start, stop):
        """Where the way ends, without the cost of the divergence."""

        def field(time, x, constants):
            return self._slope(time, x, constants, training), []

        end, *_ = self._solve(field, shapes.flatten_batch(value), context, start, stop, 0)
        return shapes.unflatten_batch(end, value, 1, self.event_shape)

    def _solve(self, field, flat, context, start, stop, count):
        constants = [] if context is None else [shapes.flatten_batch(context)]
        # The points of a batch share the steps, so that one which is not finite would stop all.
        finite = tf.reduce_all(tf.math.is_finite(flat), axis=-1)
        for constant in constants:
            finite &= tf.reduce_all(tf.math.is_finite(constant), axis=-1)
        constants = [_where(finite, constant, 0.0) for constant in constants]
        if self._solver == "rk4":
            solve, options = ode.fixed, {"num_steps": self._num_steps}
        else:
            solve, options = ode.with_adjoint, self._tolerances
        end, sums, solution = solve(
            field,
            _where(finite, flat, 0.0),
            constants,
            start,
            stop,
            count,
            check=self._checked,
            **options,
        )
        sums = [_where(finite, total, np.nan) for total in sums]
        return _where(finite, end, np.nan), sums, solution.evaluations

    def _direction(self, x, training):
        """Along which the trace is estimated; None where it is exact."""
        estimated = self._trace == "hutchinson" or (
            self._trace == "auto" and self.event_shape[0] > _MOST_EXACT
        )
        return drawn(self._noise, x) if is_training(training) and estimated else None

    def _slope(self, time, x, constants, training):
        clock = tf.fill(tf.concat([tf.shape(x)[:-1], [1]], axis=0), time)
        context = constants[0] if constants else None
        return self._field(tf.concat([x, clock], axis=-1), context, training)[..., 0]

    def _checked(self, values, solution):
        if self._solver == "rk4":
            problem = (
                f"{self.name}: rk4 left the finite numbers in num_steps={self._num_steps}; raise "
                'num_steps, take solver="dopri5", or make the field smoother.'
            )
        else:
            problem = (
                f"{self.name}: the solver took max_steps={self._tolerances['max_steps']} steps "
                f"without reaching the end at rtol={self._tolerances['rtol']:g}, "
                f"atol={self._tolerances['atol']:g}; raise max_steps or the tolerances, or make "
                "the field smoother."
            )
        return checked(values, solution.finished, problem, solution.evaluations)


def _where(rows, value, other):
    """``value`` ``[n, ...]`` in some of the rows, and a number in the others."""
    rows = tf.reshape(rows, [-1] + [1] * (value.shape.rank - 1))
    return tf.where(rows, value, tf.cast(other, value.dtype))

"""Checks of the maths: round trips, log-dets, gradients, batches, contexts, far points."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfp_flows.testing.failure import require, require_close
from tfp_flows.testing.jacobian import autodiff_log_det
from tfp_flows.testing.subject import LINE, Subject, as_keywords, clipped, evaluate


def round_trips(subject: Subject, *, shape=(2, 3)) -> None:
    """`forward` and `inverse` undo each other, in shapes, dtypes, values and log-dets."""
    bijector = subject.new()
    if len(subject.directions) < 2:
        (direction,) = subject.directions
        value, context = subject.inputs(bijector, direction, shape)
        require(evaluate(bijector, direction, value, context)[1].shape == shape, "wrong shape.")
        return
    x, context = subject.inputs(bijector, "forward", shape)
    y, forward = bijector.forward_and_log_det(x, context)
    back, inverse = bijector.inverse_and_log_det(y, context)
    for what, value, expected in (
        ("forward returns values", y, (*shape, *bijector.event_shape)),
        ("inverse returns values", back, (*shape, *bijector.latent_shape)),
        ("forward returns log-dets", forward, shape),
        ("inverse returns log-dets", inverse, shape),
    ):
        fits = value.shape.is_compatible_with(expected)
        require(fits, f"{what} of shape {value.shape}, expected {expected}.")
        require(
            value.dtype == bijector.dtype, f"{what} of {value.dtype}, expected {bijector.dtype}."
        )
    bound = subject.tolerance
    require_close(back, x, bound, "inverse(forward(x))", "x", at=x)
    require_close(inverse, -forward, bound, "the log-det of inverse", "minus that of forward", at=y)
    kwargs = as_keywords(context)
    value = bijector.forward_value(x, **kwargs)
    require_close(value, y, bound, "forward_value", "the value of forward_and_log_det", at=x)
    value = bijector.inverse_value(y, **kwargs)
    require_close(value, x, bound, "inverse_value", "the value of inverse_and_log_det", at=y)
    again, _ = bijector.forward_and_log_det(back, context)
    require_close(again, y, bound, "forward(inverse(y))", "y", at=y)


def jacobian(subject: Subject, *, direction="inverse") -> np.ndarray:
    """Log-dets are those of autodiff's Jacobian; returns these."""
    bijector = subject.new()
    value, context = subject.inputs(bijector, direction, (4,))
    if direction == "inverse" and subject.data_domain is not None:
        # A wrong `forward` may lead away from where `inverse` is wrong.
        value = tf.concat([value, subject.drawn_data(bijector, (4,))], axis=0)
        # The first four are those of before: one seed draws the same numbers.
        context = subject.contexts(bijector, (8,))
    expected = autodiff_log_det(
        lambda *args: evaluate(bijector, direction, *args)[0], value, context
    )
    log_det = evaluate(bijector, direction, value, context)[1]
    of = "that of its Jacobian by autodiff"
    require_close(log_det, expected, subject.tolerance, f"the log-det of {direction}", of, at=value)
    return expected


def by_place(subject: Subject) -> None:
    """Log-dets by place, of a bijector that has them, sum to the log-det, and spread as told."""
    bijector = subject.new()
    vectors = len(bijector.event_shape) <= 1 and len(bijector.latent_shape) <= 1
    if vectors or "inverse" not in subject.directions:
        return
    y, context = subject.inputs(bijector, "inverse", (4,))
    x, log_det = bijector.inverse_and_log_det(y, context)
    try:
        again, shares = bijector.inverse_and_log_det_map(y, context)
        spread = bijector.spread_entries(x)
    except NotImplementedError:
        return
    places = y.shape[:-1]
    for what, value in (("inverse_and_log_det_map", shares), ("spread_entries", spread)):
        require(value.shape == places, f"{what} returns shape {value.shape}, expected {places}.")
    bound = subject.tolerance
    require_close(again, x, bound, "the value of inverse_and_log_det_map", "that of inverse")
    sums = [tf.reduce_sum(v, axis=list(range(1, v.shape.rank))) for v in (shares, spread, x)]
    require_close(sums[0], log_det, bound, "the sum of log-dets by place", "the log-det", at=y)
    require_close(sums[1], sums[2], bound, "the sum of spread entries", "that of the entries")


def lengths(subject: Subject) -> None:
    """Events of free length: one object is right at another length too."""
    bijector = subject.build()
    if None not in bijector.event_shape:
        return
    longer = dataclasses.replace(subject, build=lambda: bijector, length=subject.length + 2)
    round_trips(longer)
    for direction in subject.directions:
        jacobian(longer, direction=direction)


def independent(subject: Subject) -> None:
    """An event of a batch gives what it gives alone."""
    bijector = subject.new()
    for direction in subject.directions:
        value, context = subject.inputs(bijector, direction, (4,))
        batch = evaluate(bijector, direction, value, context)
        alone = evaluate(bijector, direction, value[2], None if context is None else context[2])
        for part, a, b in zip(("value", "log-det"), alone, batch, strict=True):
            what = f"the {part} of {direction} of one event"
            require_close(a, b[2], subject.tolerance, what, "that of the event in a batch")


def gradients(subject: Subject, *, direction="inverse") -> None:
    """Gradients to inputs, context and weights are those of finite differences, in float64."""
    bijector = subject.new()
    value, context = subject.inputs(bijector, direction, (3,))
    inputs = [tf.Variable(part) for part in (value, context) if part is not None]
    variables = [*inputs, *bijector.trainable_variables]

    def loss():
        result, log_det = evaluate(bijector, direction, *map(tf.identity, inputs))
        # Small, so that what should be relative to a gradient is seen not to be.
        parts = (tf.math.asinh(result), tf.math.asinh(log_det))
        return 1e-4 * tf.add_n([tf.reduce_sum(part) for part in parts])

    with tf.GradientTape() as tape:
        total = loss()
    slopes = tape.gradient(total, variables, unconnected_gradients="zero")
    generator = np.random.default_rng(3)
    ways = [
        tf.cast(generator.normal(size=v.shape), v.dtype)
        if v.constraint is None
        # Masks of TFP's networks: what they forbid is not moved.
        else v.constraint(tf.cast(generator.normal(size=v.shape), v.dtype))
        for v in variables
    ]
    step, bound = subject.gradient_step, subject.gradient_tolerance

    def moved(distance):
        for variable, way in zip(variables, ways, strict=True):
            variable.assign_add(distance * way)
        return float(loss())

    up, down = moved(step), moved(-2 * step)
    actual = sum(float(np.vdot(g, way)) for g, way in zip(slopes, ways, strict=True))
    expected = (up - down) / (2 * step)
    require(
        abs(actual - expected) <= bound * max(abs(expected), 1e-4),
        f"the gradient of {direction} along a random direction of inputs and weights is "
        f"{actual:.6g}, but finite differences give {expected:.6g}.",
    )


def far_points(subject: Subject) -> None:
    """Points far away have finite values, log-dets and gradients."""
    bijector = subject.new()
    context = subject.contexts(bijector, (5,))
    for direction in subject.directions:
        forward = direction == "forward"
        shape = subject.inputs(bijector, direction)[0].shape
        domain = subject.latent_domain if forward else subject.data_domain or LINE
        size = int(np.prod(shape))
        mixed = np.resize([1e4, 0.0, -1e4], size)
        far = np.array([np.full(size, value) for value in (0.0, 1e4, -1e4, mixed, 1e-30)])
        value = tf.constant(clipped(far, domain).reshape(5, *shape), bijector.dtype)
        with tf.GradientTape() as tape:
            tape.watch(value)
            result, log_det = evaluate(bijector, direction, value, context)
            total = tf.reduce_sum(log_det)
        slope = tape.gradient(total, value, unconnected_gradients="zero")
        for what, tensor in (("value", result), ("log-det", log_det), ("gradient", slope)):
            finite = np.isfinite(tensor.numpy()).reshape(5, -1).all(axis=1)
            require(
                finite.all(),
                f"the {what} of {direction} is not finite at "
                f"{value.numpy()[int(np.argmin(finite))].ravel()[:6]}.",
            )


def context_matters(subject: Subject) -> None:
    """A context broadcasts against the input, and what it is changes the result."""
    bijector = subject.new()
    if bijector.context_shape is None:
        return
    context = subject.contexts(bijector, (3, 1))
    for direction in subject.directions:
        # Data of each context are data of the first one only where the domain is the same.
        value = subject.inputs(bijector, direction, (4,))[0]
        y, log_det = evaluate(bijector, direction, value, context)
        require(
            log_det.shape == (3, 4),
            f"a context of batch (3, 1) and inputs of batch (4,) give log-dets of batch "
            f"{log_det.shape}, expected (3, 4).",
        )
        alone, log_det_alone = evaluate(bijector, direction, value[2], context[1, 0])
        of = "that of the event alone with its context"
        bound = subject.tolerance
        require_close(y[1, 2], alone, bound, f"the value of {direction}", of)
        require_close(log_det[1, 2], log_det_alone, bound, f"the log-det of {direction}", of)
        require(
            not np.allclose(y[0], y[1]), f"{direction} ignores its context: two give one value."
        )

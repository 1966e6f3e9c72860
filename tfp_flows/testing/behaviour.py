"""Checks of how a bijector behaves: programs, variables, caches, TFP's containers, arguments."""

import json
import re
import weakref

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows import serialization
from tfp_flows.flows import standard_normal
from tfp_flows.testing.failure import CheckFailed, require, require_close
from tfp_flows.testing.subject import Subject, as_keywords, evaluate, randomise

tfd, tfb = tfp.distributions, tfp.bijectors
_PROGRAMS_AGREE = 2e-4


def compiled(subject: Subject, *, direction="inverse") -> None:
    """Eager mode, `tf.function` and XLA give one result, and one gradient."""
    bijector = subject.new()
    value, context = subject.inputs(bijector, direction, (4,))
    eager = evaluate(bijector, direction, value, context)

    def compute(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            result, log_det = evaluate(bijector, direction, value, context)
            total = tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(log_det)
        slope = tape.gradient(total, value, unconnected_gradients="zero")
        return result, log_det, slope

    plain = tf.function(compute)(value)
    parts = ("value", "log-det", "gradient")
    for part, a, b in zip(parts, plain, eager, strict=False):
        what = f"the {part} of {direction} in a tf.function"
        require_close(a, b, subject.tolerance, what, "that of eager mode")
    if subject.one_program:
        program = tf.function(compute, jit_compile=True)(value)
        for part, a, b in zip(parts, program, plain, strict=True):
            what = f"the {part} of {direction} compiled by XLA"
            require_close(a, b, _PROGRAMS_AGREE, what, "that of a tf.function")


def unknown_sizes(subject: Subject, *, known=True) -> None:
    """A `tf.function` of unknown batch, or of unknown shapes altogether, gives the same.

    Args:
        subject: What is checked.
        known: Whether the shape of an event is known in the function.
    """
    bijector = subject.new()
    direction = subject.directions[0]
    arguments = [a for a in subject.inputs(bijector, direction, (4,)) if a is not None]
    specs = [
        tf.TensorSpec(
            [None, *(a.shape[1:] if known else [None] * (a.shape.rank - 1))], bijector.dtype
        )
        for a in arguments
    ]
    method = getattr(bijector, f"{direction}_and_log_det")
    compute = tf.function(method, input_signature=specs)
    for a, b in zip(compute(*arguments), method(*arguments), strict=True):
        what = f"{direction} in a tf.function of unknown batch"
        require_close(a, b, subject.tolerance, what, "that of eager mode")
    try:
        compute(tf.concat([arguments[0]] * 2, axis=-1), *arguments[1:])
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        return
    raise CheckFailed("an event of twice the size is taken without an error.")


def variables(subject: Subject, *, direction="inverse") -> None:
    """Every variable is made by the constructor, is seen by TensorFlow, and has a gradient."""
    made = []

    def note(make, **options):
        variable = make(**options)
        # Keras counts its steps in integers, apart.
        trained = bool(variable.trainable) and variable.dtype.is_floating
        made.append((variable.name, trained, weakref.ref(variable)))
        return variable

    with tf.variable_creator_scope(note):
        bijector = subject.build()
        before, seen = len(made), bijector.trainable_variables
        value, context = subject.inputs(bijector, direction, (16,))
        evaluate(bijector, direction, value, context)
    known = {id(variable) for variable in bijector.variables}
    for i, (name, trained, reference) in enumerate(made):
        variable = reference()
        hidden = variable is not None and trained and id(variable) not in known
        # Keras' own variables share their storage with what TensorFlow sees.
        if hidden and not any(variable.handle is v.handle for v in bijector.variables):
            raise CheckFailed(
                f"the variable {name!r} is hidden: it is not among .variables, so that it is "
                "neither trained nor saved."
            )
        if i >= before and variable is not None:
            raise CheckFailed(f"the variable {name!r} was made by a call, not the constructor.")
    randomise(bijector, scale=subject.spread)
    after = bijector.trainable_variables
    require(
        [id(v) for v in after] == [id(v) for v in seen],
        "trainable_variables gives others after the first call, or in another order.",
    )
    value, context = subject.inputs(bijector, direction, (16,))
    with tf.GradientTape() as tape:
        result, log_det = evaluate(bijector, direction, value, context)
        total = tf.reduce_sum(tf.sin(result)) + tf.reduce_sum(log_det)
    for variable, slope in zip(seen, tape.gradient(total, seen), strict=True):
        name = f"the variable {variable.name!r}"
        require(slope is not None, f"{name} has no gradient in {direction}.")
        slope = tf.convert_to_tensor(slope).numpy()
        require(np.isfinite(slope).all(), f"{name} has a gradient that is not finite.")
        require(np.abs(slope).max() > 0, f"{name} has a gradient of 0: nothing depends on it.")


def fresh_values(subject: Subject) -> None:
    """The same tensor, after an update of the weights, gives values of the new weights."""
    bijector = subject.new()
    if not bijector.trainable_variables:
        return
    context = subject.contexts(bijector, (4,))
    kwargs = as_keywords(context)
    held = None
    inputs = {way: subject.inputs(bijector, way, (4,))[0] for way in subject.directions}
    ranks = {"forward": len(bijector.latent_shape), "inverse": len(bijector.event_shape)}
    base = standard_normal(bijector.latent_shape, bijector.dtype)
    plain = tfd.TransformedDistribution(base, bijector)

    def everything(inputs):
        results = {}
        for way, value in inputs.items():
            results[way] = getattr(bijector, way)(value, **kwargs)
            log_det = getattr(bijector, f"{way}_log_det_jacobian")
            results[f"{way}_log_det_jacobian"] = log_det(value, event_ndims=ranks[way], **kwargs)
        if "inverse" in inputs:
            y = inputs["inverse"]
            results["log_prob"] = plain.log_prob(y, bijector_kwargs=kwargs)
        return results

    if "inverse" in inputs:
        held = bijector.inverse(inputs["inverse"], **kwargs)
    before = everything(inputs)
    randomise(bijector, seed=7, scale=0.1)
    after = everything(inputs)
    fresh = everything({way: tf.identity(value) for way, value in inputs.items()})
    for what, expected in fresh.items():
        of = "that of an equal, fresh tensor: it is stale"
        require_close(after[what], expected, 1e-6, f"{what} after an update of weights", of)
    first = subject.directions[0]
    require(
        not np.array_equal(before[first], after[first]), f"{first} does not depend on the weights."
    )
    if held is not None and "forward" in inputs:
        # The log-det at a tensor that `inverse` returned under the old weights.
        log_det = bijector.forward_log_det_jacobian
        stale = log_det(held, event_ndims=ranks["forward"], **kwargs)
        expected = log_det(tf.identity(held), event_ndims=ranks["forward"], **kwargs)
        what = "the log-det at what inverse returned before an update"
        require_close(stale, expected, 1e-6, what, "that of an equal, fresh tensor: it is stale")


def tfp_containers(subject: Subject) -> None:
    """Inside TFP's own distribution, chain and inversion the density is the same."""
    if len(subject.directions) < 2:
        return
    bijector = subject.new()
    dtype = bijector.dtype
    y, context = subject.inputs(bijector, "inverse", (4,))
    kwargs = as_keywords(context)
    base = standard_normal(bijector.latent_shape, dtype)
    x, log_det = bijector.inverse_and_log_det(y, context)
    expected = base.log_prob(x) + log_det

    def same(member, what, **options):
        density = tfd.TransformedDistribution(base, member).log_prob(y, bijector_kwargs=options)
        of = "that of the bijector's own methods"
        require_close(density, expected, subject.tolerance, f"the density {what}", of, at=y)

    same(bijector, "in a tfd.TransformedDistribution", **kwargs)
    chain = tfb.Chain([bijector, tfb.Shift(tf.zeros_like(x[0]))])
    same(chain, "in a tfb.Chain", **{bijector.name: kwargs})
    same(tfb.Invert(tfb.Invert(bijector)), "in a tfb.Invert, twice", **kwargs)
    image = standard_normal(bijector.event_shape, dtype)
    once = tfd.TransformedDistribution(image, tfb.Invert(bijector))
    z = subject.latents(bijector, (4,))
    value, change = bijector.forward_and_log_det(z, context)
    require_close(
        once.log_prob(z, bijector_kwargs=kwargs),
        image.log_prob(value) + change,
        subject.tolerance,
        "the density in a tfb.Invert",
        "that of the bijector's own methods",
        at=z,
    )


def _refuses(what, errors, pattern, call) -> None:
    try:
        call()
    except errors as error:
        found = re.search(pattern, str(error))
        require(found, f"the error for {what} says {str(error)!r}, expected {pattern!r}.")
        return
    raise CheckFailed(f"{what} is taken without an error.")


def wrong_arguments(subject: Subject) -> None:
    """Wrong shapes, dtypes, names and contexts are refused in words."""
    bijector = subject.new()
    direction = subject.directions[0]
    value, context = subject.inputs(bijector, direction, (4,))
    both = getattr(bijector, f"{direction}_and_log_det")
    one = getattr(bijector, direction)
    size = value.shape[-1]
    wide = tf.concat([value, value[..., :1]], axis=-1)
    pattern = rf" {size + 1}\), expected \[\.\.\..*, {size}\]"
    _refuses("an event of the wrong size", ValueError, pattern, lambda: both(wide, context))
    other = tf.float64 if bijector.dtype == tf.float32 else tf.float32
    pattern = f"{other.name}, expected {bijector.dtype.name}"
    cast = tf.cast(value, other)
    _refuses("an input of another dtype", TypeError, pattern, lambda: one(cast, context=context))
    _refuses("an unknown keyword", TypeError, "contxt", lambda: one(value, contxt=value))
    if context is None:
        pattern = "without context_shape but got a context"
        _refuses("an unexpected context", ValueError, pattern, lambda: one(value, context=value))
    else:
        _refuses("a missing context", ValueError, "needs a context", lambda: one(value))
        wide = tf.concat([context, context[..., :1]], axis=-1)
        pattern = "context has shape"
        _refuses("a wrong context", ValueError, pattern, lambda: one(value, context=wide))
    kind = type(bijector)
    _refuses("an unknown argument", TypeError, "evnt_shape", lambda: kind(evnt_shape=3))


def config_round_trip(subject: Subject) -> None:
    """Written to JSON, read, and given the weights, it is the same bijector."""
    bijector = subject.new()
    written = json.loads(json.dumps(serialization.encode(bijector)))
    rebuilt = serialization.decode(written)
    require(
        [v.shape for v in rebuilt.variables] == [v.shape for v in bijector.variables],
        "what its configuration builds has other variables.",
    )
    for variable, source in zip(rebuilt.variables, bijector.variables, strict=True):
        variable.assign(source)
    direction = subject.directions[0]
    value, context = subject.inputs(bijector, direction, (4,))
    results = (evaluate(b, direction, value, context) for b in (rebuilt, bijector))
    for a, b in zip(*results, strict=True):
        what = f"{direction} of what its configuration builds, with the same weights,"
        require_close(a, b, 0.0, what, "that of the original: its configuration lacks something")
    again = json.loads(json.dumps(serialization.encode(rebuilt)))
    require(
        again["config"].keys() == written["config"].keys(),
        "what was rebuilt writes another configuration.",
    )

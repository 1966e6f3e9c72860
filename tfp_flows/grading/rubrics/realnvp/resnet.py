"""Checks the residual network: its outputs, layers, losses and values."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import changed_inputs, close, not_an_array, wrong_dtype
from tfp_flows.grading.replies import Malformed, Reply, Value
from tfp_flows.grading.rubrics.realnvp.maths import Normalisation
from tfp_flows.grading.rubrics.realnvp.residual import (
    CONVOLUTIONS,
    Convolution,
    Form,
    missing_normalisations,
    mistakes,
)
from tfp_flows.grading.trial import Finding, Trial

_CASES = (((8, 6, 4), 7, 3), ((32, 32, 3), 32, 1))
_WEIGHT_DECAY = 5e-5
_MOST_NUMBERS = 4_000_000  # in all variables; the assignment's networks have some thousands
_MOST_LOSSES = 1000
_ROLES = ("gamma", "beta", "moving_mean", "moving_variance")
# Deeper sums of single precision than elsewhere.
_TOLERANCES = {"relative": 5e-3, "absolute": 2e-3}


class _Weights(NamedTuple):
    arrays: list[np.ndarray]
    convolutions: list[Convolution]
    normalisations: list[Normalisation]


def conv_resnet(trial: Trial) -> Iterator[Finding]:
    """Builds networks of two sizes, gives them random weights, and compares all they compute."""
    for number, (shape, filters, batch) in enumerate(_CASES):
        findings = list(_network(trial, shape, filters, batch))
        if findings:
            if number:
                message = f"It is right for one size, and wrong for {shape} and {filters} filters."
                findings = [Finding("values", message), *findings]
            yield from findings
            return


def _network(trial: Trial, shape: Sequence[int], filters: int, batch: int) -> Iterator[Finding]:
    built = trial.probe("build_network", shape=list(shape), filters=filters)
    if "other" in built:
        other = built.value("other")
        yield not_an_array(other, trial.name) or Finding(
            "type", f"{trial.name} returns {other.words}, not a Model."
        )
        return
    weights = _random_weights(trial.random, built.replies("variables"))
    x = trial.random.uniform(-1, 1, (batch, *shape)).astype(np.float32)
    reply = trial.probe("run_network", [x, *weights.arrays])
    value = reply.value("value")
    outputs = _outputs(value, x)
    if isinstance(outputs, Finding):
        yield outputs
        return
    if not built.flag("functional"):
        yield Finding("layers", "The model is not a functional one, made of inputs and outputs.")
    yield from wrong_dtype(value.items[0], trial.name)
    yield from changed_inputs([x], reply.value("inputs").items)
    yield from _losses(reply.value("losses"), weights)
    wrong = list(_layers(built, weights, shape[-1], filters))
    if wrong:
        yield from wrong
        return
    yield from _values(x, outputs, reply.value("training"), weights)


def _outputs(value: Value, x: np.ndarray) -> list[np.ndarray] | Finding:
    if value.kind != "sequence" or len(value.items) != 2:
        return Finding("outputs", f"The model returns {value.words}, not [shift, log_scale].")
    for item, name in zip(value.items, ("shift", "log_scale"), strict=True):
        wrong = not_an_array(item, f"The output {name}")
        if wrong:
            return wrong
        if item.array.shape != x.shape:
            return Finding(
                "outputs", f"{name} has the shape {item.array.shape} for images of {x.shape}."
            )
    return [item.array for item in value.items]


def _random_weights(random: np.random.Generator, variables: Sequence[Reply]) -> _Weights:
    """Random values for all variables, sorted into convolutions and normalisations."""
    arrays: list[np.ndarray] = []
    layers: dict[int, dict[str, np.ndarray]] = {}
    shapes = [variable.shape("shape") for variable in variables]
    if sum(math.prod(max(1, length) for length in shape) for shape in shapes) > _MOST_NUMBERS:
        raise Malformed  # there cannot be so many
    for variable, shape in zip(variables, shapes, strict=True):
        role = variable.text("role")
        array = _random_weight(random, role, shape)
        arrays.append(array)
        layers.setdefault(variable.integer("layer"), {})[role] = array
    convolutions, normalisations = [], []
    for layer in layers.values():
        if "kernel" in layer and layer["kernel"].ndim == 4:
            features = layer["kernel"].shape[-1:]
            bias = layer.get("bias", np.zeros(features))
            if bias.shape == features:  # else it would be broadcast, to any size
                convolutions.append(Convolution(layer["kernel"], bias))
        elif set(_ROLES[2:]) <= set(layer):
            features = layer["moving_mean"].shape
            gamma, beta = (
                layer.get("gamma", np.ones(features)),
                layer.get("beta", np.zeros(features)),
            )
            group = gamma, beta, layer["moving_mean"], layer["moving_variance"]
            if len(features) == 1 and all(array.shape == features for array in group):
                normalisations.append(Normalisation(*group))
    return _Weights(arrays, convolutions, normalisations)


def _random_weight(random: np.random.Generator, role: str, shape: Sequence[int]) -> np.ndarray:
    bound = 1.5 / np.sqrt(max(1, np.prod(shape[:-1]))) if role == "kernel" else 0.5
    low, high = {"gamma": (0.6, 1.4), "moving_variance": (0.5, 1.5)}.get(role, (-bound, bound))
    return random.uniform(low, high, shape).astype(np.float32)


def _layers(built: Reply, weights: _Weights, channels: int, filters: int) -> Iterator[Finding]:
    kernels = [convolution.kernel for convolution in weights.convolutions]
    if len(kernels) != CONVOLUTIONS:
        yield Finding("layers", f"There are {len(kernels)} convolutions, too few or too many.")
        if not weights.normalisations:
            yield Finding("normalisation", "There is no batch normalisation.")
        return
    sizes = {kernel.shape[:2] for kernel in kernels} - {(3, 3)}
    if sizes:
        yield Finding("convolution", f"A convolution has a kernel of {sizes.pop()}, not 3x3.")
    features = [kernel.shape[-1] for kernel in kernels]
    expected = [filters, channels, filters, channels, 2 * channels]
    if features != expected:
        number = next(i for i in range(CONVOLUTIONS) if features[i] != expected[i])
        message = f"Convolution {number + 1} has {features[number]} filters, which is not right."
        yield Finding("layers", message)
        return
    count = len(weights.normalisations)
    if count > 4:
        yield Finding("normalisation", f"There are {count} batch normalisations, too many.")
        return
    trainable = sum(kernel.size + kernel.shape[-1] for kernel in kernels)
    trainable += sum(2 * norm.mean.size for norm in weights.normalisations)
    actual = built.integer("trainable")
    if actual != trainable:
        yield Finding("layers", f"There are {actual} trainable parameters, which is not right.")


def _losses(value: Value, weights: _Weights) -> Iterator[Finding]:
    """The regularisation losses: one of each kernel."""
    expected = sorted(
        _WEIGHT_DECAY * (c.kernel.astype(float) ** 2).sum() for c in weights.convolutions
    )
    told = value.kind == "array" and value.array.size <= _MOST_LOSSES
    actual = sorted(value.array.astype(float).ravel()) if told else []
    if not actual:
        yield Finding("regulariser", "The convolutions have no kernel regulariser.")
    elif len(actual) != len(expected):
        message = f"There are {len(actual)} regularisation losses of {len(expected)} convolutions."
        yield Finding("regulariser", message)
    elif not close(np.array(actual), np.array(expected), absolute=1e-7):
        ratios = np.array(actual) / np.array(expected)
        same = ratios.max() - ratios.min() < 1e-2 * abs(ratios).max()
        what = "The factor of the regulariser" if same else "The kind of the regulariser"
        yield Finding("regulariser", f"{what} is not that of the assignment.")


def _values(
    x: np.ndarray, outputs: list[np.ndarray], training: Value, weights: _Weights
) -> Iterator[Finding]:
    count = len(weights.normalisations)
    if count < 4:
        for form in missing_normalisations(count):
            if _same(form, x, outputs, weights):
                lacking = [str(i + 1) for i in range(4) if not form.normalised[i]]
                where = ", ".join(lacking)
                yield Finding(
                    "normalisation",
                    f"The batch normalisation after convolution {where} is missing.",
                )
                return
        yield Finding("normalisation", f"There are {count} batch normalisations, too few.")
        yield Finding("values", "The outputs are wrong as well.")
        return
    if not _same(Form(), x, outputs, weights):
        for mistake in mistakes():
            if _same(mistake.form, x, outputs, weights):
                yield Finding(mistake.kind, mistake.message)
                return
        yield Finding("values", "The layers are there, but not put together in the right way.")
        return
    trained = _outputs(training, x)
    if isinstance(trained, Finding) or not _same(Form(), x, trained, weights, training=True):
        yield Finding(
            "normalisation",
            "In training the normalisations do not use the statistics of the batch.",
        )


def _same(
    form: Form,
    x: np.ndarray,
    outputs: list[np.ndarray],
    weights: _Weights,
    *,
    training: bool = False,
) -> bool:
    try:
        expected = form.evaluate(x, weights.convolutions, weights.normalisations, training=training)
    except (ValueError, IndexError):
        return False
    return all(close(a, e, **_TOLERANCES) for a, e in zip(outputs, expected, strict=True))

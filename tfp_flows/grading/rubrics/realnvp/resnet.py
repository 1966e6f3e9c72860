"""Checks the residual network: its layers, losses, values and gradients.

All of it is looked at, whatever is found first: a second mistake must never hide behind another.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import changed_inputs, close, not_an_array, wrong_dtype
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp.gradients import KIND, cut, gradients_of, told
from tfp_flows.grading.rubrics.realnvp.maths import Normalisation
from tfp_flows.grading.rubrics.realnvp.mistakes import Explanation, explain
from tfp_flows.grading.rubrics.realnvp.residual import CONVOLUTIONS, Convolution, Form
from tfp_flows.grading.rubrics.realnvp.weights import Weights, random_weights
from tfp_flows.grading.trial import Finding, Trial

_CASES = (((8, 6, 4), 7, 3), ((32, 32, 3), 32, 1))
_WEIGHT_DECAY = 5e-5
_MOST_LOSSES, _MOST_NORMALISATIONS = 1000, 8
# Deeper sums of single precision than elsewhere.
_TOLERANCES = {"relative": 5e-3, "absolute": 2e-3}


class _Run(NamedTuple):
    """What a network has computed."""

    x: np.ndarray
    weights: Weights
    cotangents: list[np.ndarray]
    outputs: list[np.ndarray]
    reply: Reply


def conv_resnet(trial: Trial) -> Iterator[Finding]:
    """Builds networks of two sizes, gives them random weights, and compares all they compute."""
    explained: list[Explanation | None] = []
    kinds: set[str] = set()
    for number, (shape, filters, batch) in enumerate(_CASES):
        findings = list(_network(trial, shape, filters, batch, explained))
        if KIND in {finding.kind for finding in findings}:  # or a corner of relu was met
            del explained[number:]
            findings = list(_network(trial, shape, filters, batch, explained))
        if number and not {finding.kind for finding in findings} <= kinds:
            yield Finding(
                "values", f"It is different for {shape} and {filters} filters, and wrong there."
            )
        if not number:
            kinds = {finding.kind for finding in findings}
            yield from findings


def _network(
    trial: Trial,
    shape: Sequence[int],
    filters: int,
    batch: int,
    explained: list[Explanation | None],
) -> Iterator[Finding]:
    built = trial.probe("build_network", shape=list(shape), filters=filters)
    if "other" in built:
        other = built.value("other")
        yield not_an_array(other, trial.name) or Finding(
            "type", f"{trial.name} returns {other.words}, not a Model."
        )
        return
    weights = random_weights(trial.random, built.replies("variables"))
    x = trial.random.uniform(-1, 1, (batch, *shape)).astype(np.float32)
    cotangents = [trial.random.normal(size=x.shape).astype(np.float32) for _ in range(2)]
    reply = trial.probe("run_network", [x, *cotangents, *weights.arrays])
    value = reply.value("value")
    outputs = _outputs(value, x)
    if isinstance(outputs, Finding):
        yield outputs
        return
    run = _Run(x, weights, cotangents, outputs, reply)
    yield from _functional(reply, outputs, x)
    for item in value.items:
        yield from wrong_dtype(item, trial.name)
    yield from changed_inputs([x], reply.value("inputs").items)
    yield from _losses(reply.value("losses"), weights)
    structure = list(_layers(built, weights, shape[-1], filters))
    yield from structure
    yield from _values(run, trial.random, explained, structure)


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


def _functional(reply: Reply, outputs: list[np.ndarray], x: np.ndarray) -> Iterator[Finding]:
    """A functional model can be built anew from its inputs and outputs."""
    again = _outputs(reply.value("again"), x)
    if isinstance(again, Finding) or not all(map(close, again, outputs)):
        yield Finding("layers", "The model is not a functional one, made of inputs and outputs.")


def _layers(built: Reply, weights: Weights, channels: int, filters: int) -> Iterator[Finding]:
    """The number of layers and the shapes of their weights."""
    shapes = [convolution.kernel.shape for convolution in weights.convolutions]
    found = []
    if len(shapes) != CONVOLUTIONS:
        found.append(
            Finding("layers", f"There are {len(shapes)} convolutions, too few or too many.")
        )
    sizes = {shape[:2] for shape in shapes} - {(3, 3)}
    if sizes:
        found.append(
            Finding("convolution", f"A convolution has a kernel of {sizes.pop()}, not 3x3.")
        )
    expected = [filters, channels, filters, channels, 2 * channels]
    seen, narrow = channels, []
    for number, (shape, due) in enumerate(zip(shapes, expected, strict=False), 1):
        if shape[2] != seen:
            narrow.append(str(number))
        if len(shapes) == CONVOLUTIONS and shape[3] != due:
            message = f"Convolution {number} has {shape[3]} filters, which is not right."
            found.append(Finding("layers", message))
        seen = shape[3]
    if narrow:
        which = ", ".join(narrow)
        found.append(
            Finding(
                "convolution",
                f"The kernels of convolution {which} are for fewer channels than there are: its "
                "input is summed up or cut into groups before.",
            )
        )
    count = len(weights.normalisations)
    if not count:
        found.append(Finding("normalisation", "There is no batch normalisation."))
    elif count > 4:
        found.append(Finding("normalisation", f"There are {count} batch normalisations, too many."))
    yield from found
    yield from _trainable(built, weights, channels, filters, alone=not found and count == 4)


def _trainable(
    built: Reply, weights: Weights, channels: int, filters: int, *, alone: bool
) -> Iterator[Finding]:
    """How many numbers are trained: all that there are, and as many as there must be."""
    c, f = channels, filters
    due = 2 * (9 * c * f + f + 2 * f + 9 * f * c + c + 2 * c) + 18 * c * c + 2 * c
    there = sum(weights.arrays[i].size for i in weights.trained)
    actual = built.integer("trainable")
    biases = sum(convolution.bias.size for convolution in weights.convolutions)
    parameters = biases + sum(c.kernel.size for c in weights.convolutions)
    parameters += sum(2 * norm.mean.size for norm in weights.normalisations)
    if actual != there or there != parameters or (alone and actual != due):
        yield Finding("layers", f"There are {actual} trainable parameters, which is not right.")


def _losses(value: Value, weights: Weights) -> Iterator[Finding]:
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
    run: _Run,
    random: np.random.Generator,
    explained: list[Explanation | None],
    structure: list[Finding],
) -> Iterator[Finding]:
    """Values in use and in training, and the gradients of both."""
    explanation = _explanation(run, explained)
    explained.append(explanation)
    if explanation is None:
        message = "The layers are there, but not put together in the right way."
        if structure:
            message = "The outputs are wrong as well."
        yield Finding("values", message)
        return
    yield from explanation.findings
    ways = {"gradients": ()}
    of_batch = _of_batch(run, explanation.form)
    if of_batch is None or not all(of_batch):
        yield Finding(
            "normalisation",
            "In training the normalisations do not use the statistics of the batch.",
        )
    if of_batch is not None:
        ways["training_gradients"] = of_batch
    lost = set().union(
        *(_cut(run, explanation.form, key, flags, random) for key, flags in ways.items())
    )
    if lost:
        whither = {"its input": 0 in lost, "its weights": bool(lost - {0})}
        yield told(" and ".join(where for where, is_cut in whither.items() if is_cut))


def _explanation(run: _Run, explained: list[Explanation | None]) -> Explanation | None:
    """Found for the first network; a second one must be of the same form."""
    if explained:
        first = explained[0]
        if first is not None and _same(run, first.form, run.outputs):
            return first
        return None
    layers = run.weights.convolutions, run.weights.normalisations
    count = len(run.weights.normalisations)
    if count > _MOST_NORMALISATIONS:
        return None
    seen = [run.x.shape[-1], *(c.kernel.shape[-1] for c in run.weights.convolutions)]
    return explain(
        run.outputs,
        lambda form: form.features(run.x, *layers),
        _alike,
        convolutions=len(run.weights.convolutions),
        normalisations=count,
        partial=any(
            convolution.kernel.shape[2] != channels
            for convolution, channels in zip(run.weights.convolutions, seen, strict=False)
        ),
    )


def _of_batch(run: _Run, form: Form) -> tuple[bool, ...] | None:
    """Which normalisations use the statistics of the batch in training; None if unclear."""
    trained = _outputs(run.reply.value("training"), run.x)
    if isinstance(trained, Finding):
        return None
    choices = itertools.product((True, False), repeat=len(run.weights.normalisations))
    return next((flags for flags in choices if _same(run, form, trained, flags)), None)


def _same(
    run: _Run, form: Form, outputs: Sequence[np.ndarray], of_batch: Sequence[bool] = ()
) -> bool:
    layers = run.weights.convolutions, run.weights.normalisations
    try:
        return _alike(outputs, form.evaluate(run.x, *layers, of_batch=of_batch))
    except (ValueError, IndexError):
        return False


def _alike(outputs: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> bool:
    return all(
        itertools.starmap(
            functools.partial(close, **_TOLERANCES), zip(outputs, expected, strict=True)
        )
    )


def _cut(
    run: _Run, form: Form, key: str, of_batch: Sequence[bool], random: np.random.Generator
) -> set[int]:
    """Where gradients are not those of the form: 0 is the image, all others are weights."""
    weights = run.weights

    def total(arrays: Sequence[np.ndarray]) -> float:
        values = {
            id(weights.arrays[i]): a for i, a in zip(weights.trained, arrays[1:], strict=True)
        }

        def now(array: np.ndarray) -> np.ndarray:
            return values.get(id(array), array)

        outputs = form.evaluate(
            arrays[0],
            [Convolution(*map(now, layer)) for layer in weights.convolutions],
            [Normalisation(*map(now, layer.arrays)) for layer in weights.normalisations],
            of_batch=of_batch,
        )
        return sum(float((c * o).sum()) for c, o in zip(run.cotangents, outputs, strict=True))

    arrays = [run.x, *(weights.arrays[i] for i in weights.trained)]
    groups = [range(len(arrays))] if run.x.shape[0] == 1 else None
    gradients = gradients_of(run.reply, key)
    if len(gradients) == 1 + len(weights.arrays):
        gradients = [gradients[0], *(gradients[1 + i] for i in weights.trained)]
    return cut(total, arrays, gradients, random, groups=groups)

"""Checks the four functions of a coupling layer and its masks."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import changed_inputs, close, not_an_array, wrong_dtype
from tfp_flows.grading.replies import Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.rubrics.realnvp.gradients import cut, gradients_of, told
from tfp_flows.grading.rubrics.realnvp.maths import Coupling
from tfp_flows.grading.trial import Finding, Trial

_LOG_DETS = ("forward_log_det_jacobian", "inverse_log_det_jacobian")
_OTHERS = {
    "forward": "inverse",
    "inverse": "forward",
    "forward_log_det_jacobian": "inverse_log_det_jacobian",
    "inverse_log_det_jacobian": "forward_log_det_jacobian",
}
_DERIVED = (0, 1)
_CASES = (
    ((3, 4, 6, 4), "checkerboard", 0),
    ((2, 6, 4, 2), "channel", 1),
    ((1, 4, 4, 6), "checkerboard", 1),
    ((4, 2, 4, 4), "channel", 0),
    ((2, 4, 6, 4), "checkerboard", 0),
)

# What a wrong result tells, most likely first. Each is a coupling with one mistake.
_ALWAYS = (
    (Coupling(mask="moved"), "mask", "The mask's roles are swapped: 1 keeps, 0 transforms."),
    (Coupling(mask="moved", seen="moved"), "mask", "The mask's roles are swapped in the result."),
    (Coupling(seen="all"), "network_input", "The network sees entries that the mask hides."),
    (Coupling(seen="moved"), "network_input", "The network sees the wrong half of its input."),
    (
        Coupling(outputs_swapped=True),
        "order",
        "The network's outputs are taken in the wrong order: which one is the shift?",
    ),
)
_MAPS = (
    (Coupling(log_scale=-1), "sign", "The sign of log_scale is wrong for this direction."),
    (Coupling(shift=-1), "sign", "The sign of the shift is wrong for this direction."),
    (Coupling(shift_inside=True), "order", "Shift and scale are applied in the wrong order."),
    (Coupling(exponential=False), "term", "log_scale is used as if it were the scale."),
    (Coupling(shift=0), "term", "The shift is missing."),
    (Coupling(log_scale=0), "term", "The scale is missing."),
    (Coupling(keeps=False), "mask", "The entries that the mask keeps are lost."),
    (Coupling(rest="everywhere"), "mask", "Entries that the mask keeps are transformed too."),
    (Coupling(shift_everywhere=True), "mask", "The shift is added to entries that are kept."),
)
_SUMS = (
    (Coupling(log_scale=-1), "sign", "The sign of the log-det is wrong."),
    (Coupling(summed="all"), "mask", "Entries that the mask keeps are counted too."),
    (Coupling(summed="kept"), "mask", "The log-scales of the wrong half are counted."),
    (
        Coupling(summed="shift"),
        "term",
        "The log-det is made of the shift: are the network's outputs taken in the right order?",
    ),
    (Coupling(summed="exp"), "term", "The scales are summed, not their logarithms."),
    (Coupling(summed="mean"), "sum", "The log-scales are averaged where a log-det is a sum."),
    (
        Coupling(seen="all", summed="all"),
        "mask",
        "The mask is not used: neither for the network's input nor for the sum.",
    ),
)


class _Call(NamedTuple):
    x: np.ndarray
    b: np.ndarray
    kernels: list[np.ndarray]
    cotangent: np.ndarray
    value: Value
    gradients: list[Value]

    @property
    def net(self) -> maths.Network:
        return maths.network(self.kernels)

    def expected(self, name: str, variation: Coupling = maths.RIGHT) -> np.ndarray:
        return getattr(variation, name)(self.x.astype(float), self.b, self.net)


def coupling(trial: Trial) -> Iterator[Finding]:
    """Calls one of the four functions with random images, masks and networks."""
    name = trial.settings["map"]
    calls: list[_Call] = []
    for shape, kind, orientation in _CASES:
        x = trial.random.uniform(-1.5, 1.5, shape).astype(np.float32)
        b = maths.mask(kind, orientation, shape[1:])
        kernels = maths.random_kernels(trial.random, shape[-1])
        size = shape[:1] if name in _LOG_DETS else shape
        cotangent = trial.random.normal(size=size).astype(np.float32)
        derived = len(calls) in _DERIVED
        reply = trial.probe("coupling", [x, b, cotangent, *kernels], derived=derived)
        value = reply.value("value")
        wrong = not_an_array(value, name)
        if wrong:
            yield wrong
            return
        call = _Call(x, b, kernels, cotangent, value, gradients_of(reply))
        if not calls:
            yield from wrong_dtype(value, name)
            yield from changed_inputs((x, b), reply.value("inputs").items)
        calls.append(call)
    yield from _judge(name, calls, trial.random)


def _judge(name: str, calls: list[_Call], random: np.random.Generator) -> Iterator[Finding]:
    if name in _LOG_DETS:
        misshapen = list(_shape_of_sum(name, calls))
        if misshapen:
            yield from misshapen
            flat = _flattened(calls)
            if flat is None:
                sums = [(c.value.array.sum(), c.expected(name).sum()) for c in calls]
                if not all(close(actual, expected) for actual, expected in sums):
                    yield Finding("values", "Its numbers are wrong as well.")
                return
            calls = flat
    elif any(call.value.array.shape != call.x.shape for call in calls):
        shape = next(c.value.array.shape for c in calls if c.value.array.shape != c.x.shape)
        yield Finding("values", f"{name} returns the shape {shape}, not that of its input.")
        return
    right = [close(call.value.array, call.expected(name)) for call in calls]
    if all(right):
        yield from _gradients(calls, random, name)
    elif right[0] and not any(right[1:]):
        yield Finding("later_calls", f"{name} is right when called first, and wrong after that.")
        yield from _gradients(calls[:1], random, name)
    else:
        yield from _diagnosis(name, calls, right, random)


def _diagnosis(
    name: str, calls: list[_Call], right: list[bool], random: np.random.Generator
) -> Iterator[Finding]:
    """What is wrong with values, and with their gradients too."""
    variations = _SUMS + _ALWAYS if name in _LOG_DETS else _ALWAYS + _MAPS
    other = _OTHERS[name]
    formulas = [(name, *entry) for entry in variations]
    formulas.append((other, maths.RIGHT, "direction", f"This is the formula of {other}."))
    for formula, variation, kind, message in formulas:
        if all(close(call.value.array, call.expected(formula, variation)) for call in calls):
            yield Finding(kind, message)
            yield from _gradients(calls, random, formula, variation)
            return
    for variation, _, message in variations:
        negative = dataclasses.replace(variation, log_scale=-variation.log_scale)
        if all(close(call.value.array, call.expected(name, negative)) for call in calls):
            yield Finding("values", f"The sign of log_scale is wrong, and: {message}")
            return
    yield Finding("values", _where(name, calls, right))


def _gradients(
    calls: list[_Call],
    random: np.random.Generator,
    name: str,
    variation: Coupling = maths.RIGHT,
) -> Iterator[Finding]:
    """By the input and by each weight of the network, in calls with either kind of mask."""
    lost: set[int] = set()
    for number in range(len(calls)):
        if number not in _DERIVED:
            continue
        call = calls[number]

        def total(arrays, call=call) -> float:
            net = maths.network(arrays[1:])
            return float((call.cotangent * getattr(variation, name)(arrays[0], call.b, net)).sum())

        lost |= cut(total, [call.x, *call.kernels], call.gradients, random)
    if lost:
        whither = {"the input": 0 in lost, "the network": bool(lost - {0})}
        yield told(" and ".join(where for where, is_cut in whither.items() if is_cut))


def _where(name: str, calls: list[_Call], right: list[bool]) -> str:
    """Which numbers are wrong, where it is not clear why."""
    kinds = {kind: [] for _, kind, _ in _CASES}
    for (_, kind, _), fine in zip(_CASES, right, strict=True):
        kinds[kind].append(fine)
    for kind, fine in kinds.items():
        others = [f for other, fs in kinds.items() if other != kind for f in fs]
        if not any(fine) and all(others):
            return f"{name} returns wrong numbers with a {kind} mask."
    if name in _LOG_DETS:
        return f"{name} returns wrong numbers."
    kept = moved = True
    for call in calls:
        expected = call.expected(name)
        where = np.broadcast_to(call.b == 1, expected.shape)
        kept &= close(call.value.array[where], expected[where])
        moved &= close(call.value.array[~where], expected[~where])
    if kept:
        return f"{name} returns wrong numbers where the mask is 0."
    if moved:
        return f"{name} returns wrong numbers where the mask is 1."
    return f"{name} returns wrong numbers."


def _shape_of_sum(name: str, calls: list[_Call]) -> Iterator[Finding]:
    for call in calls:
        shape, batch = call.value.array.shape, call.x.shape[:1]
        if shape == batch:
            continue
        if shape == call.x.shape:
            yield Finding(
                "sum", "The log-det of each image is a sum over its entries; none is made."
            )
        elif shape == ():
            yield Finding(
                "sum", "The log-det is summed over the batch too: each image has its own."
            )
        elif call.value.array.size == batch[0]:
            yield Finding("shape", f"{name} returns the shape {shape}: one number an image is due.")
        else:
            yield Finding("sum", f"{name} returns the shape {shape}: it sums over the wrong axes.")
        return


def _flattened(calls: list[_Call]) -> list[_Call] | None:
    """The calls with sums of the right shape, where the numbers are all there."""
    flat = []
    for call in calls:
        array, batch = call.value.array, call.x.shape[0]
        if array.shape == call.x.shape:
            array = array.sum(axis=(1, 2, 3))
        elif array.size != batch:
            return None
        flat.append(call._replace(value=dataclasses.replace(call.value, array=array.ravel())))
    return flat


def channel_mask(trial: Trial) -> Iterator[Finding]:
    """Compares channel masks of several sizes, with both orientations and with none given."""
    found: dict[str, Finding] = {}
    for channels in (4, 2, 12, 6):
        for arguments in ((channels, 0), (channels, 1), (channels,)):
            value, _ = trial.call(*arguments)
            wrong = not_an_array(value, trial.name)
            if wrong:
                yield wrong
                return
            for finding in _judge_mask(value, arguments, trial.name):
                found.setdefault(finding.kind, finding)
    if "orientation" in found and "default" in found:
        del found["default"]
    yield from found.values()


def _judge_mask(value: Value, arguments: tuple[int, ...], what: str) -> Iterator[Finding]:
    channels, orientation = arguments[0], (*arguments[1:], 0)[0]
    array = value.array.astype(float)
    expected = maths.mask("channel", orientation, (1, 1, channels))
    if array.shape != expected.shape:
        if array.size != channels:
            yield Finding(
                "values", f"{what} returns the shape {array.shape} for {channels} channels."
            )
            return
        yield Finding("shape", f"{what} returns the shape {array.shape}: what of height and width?")
        array = array.reshape(expected.shape)
    yield from wrong_dtype(value, what)
    if close(array, expected):
        return
    if close(array, 1 - expected):
        if len(arguments) == 1:
            yield Finding(
                "default", "Without an orientation, the mask is not that of orientation 0."
            )
        else:
            message = f"With orientation {orientation} the mask's halves are swapped."
            yield Finding("orientation", message)
    elif close(array, np.arange(channels)[None, None] % 2) or close(
        array, 1 - np.arange(channels)[None, None] % 2
    ):
        if channels > 2:
            yield Finding(
                "values", "The mask changes from channel to channel instead of by halves."
            )
    else:
        yield Finding("values", f"{what} returns a wrong mask for {channels} channels.")

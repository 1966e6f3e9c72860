"""Judges what the assignment provides of the coupling layer: the methods that map and measure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import close
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.rubrics.realnvp.gradients import cut, gradients_of, told
from tfp_flows.grading.trial import Finding, Trial

_MAPS = ("forward", "inverse")
_LOG_DETS = ("forward_log_det_jacobian", "inverse_log_det_jacobian")
_METHODS = (*_MAPS, *_LOG_DETS)
_OTHER = {"forward": "inverse", "inverse": "forward"}
_OTHER |= {name: _LOG_DETS[name == _LOG_DETS[0]] for name in _LOG_DETS}


class Layer(NamedTuple):
    """A layer that was built and called.

    Attributes:
        x: Images for its forward methods.
        y: Images for the others.
        cotangents: Factors of the entries of an image, and of a log-det, in what is derived.
        kernels: Weights of its network.
        masks: What its mask may be, as images: the one that it says, and the right one.
        reply: What its methods gave.
        derived: Whether that holds gradients.
    """

    x: np.ndarray
    y: np.ndarray
    cotangents: list[np.ndarray]
    kernels: list[np.ndarray]
    masks: list[np.ndarray]
    reply: Reply
    derived: bool

    @property
    def called(self) -> dict[str, Reply]:
        """What each method gave."""
        return dict(zip(_METHODS, self.reply.replies("methods"), strict=True))

    @property
    def is_for_images(self) -> bool:
        """Whether log-dets are those of whole images, as far as there are any."""
        (forward, whole, at_once) = (
            self.reply.value(key) for key in ("log_det", "log_det_of_images", "log_det_at_once")
        )
        if forward.kind != "array":
            return True
        if whole.kind != "array" or at_once.kind != "array":
            return False
        sums = np.asarray(forward.array.sum(dtype=float))
        return close(whole.array, forward.array) and close(at_once.array, sums)

    def expected(self, name: str, mask: np.ndarray, kernels=None, image=None) -> np.ndarray:
        """What a method should give."""
        if image is None:
            image = (self.x if name.startswith("forward") else self.y).astype(float)
        net = maths.network(self.kernels if kernels is None else kernels)
        return getattr(maths.RIGHT, name)(image, mask, net)


def judge_methods(trial: Trial, layers: Sequence[Layer]) -> Iterator[Finding]:
    """Compares the four methods with what they are there for."""
    called = [layer.called for layer in layers]
    missing = [name for name in _METHODS if any("missing" in reply[name] for reply in called)]
    failed = [name for name in _METHODS if any("error" in reply[name] for reply in called)]
    there = [name for name in _METHODS if name not in (*missing, *failed)]
    values = {name: [reply[name].value("value") for reply in called] for name in there}
    wrong = [name for name in there if not _right(name, name, layers, values[name])]
    if missing:
        names = ", ".join(f"_{name}" for name in missing)
        kind = "methods" if set(missing) & set(_MAPS) else "log_dets_missing"
        yield Finding(kind, f"Provided methods are missing from {trial.name}: {names}.")
    if failed:
        names = ", ".join(f"_{name}" for name in failed)
        yield Finding("methods", f"Provided methods of {trial.name} raise an error: {names}.")
    if wrong:
        exchanged = all(_right(name, _OTHER[name], layers, values[name]) for name in wrong)
        names = ", ".join(f"_{name}" for name in wrong)
        how = "each is the other one, or has its sign" if exchanged else "the numbers are wrong"
        yield Finding("methods", f"Provided methods of {trial.name} are changed ({how}): {names}.")
    lost = [
        f"_{name}"
        for name in there
        if name not in wrong
        and any(
            _lost(name, layer, reply, trial)
            for layer, reply in zip(layers, called, strict=True)
            if layer.derived
        )
    ]
    if lost:
        yield told(f"input and network of {', '.join(lost)}")


def _right(name: str, formula: str, layers: Sequence[Layer], values: Sequence[Value]) -> bool:
    """Whether values are those of a formula, with the masks that the layers say, or right ones."""
    return all(
        any(_fits(name, formula, layer, value, mask) for mask in layer.masks)
        for layer, value in zip(layers, values, strict=True)
    )


def _fits(name: str, formula: str, layer: Layer, value: Value, mask: np.ndarray) -> bool:
    image = (layer.x if name.startswith("forward") else layer.y).astype(float)
    return value.kind == "array" and close(value.array, layer.expected(formula, mask, image=image))


def _lost(name: str, layer: Layer, called: dict[str, Reply], trial: Trial) -> bool:
    """Whether a method's gradients are not those of its values."""
    reply = called[name]
    mask = next(m for m in layer.masks if _fits(name, name, layer, reply.value("value"), m))
    cotangent = layer.cotangents[name in _LOG_DETS]

    def total(arrays) -> float:
        return float((cotangent * layer.expected(name, mask, arrays[1:], arrays[0])).sum())

    image = layer.x if name.startswith("forward") else layer.y
    return bool(cut(total, [image, *layer.kernels], gradients_of(reply), trial.random))

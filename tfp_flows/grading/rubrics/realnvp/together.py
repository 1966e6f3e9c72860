"""Checks all pieces of a submission together, and what it holds of the provided parts."""

from collections.abc import Iterator

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.trial import Finding, Trial
from tfp_flows.grading.whole import APART, PROVIDED

_SMALL, _IMAGE = (1, 4, 4, 3), (1, 32, 32, 3)
_LEAST = 1e-6  # below a gradient of this size, a variable is not trained
_TOLERANCES = {"relative": 5e-3, "absolute": 5e-3}


def together(trial: Trial) -> Iterator[Finding]:
    """Builds the model once: its density, its log-det, its gradients, its provided parts."""
    small, image = (
        trial.random.uniform(0.1, 0.9, shape).astype(np.float32) for shape in (_SMALL, _IMAGE)
    )
    batch, height, width, channels = _IMAGE
    y = trial.random.normal(size=(batch, height // 2, width // 2, 4 * channels))
    y = y.astype(np.float32)
    own = bool(trial.settings["model"])
    reply = trial.probe("whole", [small, image, y], model=own)
    if "loss" in reply:
        yield from _flow(reply)
    if own:
        yield from _model(reply, y.shape[1:])
    expected = {
        "checkerboard_binary_mask": [maths.mask("checkerboard", o, (4, 6, 3)) for o in (0, 1)],
        "Squeeze": [maths.squeeze(image), maths.unsqueeze(y)],
        "nll": [(np.square(image) / 2 + np.log(2 * np.pi) / 2).sum(axis=(1, 2, 3))],
    }
    for name, due in expected.items():
        if name in reply and not _are(reply.value(name), due):
            yield Finding(PROVIDED, name)


def _model(reply: Reply, latent: tuple[int, ...]) -> Iterator[Finding]:
    """The model's base is the standard normal, and its scales are put together as provided."""
    energy = (0.5**2 + np.log(2 * np.pi)) / 2 * np.prod(latent)
    if not _is(reply.value("RealNVPModel"), np.array([-energy])):
        yield Finding(PROVIDED, "RealNVPModel")
    if "RealNVPMultiScale" in reply:
        due = reply.value("RealNVPMultiScale")
        if (
            "latent" not in reply
            or due.kind != "array"
            or not _is(reply.value("latent"), due.array)
        ):
            yield Finding(PROVIDED, "RealNVPMultiScale")


def _are(value: Value, expected: list[np.ndarray]) -> bool:
    """Whether there are such arrays, and beyond them zeros alone."""
    items = value.items
    if len(items) < len(expected):
        return False
    rest = items[len(expected) :]
    return all(map(_is, items, expected)) and all(
        item.kind == "array" and not np.any(item.array) for item in rest
    )


def _is(value: Value, expected: np.ndarray | None) -> bool:
    if value.kind != "array" or expected is None:
        return False
    return close(value.array, expected, **_TOLERANCES)


def _flow(reply: Reply) -> Iterator[Finding]:
    for key, what in (("loss", "the negative log-likelihood"), ("log_det", "the log-det")):
        wrong = not_an_array(reply.value(key), what)
        if wrong:
            yield Finding(APART, wrong.message)
            return
    jacobian, log_det = reply.value("jacobian"), reply.value("log_det").array
    size = int(np.prod(_SMALL))
    if jacobian.kind != "array" or jacobian.array.shape != (size, size):
        yield Finding(APART, "the flow has no Jacobian.")
    else:
        expected = np.linalg.slogdet(jacobian.array.astype(float))[1]
        due = np.array([expected])
        if not np.isfinite(expected) or not close(log_det, due, relative=1e-2, absolute=5e-2):
            yield Finding(APART, "the log-det is not that of the Jacobian.")
    sizes = reply.value("sizes")
    if sizes.kind != "array" or not np.isfinite(sizes.array).all():
        yield Finding(APART, "the loss has no gradients.")
    elif not sizes.array.size or (sizes.array < _LEAST).any():
        count = int((sizes.array < _LEAST).sum())
        yield Finding(APART, f"{count} of {sizes.array.size} variables have no gradient.")

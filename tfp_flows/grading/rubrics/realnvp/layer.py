"""Checks the coupling layer as a bijector: its initialiser and its masks."""

import itertools
from collections.abc import Iterator

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array
from tfp_flows.grading.process import Failure
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (4, 6, 4)
_BATCH = 2
_KINDS = ("checkerboard", "channel")


def coupling_layer(trial: Trial) -> Iterator[Finding]:
    """Builds layers of both kinds and orientations, and reads attributes and masks."""
    masks: dict[tuple[str, int], Value] = {}
    found: dict[str, Finding] = {}
    for kind, orientation in itertools.product(_KINDS, (0, 1)):
        kernels = maths.random_kernels(trial.random, _SHAPE[-1])
        label = f"layer_{trial.random.integers(1_000_000)}"
        built = trial.probe(
            "coupling_layer", kernels, mask_type=kind, orientation=orientation, label=label
        )
        if not built.flag("is_bijector"):
            yield Finding("type", f"{trial.name} is no subclass of tfb.Bijector.")
            return
        for finding in _initialiser(built, kind, orientation, label):
            found.setdefault(finding.kind, finding)
        reply = trial.probe("layer_mask", shape=[_BATCH, *_SHAPE])
        if "missing" in reply:
            yield Finding("values", f"{trial.name} has no method _get_mask.")
            return
        masks[kind, orientation] = reply.value("mask")
        wrong = not_an_array(masks[kind, orientation], "_get_mask")
        if wrong:
            yield wrong
            return
    yield from found.values()
    wrong = list(_wrong_masks(masks))
    yield from wrong or _unknown_batch(trial)


def _initialiser(built: Reply, kind: str, orientation: int, label: str) -> Iterator[Finding]:
    if built.scalar("event_ndims") != 3:
        yield Finding("event_ndims", "forward_min_event_ndims is not that of an image.")
    if built.scalar("label") != label:
        yield Finding("keywords", "Keyword arguments (a name) do not reach the base class.")
    values = {
        "shift_and_log_scale_fn": built.flag("function"),
        "mask_type": built.scalar("mask_type") == kind,
        "orientation": built.scalar("orientation") == orientation,
    }
    lacking = [name for name, fine in values.items() if not fine]
    if lacking:
        yield Finding("attributes", f"Arguments are not kept as attributes: {', '.join(lacking)}.")


def _wrong_masks(masks: dict[tuple[str, int], Value]) -> Iterator[Finding]:
    images = {key: _image(value) for key, value in masks.items()}
    if any(image is None for image in images.values()):
        shape = next(masks[key].array.shape for key, image in images.items() if image is None)
        yield Finding("values", f"_get_mask returns the shape {shape}, which fits no image.")
        return
    expected = {key: _image_of(maths.mask(*key, _SHAPE)) for key in masks}

    def matches(chosen) -> bool:
        return all(close(image, expected[chosen(*key)]) for key, image in images.items())

    if matches(lambda kind, orientation: (kind, orientation)):
        return
    if matches(lambda kind, orientation: (kind, 1 - orientation)):
        yield Finding("mask", "_get_mask uses the orientation the other way round.")
    elif matches(lambda kind, orientation: (kind, 0)) or matches(lambda kind, _: (kind, 1)):
        yield Finding("mask", "_get_mask does not use the orientation.")
    elif matches(lambda kind, orientation: (_KINDS[kind == _KINDS[0]], orientation)):
        yield Finding("mask", "_get_mask takes each mask type for the other one.")
    else:
        yield from _wrong_kinds(images, expected)


def _wrong_kinds(images: dict, expected: dict) -> Iterator[Finding]:
    for kind in _KINDS:
        ours = [close(images[kind, o], expected[kind, o]) for o in (0, 1)]
        others = [close(images[other, o], expected[other, o]) for other in _KINDS for o in (0, 1)]
        if not any(ours) and sum(others) == 2:
            yield Finding("mask", f"_get_mask is wrong for the mask type {kind!r}.")
            return
        if sum(ours) == 1 and sum(others) == 3:
            yield Finding("mask", f"_get_mask does not use the orientation of a {kind} mask.")
            return
    yield Finding("values", "_get_mask returns wrong masks.")


def _image(value: Value) -> np.ndarray | None:
    return _image_of(value.array) if value.array.ndim <= len(_SHAPE) + 1 else None


def _image_of(array: np.ndarray) -> np.ndarray | None:
    try:
        return np.broadcast_to(array, (_BATCH, *_SHAPE))
    except ValueError:
        return None


def _unknown_batch(trial: Trial) -> Iterator[Finding]:
    try:
        reply = trial.probe("layer_mask", shape=[None, *_SHAPE])
        fine = not_an_array(reply.value("mask"), "_get_mask") is None
    except Failure:
        fine = False
    if not fine:
        yield Finding("unknown_batch", "_get_mask fails where the size of the batch is unknown.")

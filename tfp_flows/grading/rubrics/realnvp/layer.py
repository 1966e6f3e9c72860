"""Checks the coupling layer as a bijector: its initialiser, its masks and its four methods."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array
from tfp_flows.grading.process import Failure
from tfp_flows.grading.replies import Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.rubrics.realnvp.methods import Layer, judge_methods
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (4, 6, 8)  # of different lengths, so that none can be taken for another
_BATCH = 2
_KINDS = ("checkerboard", "channel")


class _Built(NamedTuple):
    mask: Value
    layer: Layer


def coupling_layer(trial: Trial) -> Iterator[Finding]:
    """Builds layers of both kinds and orientations, and looks at all that they do."""
    built: dict[tuple[str, int], _Built] = {}
    found: dict[str, Finding] = {}
    for kind, orientation in itertools.product(_KINDS, (0, 1)):
        kernels = maths.random_kernels(trial.random, _SHAPE[-1])
        label = f"layer_{trial.random.integers(1_000_000)}"
        shape = (_BATCH, *_SHAPE)
        x, y = (trial.random.uniform(-1, 1, shape).astype(np.float32) for _ in range(2))
        told = trial.probe(
            "coupling_layer", [x, *kernels], mask_type=kind, orientation=orientation, label=label
        )
        if not told.flag("is_bijector"):
            yield Finding("type", f"{trial.name} is no subclass of tfb.Bijector.")
            return
        reply = trial.probe("layer_mask", shape=list(shape))
        if "missing" in reply:
            yield Finding("values", f"{trial.name} has no method _get_mask.")
            return
        mask = reply.value("mask")
        wrong = not_an_array(mask, "_get_mask")
        if wrong:
            yield wrong
            return
        cotangents = [
            trial.random.normal(size=size).astype(np.float32) for size in (shape, shape[:1])
        ]
        derived = orientation == 0
        reply = trial.probe("layer_methods", [x, y, *cotangents], derived=derived)
        expected = _image_of(maths.mask(kind, orientation, _SHAPE))
        masks = [image for image in (_image(mask), expected) if image is not None]
        layer = Layer(x, y, cotangents, kernels, masks, reply, derived)
        for finding in _initialiser(told, layer, kind, orientation, label):
            found.setdefault(finding.kind, finding)
        for finding in _unknown_batch(trial, mask):
            found.setdefault(finding.kind, finding)
        built[kind, orientation] = _Built(mask, layer)
    yield from found.values()
    yield from _wrong_masks({key: value.mask for key, value in built.items()})
    yield from judge_methods(trial, [value.layer for value in built.values()])


def _initialiser(
    told: Reply, layer: Layer, kind: str, orientation: int, label: str
) -> Iterator[Finding]:
    if told.scalar("event_ndims") != 3 or not layer.is_for_images:
        yield Finding("event_ndims", "forward_min_event_ndims is not that of an image.")
    if told.scalar("label") != label:
        yield Finding("keywords", "Keyword arguments (a name) do not reach the base class.")
    values = {
        "shift_and_log_scale_fn": _is_network(told.value("function"), layer),
        "mask_type": told.scalar("mask_type") == kind,
        "orientation": told.scalar("orientation") == orientation,
    }
    lacking = [name for name, fine in values.items() if not fine]
    if lacking:
        yield Finding("attributes", f"Arguments are not kept as attributes: {', '.join(lacking)}.")


def _is_network(value: Value, layer: Layer) -> bool:
    """Whether what an attribute gives for an image is what the network gives."""
    expected = maths.network(layer.kernels)(layer.x.astype(float))
    return len(value.items) == len(expected) and all(
        item.kind == "array" and close(item.array, due)
        for item, due in zip(value.items, expected, strict=True)
    )


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
    """A mask as the product with an image takes it; it may lack axes, but add none."""
    try:
        return np.broadcast_to(array, (_BATCH, *_SHAPE))
    except ValueError:
        return None


def _unknown_batch(trial: Trial, known: Value) -> Iterator[Finding]:
    try:
        value = trial.probe("layer_mask", shape=[None, *_SHAPE]).value("mask")
        wrong = not_an_array(value, "_get_mask")
        images = None if wrong else (_image(value), _image(known))
        fine = images is not None and (images[0] is None) == (images[1] is None)
        if fine and images[0] is not None:
            fine = np.array_equal(*images)
    except Failure:
        fine = False
    if not fine:
        yield Finding("unknown_batch", "_get_mask fails where the size of the batch is unknown.")

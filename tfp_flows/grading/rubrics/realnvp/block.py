"""Checks the block: its members, their order, and what it computes."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array
from tfp_flows.grading.replies import Malformed, Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.rubrics.realnvp.chain import RIGHT, Member, differences, forward, inverse
from tfp_flows.grading.rubrics.realnvp.gradients import cut, gradients_of, told
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (3, 8, 4, 3)
_NETWORKS = 6
_MOST_CHANNELS, _MOST_NORMALISATIONS, _MOST_MEMBERS, _MOST_FLAGS = 1000, 50, 50, 4


class _Run(NamedTuple):
    """What a block was given, and what came of it."""

    x: np.ndarray
    y: np.ndarray
    cotangents: list[np.ndarray]
    kernels: list[list[np.ndarray]]
    variables: list[list[np.ndarray]]
    reply: Reply


def block(trial: Trial) -> Iterator[Finding]:
    """Compares a block with random networks and normalisations in both directions.

    The numbers decide; the members serve to say what is wrong.
    """
    channels = _SHAPE[-1]
    kernels = [maths.random_kernels(trial.random, 4 * channels) for _ in range(_NETWORKS)]
    flat = [array for kernel in kernels for array in kernel]
    built = trial.probe("build_block", [*flat, _images(trial, _SHAPE)])
    if "other" in built:
        other = built.value("other")
        yield not_an_array(other, trial.name) or Finding(
            "type", f"{trial.name} returns {other.words}, not a bijector."
        )
        return
    members = _members(built)
    sizes = built.sizes("channels")
    if len(sizes) > _MOST_NORMALISATIONS or max(sizes, default=0) > _MOST_CHANNELS:
        raise Malformed
    variables = [maths.random_normalisation(trial.random, size) for size in sizes]
    x, y = _images(trial, _SHAPE), _images(trial, _squeezed(_SHAPE))
    cotangents = [
        trial.random.normal(size=shape).astype(np.float32)
        for shape in (_squeezed(_SHAPE), _SHAPE[:1])
    ]
    settings = [array for group in variables for array in group]
    reply = trial.probe("run_block", [x, y, *cotangents, *settings])
    run = _Run(x, y, cotangents, kernels, variables, reply)
    value = reply.value("value")
    wrong = not_an_array(value, f"forward of the bijector of {trial.name}")
    if wrong:
        yield wrong
    elif _gives(RIGHT, run, value.array):
        yield from _rest(RIGHT, run, trial.random)
    elif members != RIGHT and _gives(members, run, value.array):
        found = list(differences(members))
        yield from found or [Finding("values", "The members are not those of the assignment.")]
        yield from _rest(members, run, trial.random)
    else:
        yield from _unexplained(trial, built, members)


def _images(trial: Trial, shape: Sequence[int]) -> np.ndarray:
    return trial.random.uniform(-1, 1, shape).astype(np.float32)


def _squeezed(shape: Sequence[int]) -> tuple[int, ...]:
    batch, height, width, channels = shape
    return batch, height // 2, width // 2, 4 * channels


def _members(built: Reply) -> list[Member]:
    """What the submission tells of its members, as plain words and numbers."""
    members = []
    for entry in built.replies("members")[:_MOST_MEMBERS]:
        member: Member = {"what": entry.text("what")}
        if member["what"] == "coupling":
            member["mask"] = entry.text("mask")
            member["orientation"] = entry.integer("orientation")
            member["function"] = entry.integer("function")
        members.append(member)
    return members


def _gives(members: Sequence[Member], run: _Run, value: np.ndarray) -> bool:
    """Whether a chain of such members computes this."""
    told = forward(members, run.x.astype(float), run.kernels, run.variables)
    return told is not None and close(value, told[0])


def _rest(members: list[Member], run: _Run, random: np.random.Generator) -> Iterator[Finding]:
    """Log-dets, the other direction and gradients of members that have the right values."""
    expected = forward(members, run.x.astype(float), run.kernels, run.variables)
    constant = all(member["what"] != "coupling" for member in members)  # TFP's has no batch then
    if not _is(run.reply.value("log_det"), expected[1], constant=constant):
        yield Finding("log_det", "The log-det of the block is not that of its forward map.")
    yield from _backward(members, constant, run._replace(y=run.y.reshape(expected[0].shape)))
    lost = cut(
        lambda arrays: _total(members, run, arrays),
        _derived(run),
        gradients_of(run.reply),
        random,
        groups=_groups(run),
    )
    if lost:
        yield told("the image, the networks and the normalisations")


def _is(value: Value, expected: np.ndarray, *, constant: bool = False) -> bool:
    """Whether a value is the expected one, or one number for all where it may be constant."""
    if value.kind != "array":
        return False
    array = value.array
    array = np.broadcast_to(array, expected.shape) if constant and array.ndim == 0 else array
    return close(array, expected, relative=1e-2, absolute=2e-3)


def _backward(members: list[Member], constant: bool, run: _Run) -> Iterator[Finding]:
    """The inverse normalises by the statistics of the batch, as TFP's bijector does in training."""
    count = len(run.variables)
    if "inverse" not in run.reply:
        yield Finding("inverse", "The block fails in its inverse direction.")
        return
    value, log_det = (run.reply.value(name) for name in ("inverse", "inverse_log_det"))
    for flags in itertools.product((True, False), repeat=min(count, _MOST_FLAGS)):
        of_batch = (*flags, *(True,) * (count - len(flags)))
        found = inverse(members, run.y.astype(float), run.kernels, run.variables, of_batch)
        if found is None or not _is(value, found[0]):
            continue
        if not all(of_batch):
            yield Finding(
                "statistics", "In its inverse direction the block does not normalise by the batch."
            )
        if not _is(log_det, found[1], constant=constant):
            yield Finding("log_det", "The log-det of the block is not that of its inverse map.")
        return
    yield Finding("inverse", "The inverse direction of the block does not undo the other one.")


def _derived(run: _Run) -> list[np.ndarray]:
    """What gradients are taken by: the image, the networks, gamma and beta."""
    kernels = [array for group in run.kernels for array in group]
    return [run.x, *kernels, *(array for group in run.variables for array in group[:2])]


def _groups(run: _Run) -> list[range]:
    """The image, each network, and each normalisation."""
    size = len(run.kernels[0])
    starts = [1 + size * i for i in range(len(run.kernels))]
    after = 1 + size * len(run.kernels)
    pairs = [range(after + 2 * i, after + 2 * i + 2) for i in range(len(run.variables))]
    return [range(1), *(range(start, start + size) for start in starts), *pairs]


def _total(members: list[Member], run: _Run, arrays: Sequence[np.ndarray]) -> float:
    x, *arrays = arrays
    size = len(run.kernels[0])
    kernels = [arrays[size * i : size * (i + 1)] for i in range(len(run.kernels))]
    pairs = arrays[size * len(run.kernels) :]
    variables = [[*pairs[2 * i : 2 * i + 2], *group[2:]] for i, group in enumerate(run.variables)]
    found = forward(members, x, kernels, variables)
    return float(
        sum((c.reshape(f.shape) * f).sum() for c, f in zip(run.cotangents, found, strict=True))
    )


def _unexplained(trial: Trial, built: Reply, members: list[Member]) -> Iterator[Finding]:
    told = built.replies("members")
    strange = [entry.name("class") for entry in told if entry.text("what") == "other"]
    if not built.flag("is_chain"):
        yield Finding("type", f"{trial.name} returns a bijector that is no tfb.Chain.")
    elif strange:
        yield Finding("values", f"The chain has a member that does not belong: {strange[0]}.")
    elif members == RIGHT:
        yield Finding("values", "The members stand in the right order, but compute wrong values.")
    else:
        for difference in differences(members):
            yield Finding("values", difference.message)

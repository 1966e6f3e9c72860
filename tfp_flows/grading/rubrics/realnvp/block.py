"""Checks the block: its members, their order, and what it computes."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.comparing import close, not_an_array
from tfp_flows.grading.replies import Malformed, Reply, Value
from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.trial import Finding, Trial

_SHAPE = (3, 8, 4, 3)
_NETWORKS = 6
_MOST_CHANNELS, _MOST_NORMALISATIONS, _MOST_MEMBERS = 1000, 50, 50
Member = dict[str, Any]


def _couplings(mask: str, first: int) -> list[Member]:
    return [
        {"what": "coupling", "mask": mask, "orientation": i % 2, "function": first + i}
        for i in range(3)
    ]


_NORMALISATION, _SQUEEZE = {"what": "normalisation"}, {"what": "squeeze"}
_RIGHT: list[Member] = [
    *_couplings("checkerboard", 0),
    _NORMALISATION,
    _SQUEEZE,
    *_couplings("channel", 3),
    _NORMALISATION,
]


def block(trial: Trial) -> Iterator[Finding]:
    """Compares a block with random networks and normalisations in both directions.

    The numbers decide; the members serve to say what is wrong.
    """
    channels = _SHAPE[-1]
    kernels = [maths.random_kernels(trial.random, 4 * channels) for _ in range(_NETWORKS)]
    x = _images(trial, _SHAPE)
    flat = [array for kernel in kernels for array in kernel]
    built = trial.probe("build_block", [*flat, x])
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
    normalisations = [maths.Normalisation(*group) for group in variables]
    networks = [maths.network(kernel) for kernel in kernels]
    x, y = _images(trial, _SHAPE), _images(trial, _squeezed(_SHAPE))
    whole = _forward(_RIGHT, x, networks, normalisations)
    reply = trial.probe(
        "run_block",
        [x, y, *(array for group in variables for array in group)],
        backward=whole is not None,
    )
    value = reply.value("value")
    wrong = not_an_array(value, f"forward of the bijector of {trial.name}")
    if wrong:
        yield wrong
    elif whole is not None and close(value.array, whole):
        yield from _backward(reply.value("inverse"), y, networks, normalisations)
    else:
        told = _forward(members, x, networks, normalisations)
        if members == _RIGHT or told is None or not close(value.array, told):
            yield from _unexplained(trial, built, members)
        else:
            yield from _differences(members)


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


def _forward(members, x, networks, normalisations) -> np.ndarray | None:
    """What a chain of such members computes; None if it cannot be."""
    x, left = x.astype(float), list(normalisations)
    for member in members:
        try:
            x = _apply(member, x, networks, left)
        except (ValueError, IndexError):
            return None
    return x


def _apply(member: Member, x: np.ndarray, networks, left: list) -> np.ndarray:
    if member["what"] == "squeeze":
        return maths.squeeze(x)
    if member["what"] == "normalisation":
        return left.pop(0).undo(x)
    if member["what"] != "coupling" or not 0 <= member["function"] < len(networks):
        raise ValueError("unknown member")
    mask = maths.mask(member["mask"], member["orientation"], x.shape[1:])
    return maths.RIGHT.forward(x, mask, networks[member["function"]])


def _backward(value: Value, y, networks, normalisations) -> Iterator[Finding]:
    """The inverse normalises by the statistics of the batch, as TFP's bijector does in training."""
    x, left = y.astype(float), list(normalisations)
    for member in reversed(_RIGHT):
        if member["what"] == "squeeze":
            x = maths.unsqueeze(x)
        elif member["what"] == "normalisation":
            x = left.pop().normalise(x, of_batch=True)
        else:
            mask = maths.mask(member["mask"], member["orientation"], x.shape[1:])
            x = maths.RIGHT.inverse(x, mask, networks[member["function"]])
    if value.kind != "array" or not close(value.array, x, relative=1e-2, absolute=2e-3):
        yield Finding(
            "statistics", "In its inverse direction the block does not normalise by the batch."
        )


def _unexplained(trial: Trial, built: Reply, members: list[Member]) -> Iterator[Finding]:
    told = built.replies("members")
    strange = [entry.name("class") for entry in told if entry.text("what") == "other"]
    if not built.flag("is_chain"):
        yield Finding("type", f"{trial.name} returns a bijector that is no tfb.Chain.")
    elif strange:
        yield Finding("values", f"The chain has a member that does not belong: {strange[0]}.")
    elif members == _RIGHT:
        yield Finding("values", "The members stand in the right order, but compute wrong values.")
    else:
        for difference in _differences(members):
            yield Finding("values", difference.message)


def _differences(members: list[Member]) -> Iterator[Finding]:
    if members == _RIGHT[::-1]:
        yield Finding(
            "reversed", "The block runs backwards: tfb.Chain applies the last of its list first."
        )
        return
    kinds = [member["what"] for member in members]
    yield from _normalisations_and_squeeze(kinds)
    couplings = [member for member in members if member["what"] == "coupling"]
    right = [member for member in _RIGHT if member["what"] == "coupling"]
    if len(couplings) != len(right):
        yield Finding(
            "count", f"There are {len(couplings)} coupling layers; some lack or are many."
        )
        return
    for key, kind, message in (
        ("mask", "masks", "Checkerboard and channel masks are in the wrong places."),
        ("orientation", "masks", "The orientations do not alternate as they should."),
        ("function", "functions", "The functions are in the wrong order."),
    ):
        if [member[key] for member in couplings] != [member[key] for member in right]:
            yield Finding(kind, message)
            return


def _normalisations_and_squeeze(kinds: list[str]) -> Iterator[Finding]:
    norms = [i for i, kind in enumerate(kinds) if kind == "normalisation"]
    squeezes = [i for i, kind in enumerate(kinds) if kind == "squeeze"]
    couplings = [i for i, kind in enumerate(kinds) if kind == "coupling"]
    if len(squeezes) != 1:
        yield Finding("squeeze", f"The squeeze is there {len(squeezes)} times instead of once.")
        return
    squeeze = squeezes[0]
    before, after = sum(i < squeeze for i in norms), sum(i > squeeze for i in norms)
    if not norms:
        yield Finding("normalisation", "Both normalisations are missing.")
    elif len(norms) == 1:
        which = "first" if norms[0] > squeeze else "second"
        yield Finding("normalisation", f"The {which} normalisation is missing.")
    elif len(norms) > 2:
        yield Finding("normalisation", f"There are {len(norms)} normalisations, too many.")
    elif before == 0:
        yield Finding("squeeze", "The squeeze stands before the first normalisation.")
    elif after == 0:
        yield Finding("squeeze", "The squeeze stands after the second normalisation.")
    elif len(couplings) != 6:
        return
    elif sum(i < squeeze for i in couplings) != 3:
        yield Finding("squeeze", "The squeeze does not stand between the two kinds of couplings.")
    else:
        for number, (norm, expected) in enumerate(zip(norms, (3, 6), strict=True)):
            if sum(i < norm for i in couplings) != expected:
                which = ("first", "second")[number]
                message = f"The {which} normalisation is not after its three couplings."
                yield Finding("normalisation", message)
                return

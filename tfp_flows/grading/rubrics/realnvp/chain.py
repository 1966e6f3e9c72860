"""A chain of couplings, normalisations and a squeeze in NumPy, and how one differs from another."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfp_flows.grading.rubrics.realnvp import maths
from tfp_flows.grading.trial import Finding

Member = dict[str, Any]
_FEW_COUPLINGS = 3


def _couplings(mask: str, first: int) -> list[Member]:
    return [
        {"what": "coupling", "mask": mask, "orientation": i % 2, "function": first + i}
        for i in range(3)
    ]


_NORMALISATION, _SQUEEZE = {"what": "normalisation"}, {"what": "squeeze"}
RIGHT: list[Member] = [
    *_couplings("checkerboard", 0),
    _NORMALISATION,
    _SQUEEZE,
    *_couplings("channel", 3),
    _NORMALISATION,
]


def forward(
    members: Sequence[Member], x: np.ndarray, kernels, variables
) -> tuple[np.ndarray, np.ndarray] | None:
    """What a chain of such members computes, and its log-det; None if it cannot be."""
    steps = [(member, False) for member in members]
    return _through(steps, x, kernels, list(variables), forward=True)


def inverse(
    members: Sequence[Member], y: np.ndarray, kernels, variables, of_batch: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray] | None:
    """What it computes backwards, and the log-det; None if it cannot be.

    Args:
        members: In the order in which forward applies them.
        y: Images.
        kernels: Of the networks.
        variables: Of the normalisations.
        of_batch: Which of these use the statistics of the batch.
    """
    flags = list(of_batch)[::-1]
    steps = [
        (member, bool(flags) and member["what"] == "normalisation" and flags.pop(0))
        for member in reversed(members)
    ]
    return _through(steps, y, kernels, list(variables)[::-1], forward=False)


def _through(
    steps: Sequence[tuple[Member, bool]], x: np.ndarray, kernels, left: list, *, forward: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    total = np.zeros(x.shape[:1])
    for member, of_batch in steps:
        try:
            x, log_det = _apply(member, x, kernels, left, forward=forward, of_batch=of_batch)
        except (ValueError, IndexError):
            return None
        total = total + log_det
    return x, total


def _apply(
    member: Member, x: np.ndarray, kernels, left: list, *, forward: bool, of_batch: bool
) -> tuple[np.ndarray, np.ndarray | float]:
    if member["what"] == "squeeze":
        return (maths.squeeze(x) if forward else maths.unsqueeze(x)), 0.0
    if member["what"] == "normalisation":
        normalisation = maths.Normalisation(*left.pop(0))
        if normalisation.mean.shape != x.shape[-1:]:
            raise ValueError("a normalisation of another number of channels")
        if forward:
            return normalisation.undo(x), normalisation.log_det_of_undo(x)
        used = normalisation
        if of_batch:
            used = dataclasses.replace(normalisation, variance=x.var(axis=(0, 1, 2)))
        return normalisation.normalise(x, of_batch=of_batch), -used.log_det_of_undo(x)
    if member["what"] != "coupling" or not 0 <= member["function"] < len(kernels):
        raise ValueError("unknown member")
    mask = maths.mask(member["mask"], member["orientation"], x.shape[1:])
    network = maths.network(kernels[member["function"]])
    name = "forward" if forward else "inverse"
    value = getattr(maths.RIGHT, name)(x, mask, network)
    return value, getattr(maths.RIGHT, f"{name}_log_det_jacobian")(x, mask, network)


def differences(members: list[Member]) -> Iterator[Finding]:
    """All that is different in members that are not the right ones."""
    if _in_common(members[::-1]) > _in_common(members):
        yield Finding(
            "reversed", "The block runs backwards: tfb.Chain applies the last of its list first."
        )
        members = members[::-1]
    kinds = [member["what"] for member in members]
    yield from _normalisations(kinds)
    yield from _squeeze(kinds)
    couplings = [member for member in members if member["what"] == "coupling"]
    right = [member for member in RIGHT if member["what"] == "coupling"]
    if not couplings:
        yield Finding("no_couplings", "There is no coupling layer in it.")
    elif len(couplings) <= _FEW_COUPLINGS:
        yield Finding("few_couplings", f"There are {len(couplings)} coupling layers; most lack.")
    elif len(couplings) != len(right):
        yield Finding(
            "count", f"There are {len(couplings)} coupling layers; some lack or are many."
        )
    else:
        yield from _couplings_apart(couplings, right)


def _in_common(members: Sequence[Member]) -> int:
    """How many members stand in the order of the right ones, whatever lies between them."""

    def looks(member: Member) -> tuple:
        return member["what"], member.get("mask"), member.get("function")

    row = [0] * (len(RIGHT) + 1)  # of the longest common subsequences with the first right ones
    for member in members:
        above, row = row, [0]
        for i, right in enumerate(RIGHT):
            same = looks(member) == looks(right)
            row.append(above[i] + 1 if same else max(above[i + 1], row[i]))
    return row[-1]


def _couplings_apart(couplings: list[Member], right: list[Member]) -> Iterator[Finding]:
    places = [
        (one["mask"], one["function"]) == (other["mask"], other["function"])
        for one, other in zip(couplings, right, strict=True)
    ]
    if not any(places):
        yield Finding("order", "No coupling layer stands in its place.")
    for key, kind, message in (
        ("mask", "masks", "Checkerboard and channel masks are in the wrong places."),
        ("orientation", "masks", "The orientations do not alternate as they should."),
        ("function", "functions", "The functions are in the wrong order."),
    ):
        if [member[key] for member in couplings] != [member[key] for member in right]:
            yield Finding(kind, message)


def _normalisations(kinds: list[str]) -> Iterator[Finding]:
    count = kinds.count("normalisation")
    if not count:
        yield Finding("normalisation", "Both normalisations are missing.")
    elif count > 2:
        yield Finding("normalisation", f"There are {count} normalisations, too many.")
    elif count == 1 and kinds.count("squeeze") == 1:
        first_lacks = kinds.index("normalisation") > kinds.index("squeeze")
        which = "first" if first_lacks else "second"
        yield Finding("normalisation", f"The {which} normalisation is missing.")
    elif count == 1:
        yield Finding("normalisation", "One of the normalisations is missing.")


def _squeeze(kinds: list[str]) -> Iterator[Finding]:
    """Where the squeeze stands, and then where both normalisations do."""
    if kinds.count("squeeze") != 1:
        count = kinds.count("squeeze")
        yield Finding("squeeze", f"The squeeze is there {count} times instead of once.")
        return
    place = kinds.index("squeeze")
    norms = [i for i, kind in enumerate(kinds) if kind == "normalisation"]
    couplings = [i for i, kind in enumerate(kinds) if kind == "coupling"]
    if len(norms) == 2 and place < norms[0]:
        yield Finding("squeeze", "The squeeze stands before the first normalisation.")
    elif len(norms) == 2 and place > norms[1]:
        yield Finding("squeeze", "The squeeze stands after the second normalisation.")
    elif len(couplings) == 6 and sum(i < place for i in couplings) != 3:
        yield Finding("squeeze", "The squeeze does not stand between the two kinds of couplings.")
    elif len(couplings) == 6 and len(norms) == 2:
        for norm, expected, which in zip(norms, (3, 6), ("first", "second"), strict=True):
            if sum(i < norm for i in couplings) != expected:
                message = f"The {which} normalisation is not after its three couplings."
                yield Finding("normalisation", message)
                return

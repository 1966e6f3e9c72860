"""Mistakes that students make in the residual network, and the search for those in one."""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfp_flows.grading.rubrics.realnvp.residual import (
    AFTER_FIRST_SUM,
    AFTER_SECOND_SUM,
    BEFORE_ALL,
    CONVOLUTIONS,
    Form,
)
from tfp_flows.grading.trial import Finding

_MOST_TRIED = 1200  # trunks, of about a millisecond
_MOST_MISTAKES = 3
_MOST_CONVOLUTIONS = 9


class Mistake(NamedTuple):
    """What is different in a form, of which kind it is and what it tells."""

    changes: dict
    kind: str
    message: str


_HEADS = (
    Mistake({"bounded": (False, False)}, "tanh", "log_scale is not passed through tanh."),
    Mistake(
        {"bounded": (True, True)}, "tanh", "The shift is passed through tanh, which bounds it."
    ),
    Mistake({"bounded": (True, False)}, "tanh", "The tanh is on the shift instead of log_scale."),
    Mistake(
        {"outputs_swapped": True}, "order", "The outputs are in the wrong order: shift is first."
    ),
    Mistake(
        {"halves_swapped": True}, "order", "The halves of the split are taken the other way round."
    ),
    Mistake(
        {"outputs_swapped": True, "bounded": (True, False)},
        "order",
        "The halves of the split are returned in the wrong order.",
    ),
)
_SUMS = (
    *(
        Mistake(
            {"added": tuple("nothing" if i == block else "input" for i in range(2))},
            "residual",
            f"The {name} residual connection (add) is missing.",
        )
        for block, name in enumerate(("first", "second"))
    ),
    Mistake(
        {"added": ("nothing", "nothing")}, "residual", "Both residual connections are missing."
    ),
    Mistake(
        {"added": ("input", "image")},
        "residual",
        "The second residual connection adds the network's input, not that of its block.",
    ),
)
_RELU_OF_SUM = (Mistake({"relu_of_sum": True}, "activation", "A relu after the sums is too much."),)
_LAST = tuple(
    Mistake({"last": last}, "activation", f"The last convolution has the activation {last}.")
    for last in ("relu", "tanh")
)
_WHEN = (
    Mistake(
        {"normalised_when": "first"},
        "normalisation",
        "The normalisations stand before the activations instead of after them.",
    ),
    Mistake(
        {"normalised_when": "before"},
        "normalisation",
        "The normalisations stand before the convolutions instead of after them.",
    ),
)


def _inner_activations() -> Iterator[Mistake]:
    patterns = [(False,) * 4, (True, False, True, False), (False, True, False, True)]
    patterns += [tuple(i != number for i in range(4)) for number in range(4)]
    for pattern in patterns:
        activations = tuple("relu" if active else "linear" for active in pattern)
        lacking = ", ".join(str(i + 1) for i, active in enumerate(pattern) if not active)
        yield Mistake(
            {"activations": activations},
            "activation",
            f"A relu is missing: at convolution {lacking}.",
        )
    yield Mistake(
        {"activations": ("tanh",) * 4}, "activation", "The inner activations are tanh, not relu."
    )


_FAMILIES = (_HEADS, _SUMS, _RELU_OF_SUM, _LAST, _WHEN, tuple(_inner_activations()))


def _combinations() -> list[tuple[Mistake, ...]]:
    """None, one, and several mistakes of different families, few first."""
    choices = itertools.product(*((None, *family) for family in _FAMILIES))
    found = [tuple(m for m in chosen if m is not None) for chosen in choices]
    return sorted((c for c in found if len(c) <= _MOST_MISTAKES), key=len)


_COMBINATIONS = _combinations()


class Explanation(NamedTuple):
    """A form that computes what a network computes, and what is wrong with it."""

    form: Form
    findings: tuple[Finding, ...]


def explain(
    outputs: Sequence[np.ndarray],
    features: Callable[[Form], np.ndarray],
    same: Callable[[Sequence[np.ndarray], Sequence[np.ndarray]], bool],
    *,
    convolutions: int,
    normalisations: int,
    partial: bool,
) -> Explanation | None:
    """Searches for a form that gives some outputs; None where none is found.

    Args:
        outputs: Shift and log-scale.
        features: What the last convolution gives in a form.
        same: Whether outputs are the expected ones.
        convolutions: How many there are.
        normalisations: How many there are.
        partial: Whether kernels are for some of the channels.
    """
    tried: dict[Form, np.ndarray | None] = {}
    for base, told, most in _bases(convolutions, normalisations, partial):
        for mistakes in _COMBINATIONS:
            if len(mistakes) > most:
                break
            form = base
            for mistake in mistakes:
                form = dataclasses.replace(form, **mistake.changes)
            trunk = form.trunk
            if trunk not in tried:
                if len(tried) >= _MOST_TRIED:
                    return None
                try:
                    tried[trunk] = features(trunk)
                except (ValueError, IndexError):
                    tried[trunk] = None
            if tried[trunk] is not None and same(outputs, form.head(tried[trunk])):
                findings = [Finding(mistake.kind, mistake.message) for mistake in mistakes]
                return Explanation(form, (*told, *findings))
    return None


def _bases(
    convolutions: int, normalisations: int, partial: bool
) -> Iterator[tuple[Form, tuple[Finding, ...], int]]:
    """Forms with so many layers, what is told of them, and how many mistakes more to try."""
    if convolutions > _MOST_CONVOLUTIONS:
        return
    inner = range(convolutions - 1)
    if convolutions == CONVOLUTIONS:
        blocks = [(2, 2)]
    else:
        blocks = [(a, len(inner) - a) for a in inner if 1 <= a <= 4 and len(inner) - a <= 4]
    fed = ("sum", "group", "mean") if partial else ("all",)
    everywhere = (*inner, len(inner), BEFORE_ALL, AFTER_FIRST_SUM, AFTER_SECOND_SUM)
    usual = list(itertools.combinations(inner, min(normalisations, len(inner))))
    usual = [places for places in usual if len(places) == normalisations]
    unusual = (
        places
        for places in itertools.combinations(everywhere, normalisations)
        if places not in usual
    )
    most = _MOST_MISTAKES if len(usual) == 1 and len(blocks) == len(fed) == 1 else 1
    for places, further in itertools.chain(
        ((places, most) for places in usual), ((places, 0) for places in unusual)
    ):
        for block, seen in itertools.product(blocks, fed):
            form = Form(blocks=block, fed=seen, normalised=places)
            yield form, tuple(_misplaced(places, inner)), further


def _misplaced(places: Collection[int], inner: Collection[int]) -> Iterator[Finding]:
    lacking = [str(i + 1) for i in inner if i not in places]
    if lacking:
        where = ", ".join(lacking)
        yield Finding(
            "normalisation", f"The batch normalisation after convolution {where} is missing."
        )
    if set(places) - set(inner):
        yield Finding("normalisation", "A batch normalisation stands where none belongs.")

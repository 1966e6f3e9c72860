"""Planted errors: each is found in the right item, with words that fit."""

import re

import pytest

from grading.mutants import MUTANTS
from tfp_flows.grading import Status

# All items of every sixth mutant are graded, and its own item of the others.
_WHOLE = 6


def test_there_are_enough_of_them_and_of_each_item(grader):
    assert len(MUTANTS) >= 40
    assert {mutant.item for mutant in MUTANTS} == set(grader.rubric.graded)
    assert len({mutant.source for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_is_caught(number, graded):
    mutant = MUTANTS[number]
    whole = number % _WHOLE == 0
    results = graded(mutant.source, None if whole else mutant.item)
    result = results.pop(mutant.item)
    assert result.status is not Status.passed
    assert result.points < result.maximum
    assert re.search(mutant.says, result.message), result.message
    for other in results.values():
        assert other.status is Status.passed, (other.id, other.message)

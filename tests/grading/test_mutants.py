"""Planted errors: each is found in the right item, with words that fit."""

import re

import pytest

from grading.mutants import MUTANTS
from tfp_flows.grading import Status


def test_there_are_enough_of_them_and_of_each_item(grader):
    assert len(MUTANTS) >= 40
    assert {mutant.item for mutant in MUTANTS} == set(grader.rubric.graded)
    assert len({mutant.source for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.item)
def test_is_caught(mutant, graded):
    """In its own item, and in no other: those that use it are graded with the reference's.

    The others take most of the time, so they are graded for one mutant of four.
    """
    whole = MUTANTS.index(mutant) % 4 == 0
    results = graded(mutant.source, part=None if whole else mutant.item)
    result = results.pop(mutant.item)
    assert result.status is not Status.passed
    assert result.points < result.maximum
    assert re.search(mutant.says, result.message), result.message
    wrong = {name: other.message for name, other in results.items() if other.points < other.maximum}
    assert wrong == {}

"""Verdicts on what values alone do not show, and on two mistakes at once."""

import ast
import itertools
import re

import pytest

from grading.faults import FAULTS, LOG_DETS
from grading.mutants import MUTANTS, SOLUTION
from tfp_flows.grading import Status, load_rubric

# Of each item every fifth mutant, each with the next of these; of all 355 pairs, tried once, those
# that earned more than the worse of the two alone were of mistakes of which one undoes the other.
_STEP = 5
# These do: a kernel of 1x1 has no use for padding.
_UNDONE = (("(1, 1)", '"VALID"'),)


def _provided():
    """The classes that the assignment provides, as the reference has them."""
    text = load_rubric().reference
    named = {getattr(node, "name", ""): node for node in ast.parse(text).body}
    names = ("Squeeze", "RealNVPMultiScale", "RealNVPModel")
    return "\n\n\n".join(ast.get_source_segment(text, named[name]) for name in names)


def _both(one, other):
    """A source with two mistakes, or None where they are in each other's way."""
    for first, second in ((one, other), (other, one)):
        text = first.source
        if text.count(second.old) == SOLUTION.count(second.old):
            return text.replace(second.old, second.new, second.count or -1)
    return None


def _pairs():
    by_item = {}
    for mutant in MUTANTS:
        by_item.setdefault(mutant.item, []).append(mutant)
    for mutants in by_item.values():
        for one, other in itertools.pairwise(mutants[::_STEP]):
            text = _both(one, other)
            undone = any(all(part in one.new + other.new for part in pair) for pair in _UNDONE)
            if text not in (None, one.source, other.source) and not undone:
                yield one, other, text


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults_that_values_do_not_show(fault, graded):
    results = graded(fault.source)
    for name, (points, says) in fault.items.items():
        assert results[name].points == pytest.approx(points), results[name]
        assert re.search(says, results[name].message), results[name].message
    others = {n: r.message for n, r in results.items() if r.points < r.maximum}
    assert set(others) == set(fault.items)


def test_two_mistakes_earn_no_more_than_the_worse_alone(graded):
    alone = {}
    count = 0
    for one, other, text in _pairs():
        for mutant in (one, other):
            if mutant not in alone:
                alone[mutant] = graded(mutant.source, mutant.item)[mutant.item].points
        both = graded(text, one.item)[one.item]
        assert both.points <= min(alone[one], alone[other]), (one.new, other.new, both)
        count += 1
    assert count >= 8


_LAST = "    return tfb.Chain(list(reversed(bijectors)))"
_FORTH = "    y = b * x + (1 - b) * (x * tf.exp(s) + t)\n"
_OVERWRITES = "    y = tf.identity(y + 0.0)\n    x._numpy()[...] = 7.0\n"
_MORE = (  # with the points for the worse one alone
    ("realnvp_block", _LAST, "    del bijectors[1]\n    return tfb.Chain(bijectors)", 1.5),
    ("forward", _FORTH, _FORTH.replace("exp(s)", "exp(tf.stop_gradient(s))") + _OVERWRITES, 3),
)


@pytest.mark.parametrize(("item", "right", "wrong", "worse"), _MORE, ids=("reversed", "overwrites"))
def test_no_mistake_hides_behind_one_of_another_sort(graded, item, right, wrong, worse):
    assert SOLUTION.count(right) == 1
    assert graded(SOLUTION.replace(right, wrong), item)[item].points < worse


def test_provided_parts_are_told_and_cost_nothing(grader, tmp_path):
    path = tmp_path / "submission.py"
    whole = f"{SOLUTION}\n\n{_provided()}\n"
    path.write_text(whole)
    report = grader.grade(path)
    assert (report.percent, report.remarks) == (100, ())
    changed = whole.replace("(0, 1, 0, 1)", "(1, 0, 1, 0)")
    changed = changed.replace("return -y_pred.log_prob", "return y_pred.log_prob")
    path.write_text(changed.replace("class Squeeze(", "class Squeezed("))
    report = grader.grade(path)
    assert report.percent == 100
    assert "Squeeze" in report.provided_missing
    assert {"RealNVPMultiScale", "nll"} <= set(report.provided_changed) | set(
        report.provided_missing
    )


def test_model_that_cannot_train_costs_a_share(grader, tmp_path):
    path = tmp_path / "submission.py"
    whole = f"{SOLUTION}\n\n{_provided()}\n"
    early = "tf.concat([early, self.block2.forward(late)], axis=-1)"
    assert early in whole
    path.write_text(
        whole.replace(
            early, "tf.concat([tf.stop_gradient(early), self.block2.forward(late)], axis=-1)"
        )
    )
    report = grader.grade(path)
    lost = {item.id: item for item in report.items if item.points < item.maximum}
    assert {name: item.points for name, item in lost.items()} == {
        "AffineCouplingLayer": 12,
        "realnvp_block": 12,
    }
    assert all(item.status is Status.partial for item in lost.values())
    assert all("Put together" in item.message for item in lost.values())


def test_log_dets_that_lack_cost_a_share_where_the_model_needs_them(graded):
    results = graded(f"{SOLUTION}\n\n{_provided()}\n".replace(LOG_DETS, "\n\n"))
    lost = {name: item.points for name, item in results.items() if item.points < item.maximum}
    assert lost == {"AffineCouplingLayer": 12, "realnvp_block": 12}
    assert all("Put together" in results[name].message for name in lost)

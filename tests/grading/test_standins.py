"""What of the reference may be where a submission runs, and what the grader lets out then."""

import pytest

from tfp_flows.grading import load_rubric
from tfp_flows.grading.attempt import _guarded
from tfp_flows.grading.confined.notebook import Cell
from tfp_flows.grading.confined.statements import read_statements
from tfp_flows.grading.explaining import GUARDED, explain_failure
from tfp_flows.grading.plan import Source
from tfp_flows.grading.process import Failure
from tfp_flows.grading.replies import Malformed, Reply
from tfp_flows.grading.standins import StandIns
from tfp_flows.grading.trial import Finding

RUBRIC = load_rubric()
ITEMS = {item.id: item for item in RUBRIC.items}


def source(text):
    statements, *_ = read_statements([Cell("", text)])
    return Source([statement._asdict() for statement in statements])


REFERENCE = source(RUBRIC.reference)


def stand_ins(text):
    return StandIns(RUBRIC, source(text), REFERENCE)


@pytest.mark.parametrize("item", ITEMS)
def test_no_stand_in_is_or_uses_the_graded_item(item):
    """Whatever a submission asks for: here every item names all the others."""
    names = [*RUBRIC.graded, *RUBRIC.provided]
    text = f"def {item}(*_):\n    return [{', '.join(name for name in names if name != item)}]\n"
    chosen = stand_ins(text)
    plan = source(text).plan([item])
    wanted = chosen.wanted(ITEMS[item], plan, chosen.replaceable(ITEMS[item]))
    assert len(wanted) >= 4
    for job in chosen.jobs(wanted):
        assert job["name"] != item
        for statement in job["statements"]:
            assert item not in statement["binds"]
            assert item not in statement["needs"]


def test_only_what_is_used_stands_in():
    text = "def forward(x, b, f):\n    return x\n"
    chosen = stand_ins(text)
    assert chosen.dependencies(ITEMS["forward"]) == set()
    assert chosen.wanted(ITEMS["forward"], source(text).plan(["forward"]), ()) == ()


def test_provided_parts_that_lack_stand_in_if_they_are_used():
    text = "def channel_binary_mask(n, o=0):\n    return checkerboard_binary_mask([1, n], o)\n"
    item = ITEMS["channel_binary_mask"]
    plan = source(text).plan([item.id])
    assert stand_ins(text).wanted(item, plan, ()) == ("checkerboard_binary_mask",)
    assert not stand_ins(text).tell(["checkerboard_binary_mask", "Squeeze", "nll"])
    assert stand_ins(text).tell(["nll", "inverse"])
    assert stand_ins(text).tell(["RealNVPModel"])
    own = text + "def checkerboard_binary_mask(shape, o=0):\n    return 1\n"
    assert stand_ins(own).wanted(item, source(own).plan([item.id]), ()) == ()
    assert stand_ins(own).replaceable(item) == {"checkerboard_binary_mask"}


def test_parts_that_use_each_other_are_not_replaced():
    text = (
        "def forward(x, b, f):\n    return helper(x)\n"
        "def helper(x):\n    return inverse(x, 1, None)\n"
        "def inverse(y, b, f):\n    return forward(y, b, f)\n"
    )
    assert stand_ins(text).dependencies(ITEMS["forward"]) >= {"inverse"}
    assert stand_ins(text).replaceable(ITEMS["forward"]) == frozenset()
    assert stand_ins(text).replaceable(ITEMS["inverse"]) == frozenset()


def test_words_of_a_submission_stay_inside_beside_a_stand_in():
    told = {"error": "Leak", "text": "def forward", "place": "cell 1", "line": 3}
    said = Finding("error", explain_failure(Failure(told)))
    assert "def forward" in said.message
    assert _guarded(said, raised=True).message == GUARDED
    shape = Finding("shape", "It is 0 times (2, 37, 1.5e-3), 42 not (7) Conv2D of 3x3.")
    assert _guarded(shape, raised=False) == Finding(
        "shape", "It is 0 times (…), … not (…) Conv2D of …."
    )
    content = {"value": {"kind": "other", "type": "Leak"}, "class": "Leak"}
    reply = Reply(content, guarded=True)
    assert "Leak" not in reply.value("value").words
    assert "Leak" not in reply.name("class")
    assert "Leak" in Reply(content).value("value").words


@pytest.mark.parametrize(
    "read",
    [
        lambda reply: reply.value("missing"),
        lambda reply: reply.value("text"),
        lambda reply: reply.flag("one"),
        lambda reply: reply.integer("large"),
        lambda reply: reply.integer("half"),
        lambda reply: reply.integer("true"),
        lambda reply: reply.sizes("negative"),
        lambda reply: reply.sizes("text"),
        lambda reply: reply.replies("negative"),
        lambda reply: reply.text("one"),
        lambda reply: reply.scalar("negative"),
        lambda reply: Reply([1, 2]),
    ],
)
def test_nonsense_in_a_reply_is_told_apart_from_faults_of_checks(read):
    content = {"text": "x", "one": 1, "large": 10**12, "half": 0.5, "true": True, "negative": [-1]}
    with pytest.raises(Malformed):
        read(Reply(content))

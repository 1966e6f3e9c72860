"""Rubrics: what a teacher may change, and a second one without code."""

import shutil
from pathlib import Path

import pytest

from tfp_flows.errors import InputError
from tfp_flows.grading import Grader, Status, load_rubric, rubrics

SECOND = """
name = "softplus"
title = "A second assignment"
[names]
np = "numpy"
tf = "tensorflow"
[[items]]
id = "softplus"
points = 4
check = "values"
settings = { arguments = [{ shape = [5, 3], low = -4.0, high = 4.0 }] }
[items.deductions]
dtype = 0.25
[[items]]
id = "mean_and_sum"
points = 2
check = "values"
settings = { arguments = [{ shape = [7] }, { value = 3 }] }
"""
REFERENCE = """
def softplus(x):
    return tf.nn.softplus(x)


def mean_and_sum(x, times):
    return tf.reduce_mean(x), times * tf.reduce_sum(x)
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "second"
    place.mkdir()
    (place / "rubric.toml").write_text(SECOND)
    (place / "reference.py").write_text(REFERENCE)
    return place


def test_second_rubric_needs_no_code(folder, tmp_path):
    texts = {
        REFERENCE: {"softplus": 4, "mean_and_sum": 2},
        "def softplus(x):\n    return tf.cast(tf.math.log1p(tf.exp(x)), tf.float64)\n": {
            "softplus": 3,
            "mean_and_sum": 0,
        },
        "def softplus(x):\n    return tf.nn.relu(x)\n"
        "def mean_and_sum(x, times):\n    return tf.reduce_mean(x)\n": {
            "softplus": 0,
            "mean_and_sum": 0,
        },
    }
    path = tmp_path / "work.py"
    with Grader(folder) as grader:
        for text, expected in texts.items():
            path.write_text(text)
            report = grader.grade(path)
            assert {item.id: item.points for item in report.items} == expected, report.items
            assert report.maximum == 6
            assert report.rubric == "softplus"
        assert [item.status for item in report.items] == [Status.failed, Status.failed]


def test_rubric_of_the_assignment_covers_it():
    rubric = load_rubric()
    assert sum(item.points for item in rubric.items) == 100
    assert len(rubric.items) == 9
    in_parts = [name for members in rubric.parts.values() for name in members]
    assert sorted(in_parts) == sorted(rubric.graded)
    assert [item.id for item in rubric.part("coupling")] == [
        "forward",
        "inverse",
        "forward_log_det_jacobian",
        "inverse_log_det_jacobian",
    ]


def test_copy_of_the_rubric_can_be_edited(tmp_path):
    built_in = Path(rubrics.__file__).parent / "realnvp"
    copy = shutil.copytree(built_in, tmp_path / "mine")
    path = copy / "rubric.toml"
    path.write_text(path.read_text().replace("points = 15", "points = 20", 1))
    rubric = load_rubric(copy)
    assert rubric.items[0].points == 20
    assert rubric.items[0].check is load_rubric().items[0].check
    assert rubric.location == str(copy)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("points = 4", "points = -4", "softplus has points = -4; give a number above 0"),
        ("points = 4", "points = true", "points = True"),
        ('check = "values"', 'check = "valeus"', "Unknown check 'valeus'; did you mean 'values'"),
        ("dtype = 0.25", "dtype = 25", "dtype = 25; give a share from 0 to 1"),
        ('id = "mean_and_sum"', 'id = "softplus"', "has the item 'softplus' twice"),
        ('id = "softplus"', 'id = "soft plus"', "is no name of a function"),
        ("[names]", "[nmaes]", "Unknown key 'nmaes'; did you mean 'names'"),
        ("[names]", "[names", "cannot be read"),
        ("[names]", '[parts]\na = ["b"]\n[names]', "part 'a' has an unknown item 'b'"),
    ],
)
def test_wrong_rubric_is_told_in_one_sentence(old, new, says, folder):
    assert old in SECOND
    (folder / "rubric.toml").write_text(SECOND.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_rubric(folder)
    assert says in str(error.value)
    assert "\n" not in str(error.value).strip()


def test_points_of_a_rubric_are_those_of_the_report(graded):
    results = graded("def channel_binary_mask(n, orientation=0):\n    return None\n")
    assert sum(result.maximum for result in results.values()) == 100

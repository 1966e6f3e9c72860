"""What is taken from a file: imports and definitions, whatever else is in it."""

import json
import os
import time
from pathlib import Path

import pytest

from grading.notebooks import EMPTY, notebook
from tfp_flows.errors import InputError
from tfp_flows.grading import Status

HERE = Path(__file__).parent
ASSIGNMENT = HERE.parents[1] / "course_notebooks" / "assignment_realnvp"
SOLUTION = (HERE / "solution.py").read_text()
FORWARD = """def forward(x, b, shift_and_log_scale_fn):
    t, s = shift_and_log_scale_fn(b * x)
    return b * x + (1 - b) * (x * tf.exp(s) + t)
"""
WRONG = FORWARD.replace("+ t)", "- t)")


def _grade(grader, place, text, part=None):
    path = place / "submission.ipynb"
    path.write_text(text, encoding="utf-8")
    return grader.grade(path, part=part)


def test_empty_notebook_of_a_student_scores_nothing(grader, tmp_path):
    report = _grade(grader, tmp_path, notebook("import tensorflow as tf\n", EMPTY))
    assert report.percent == 0
    assert report.points == 0
    assert len(report.items) == 9
    assert report.fingerprint == ""
    for item in report.items:
        assert item.status is Status.failed
        assert item.message == f"{item.id} is not written yet."


def test_notebook_of_a_teacher_scores_everything(grader, tmp_path):
    cells = SOLUTION.split("\n\n\n")
    report = _grade(grader, tmp_path, notebook(*cells))
    assert report.percent == 100, [item.message for item in report.items]


def test_the_course_s_own_assignment(grader):
    solution = grader.grade(ASSIGNMENT / "solution.ipynb")
    assert solution.percent == 100, [item.message for item in solution.items]
    student = grader.grade(ASSIGNMENT / "student.ipynb")
    assert student.points == 0
    assert all("not written yet" in item.message for item in student.items)


def test_notebook_of_2020_with_all_that_is_in_them(grader, tmp_path):
    """Magics, downloads, training, broken and repeated cells, cells out of order."""
    text = notebook(
        "!pip install tensorflow==2.3.0\n%matplotlib inline\n!wget http://example.org/x.npz",
        "from google.colab import drive\ndrive.mount('/content/drive')\n",
        "model = RealNVPModel()\nmodel.fit(np.load('missing.npy'), epochs=100)\n",
        "for i in range(10**12):\n    pass\n",
        "forward(1, 2, 3\nthis is no Python\n",
        WRONG,
        "y = forward(tf.ones((1, 2, 2, 2)), 1.0, None)\n",
        FORWARD,
        "import seaborn as sns\nimport tensorflow as tf\n",
        "%%html\n<b>not code</b>\n",
    )
    started = time.monotonic()
    report = _grade(grader, tmp_path, text, "forward")
    assert report.percent == 100, report.items[0].message
    assert any("cell 5" in note for note in report.notes)
    assert time.monotonic() - started < 30


def test_last_definition_wins(grader, tmp_path):
    assert _grade(grader, tmp_path, notebook(WRONG, FORWARD), "forward").percent == 100
    assert _grade(grader, tmp_path, notebook(FORWARD, WRONG), "forward").percent == 50


@pytest.mark.deep
def test_failed_dependency_is_replaced_by_the_reference(grader, tmp_path):
    broken = SOLUTION.replace("parts = [zeros, ones]", "parts = [zeros, zeros]")
    assert broken != SOLUTION
    path = tmp_path / "submission.py"
    path.write_text(broken)
    results = {item.id: item for item in grader.grade(path).items}
    assert results["channel_binary_mask"].points < 5
    assert results["AffineCouplingLayer"].points == 15
    assert results["realnvp_block"].points == 15
    assert "reference's channel_binary_mask in place of yours" in (
        results["AffineCouplingLayer"].message
    )


def test_item_that_cannot_be_judged_says_which_other_one_blocks_it(grader, tmp_path):
    path = tmp_path / "submission.py"
    path.write_text(
        "class AffineCouplingLayer(tfb.Bijector):\n"
        "    def __init__(self, net, kind, side):\n"
        "        raise ValueError('not yet')\n"
        "def realnvp_block(nets, squeeze):\n"
        "    layer = AffineCouplingLayer(net=nets[0], kind='channel', side=0)\n"
        "    return tfb.Chain([layer, squeeze])\n"
    )
    results = {item.id: item for item in grader.grade(path).items}
    block = results["realnvp_block"]
    assert block.status is Status.blocked, block
    assert block.blocked_by == ("AffineCouplingLayer",)
    assert "cannot be judged before AffineCouplingLayer is right" in block.message
    assert results["AffineCouplingLayer"].status is Status.error


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.ipynb", b"", "file is empty"),
        ("blank.py", b" \n\t\n", "file is empty"),
        ("junk.ipynb", os.urandom(20_000) + b"\0", "binary"),
        ("junk.py", os.urandom(20_000) + b"\0", "binary"),
        ("letter.ipynb", b"Dear teacher, my dog ate it.", "JSON is damaged"),
        ("cut.ipynb", notebook(FORWARD).encode()[:-20], "JSON is damaged"),
        ("list.ipynb", b"[1, 2]", "has no cells"),
        ("nothing.ipynb", notebook().encode(), "no code in it"),
        ("picture.ipynb", b"\x89PNG\r\n\x1a\n" + bytes(100), "binary"),
    ],
)
def test_what_is_no_submission_is_told(name, content, says, grader, tmp_path):
    (tmp_path / name).write_bytes(content)
    report = grader.grade(tmp_path / name)
    assert report.points == 0
    assert all(says in item.message for item in report.items), report.items[0].message


def test_notebook_of_50_megabytes_of_outputs(grader, tmp_path):
    output = {"output_type": "stream", "name": "stdout", "text": ["x" * 1000 + "\n"] * 50_000}
    content = json.loads(notebook(FORWARD))
    content["cells"][0]["outputs"] = [output]
    text = json.dumps(content)
    assert len(text) > 50e6
    started = time.monotonic()
    report = _grade(grader, tmp_path, text, "forward")
    assert report.percent == 100, report.items[0].message
    assert time.monotonic() - started < 20


def test_what_is_no_file_is_refused(grader, tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*missing\.py"):
        grader.grade(tmp_path / "missing.py")
    os.mkfifo(tmp_path / "pipe.py")
    report = grader.grade(tmp_path / "pipe.py")
    assert report.points == 0
    assert "not a regular file" in report.items[0].message
    with pytest.raises(InputError, match=r"Unknown part 'forwrd'; did you mean 'forward'"):
        grader.grade(tmp_path / "missing.py", part="forwrd")


def test_solutions_are_alike_whatever_their_names_and_comments(grader, tmp_path):
    def digest(text):
        return _grade(grader, tmp_path, notebook(text), "forward").fingerprint

    other = '''
def forward(image, m, net):
    """Says something."""
    # a comment
    shift,   scale = net(m*image)
    return m * image + (1 - m) * (
        image * tf.exp(scale) + shift
    )
'''
    assert digest(FORWARD) == digest(other) != ""
    assert digest(FORWARD) != digest(FORWARD.replace("b * x + (1", "x * b + (1"))


def test_inputs_are_new_each_time(grader, tmp_path):
    """A solution that has learnt the numbers of one run by heart would fail in the next."""
    text = "def forward(x, b, fn):\n    print(float(tf.reduce_sum(x)))\n    return x\n"
    outputs = {_grade(grader, tmp_path, notebook(text), "forward").output for _ in range(3)}
    assert len(outputs) == 3
    assert "" not in outputs

"""Keras 3 and tf_keras are known apart in one file of the ground."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tfp_flows"
# The grader reads and runs what students wrote for either Keras, and imports nothing of the tower.
KNOWING = ("keras_worlds.py", "grading")
_WORLDS = re.compile(r"\btf_keras\b|\bTF_USE_LEGACY_KERAS\b")


def _docstrings(tree):
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value


def knowing(path: Path) -> list[int]:
    """Lines of code that import a Keras or name the other world; comments and docstrings may."""
    tree = ast.parse(path.read_text())
    prose = set(map(id, _docstrings(tree)))
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = any(a.name.split(".")[0] in ("keras", "tf_keras") for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            found = (node.module or "").split(".")[0] in ("keras", "tf_keras")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = id(node) not in prose and _WORLDS.search(node.value)
        elif isinstance(node, ast.Attribute):
            # Which Keras a class is of, read from its module.
            found = node.attr == "__module__" and "keras" in ast.unparse(node.value)
        else:
            found = False
        if found:
            lines.add(node.lineno)
    return sorted(lines)


def test_one_file_knows_both_worlds():
    found = {}
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE)
        if inside.parts[0] not in KNOWING and (lines := knowing(path)):
            found[str(inside)] = lines
    assert found == {}, "import it from tfp_flows.keras_worlds"


@pytest.mark.parametrize(
    "text",
    [
        "import keras",
        "import tf_keras as keras",
        "def f():\n    from keras.layers import Dense",
        'name = "tf_keras"',
        'KERAS3 = "x" not in tf.keras.Model.__module__',
        'raise ValueError(f"set TF_USE_LEGACY_KERAS={a}")',
    ],
)
def test_the_rule_finds(tmp_path, text):
    path = tmp_path / "a.py"
    path.write_text(text + "\n")
    assert knowing(path)


def test_the_rule_allows_prose(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(
        '"""Of tf_keras."""\n# tf_keras asks\nimport tensorflow as tf\ntf.keras.Model\n'
    )
    assert knowing(path) == []

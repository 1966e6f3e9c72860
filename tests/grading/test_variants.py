"""Right solutions in many styles score 100 %."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
VARIANTS = sorted((HERE / "variants").glob("*.py"))


def test_there_are_enough_of_them():
    assert len(VARIANTS) >= 15


@pytest.mark.parametrize("path", [HERE / "solution.py", *VARIANTS], ids=lambda path: path.stem)
def test_scores_everything(path, grader, tmp_path):
    """A variant defines some of the names anew, after those of the solution."""
    whole = tmp_path / "submission.py"
    texts = dict.fromkeys([(HERE / "solution.py").read_text(), path.read_text()])
    whole.write_text("\n\n".join(texts))
    report = grader.grade(whole)
    wrong = {item.id: item.message for item in report.items if item.points != item.maximum}
    assert wrong == {}
    assert report.percent == 100
    assert report.keras == ("keras" if path.stem.startswith("keras3") else "tf_keras")
    assert report.isolation

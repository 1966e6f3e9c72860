"""The Docker recipe and the zip: whole, reproducible, and run from their own files alone."""

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import bad, good

from grading.notebooks import EMPTY, notebook
from tfp_flows.errors import InputError
from tfp_flows.grading.formats import FORMATS, render
from tfp_flows.grading.platforms import run, submitted
from tfp_flows.grading.platforms.build import build
from tfp_flows.grading.results import ItemResult, Report, Status
from tfp_flows.grading.rubric import load_rubric

SOLUTION = (Path(__file__).parent / "solution.py").read_text()
_RUN = """
import sys
from pathlib import Path
from tfp_flows.grading.platforms import run
place = Path(sys.argv[2])
for name in run.PLATFORMS:
    known = run.PLATFORMS[name]
    result = place / "out" / known.result.name
    run.PLATFORMS[name] = run.Platform(place / "submission", result, known.part)
sys.exit(run.main([sys.argv[1]]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("built")
    result = good("package-grader", "--out", place / "grader")
    assert str(place / "grader" / "gradescope.zip") in result.stdout
    with zipfile.ZipFile(place / "grader" / "gradescope.zip") as archive:
        archive.extractall(place / "gradescope")
    return place


def _run(package, platform, place, **environment):
    """Runs a package from its files alone; returns the status, and the result that it wrote."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TFP_FLOWS"))}
    clean |= {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", _RUN, platform, place],
        env=clean, cwd=place, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    results = [json.loads(path.read_text()) for path in place.glob("out/*.json")]
    return done, results[0] if results else None


def _submit(place, name, text):
    (place / "submission").mkdir()
    (place / "submission" / name).write_text(text)


def test_recipe_for_coursera(built):
    recipe = built / "grader" / "coursera"
    docker = (recipe / "Dockerfile").read_text()
    assert f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim" in docker
    assert "TFP_FLOWS_RUBRIC=realnvp" in docker
    assert "USER grader" in docker
    assert "@" not in docker
    for copied in re.findall(r"^COPY (\S+) ", docker, re.M):
        assert (recipe / copied).exists()
    requirements = (recipe / "requirements.txt").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in requirements if "==" in line}
    assert {"tensorflow", "tensorflow-probability", "tf_keras", "keras"} <= pinned
    assert "-c /grader/constraints.txt" in docker
    constraints = (recipe / "constraints.txt").read_text().splitlines()
    fixed = dict(line.split("==") for line in constraints)
    assert {"tensorflow", "numpy", "matplotlib", "ml-dtypes", "h5py", "absl-py"} <= set(fixed)
    assert fixed["numpy"] == np.__version__
    assert json.loads((recipe / "parts.json").read_text())["forward"] == "forward"


def test_coursera_grades_one_part(built, tmp_path):
    recipe = built / "grader" / "coursera"
    parts = tmp_path / "parts.json"
    parts.write_text('{"aB3xZ": "preprocessing"}')
    _submit(tmp_path, "work.ipynb", notebook(*SOLUTION.split("\n\n\n")))
    done, result = _run(recipe, "coursera", tmp_path, partId="aB3xZ", TFP_FLOWS_PARTS=str(parts))
    assert done.returncode == 0, done.stderr
    assert result["fractionalScore"] == 1.0
    assert "get_preprocess_bijector: 10 / 10" in result["feedback"]
    assert "forward:" not in result["feedback"]
    done, _ = _run(recipe, "coursera", tmp_path, partId="unknown", TFP_FLOWS_PARTS=str(parts))
    assert done.returncode == 2
    assert "Unknown part 'unknown'" in done.stderr


def test_gradescope_grades_from_its_zip(built, tmp_path):
    _submit(tmp_path, "work.py", SOLUTION.replace("x * tf.exp(s) + t", "x * tf.exp(s) - t"))
    done, result = _run(built / "gradescope", "gradescope", tmp_path)
    assert done.returncode == 0, done.stderr
    assert result["score"] == 95
    assert [test["name"] for test in result["tests"] if test["status"] == "failed"] == ["forward"]


@pytest.mark.parametrize("platform", run.PLATFORMS)
def test_errors_of_a_submission_are_a_score_not_a_failure(platform, built, tmp_path):
    recipe = built / "grader" / "coursera"
    _submit(
        tmp_path, "work.ipynb", notebook("raise SystemExit(3)\n", EMPTY, "import os; os._exit(9)")
    )
    done, result = _run(recipe, platform, tmp_path)
    assert done.returncode == 0, done.stderr
    assert result.get("fractionalScore", result.get("score")) == 0


def test_zip_for_gradescope_is_complete_and_the_same_each_time(built, tmp_path):
    with zipfile.ZipFile(built / "grader" / "gradescope.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    for name in ("setup.sh", "run_autograder"):
        assert modes[name] & 0o111
        done = subprocess.run(["bash", "-n", built / "gradescope" / name], check=False)
        assert done.returncode == 0
    assert "tfp_flows/grading/rubrics/realnvp/rubric.toml" in modes
    assert "requirements.txt" in modes
    build(tmp_path / "again")
    again = (tmp_path / "again" / "gradescope.zip").read_bytes()
    assert again == (built / "grader" / "gradescope.zip").read_bytes()


def test_rubric_of_one_s_own_comes_along(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "rubric.toml").write_text(
        'names = { np = "numpy" }\n[[items]]\nid = "f"\npoints = 1\ncheck = "values"\n'
    )
    recipe, archive = build(tmp_path / "out", tmp_path / "mine")
    assert (recipe / "rubric" / "rubric.toml").exists()
    assert "TFP_FLOWS_RUBRIC=/grader/rubric" in (recipe / "Dockerfile").read_text()
    with zipfile.ZipFile(archive) as found:
        assert "rubric/rubric.toml" in found.namelist()
        assert b"TFP_FLOWS_RUBRIC=/autograder/source/rubric" in found.read("run_autograder")


def test_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "kept").write_text("x")
    assert "holds something" in bad("package-grader", "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_which_file_is_graded(tmp_path):
    assert submitted.submitted_file(tmp_path) is None
    (tmp_path / "answer").write_text("x = 1")
    assert submitted.submitted_file(tmp_path).name == "answer"
    (tmp_path / "b.py").write_text("x = 1")
    assert submitted.submitted_file(tmp_path).name == "b.py"
    (tmp_path / "c.ipynb").write_text("{}")
    assert submitted.submitted_file(tmp_path).name == "c.ipynb"
    with pytest.raises(InputError, match="There is no folder"):
        submitted.submitted_file(tmp_path / "missing")


def test_nothing_submitted_is_a_score_with_feedback(tmp_path):
    (tmp_path / "submission").mkdir()
    run.run("coursera", run.Platform(tmp_path / "submission", tmp_path / "out" / "feedback.json"))
    result = json.loads((tmp_path / "out" / "feedback.json").read_text())
    assert result["fractionalScore"] == 0
    assert "no notebook" in result["feedback"]


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "cannot be read: "), ('{"a": 1}', "is not a JSON object of identifiers")],
)
def test_broken_table_of_parts_is_told(content, says, tmp_path, monkeypatch):
    monkeypatch.setenv(submitted.PARTS, str(tmp_path / "parts.json"))
    (tmp_path / "parts.json").write_text(content)
    with pytest.raises(InputError) as error:
        submitted.part_of("aB3xZ", load_rubric())
    assert says in str(error.value)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where platforms have a submission and look for results; those by name."""
    (tmp_path / "submission").mkdir()
    for name, known in run.PLATFORMS.items():
        place = run.Platform(tmp_path / "submission", tmp_path / "out" / name, known.part)
        monkeypatch.setitem(run.PLATFORMS, name, place)
    return tmp_path / "out"


@pytest.mark.parametrize("platform", run.PLATFORMS)
@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyError("missing"), 1, "Error: the grader failed: KeyError: 'missing'\n"),
        (MemoryError(), 1, "Error: the grader failed: MemoryError: \n"),
        (RecursionError("deep"), 1, "Error: the grader failed: RecursionError: deep\n"),
        (KeyboardInterrupt(), 1, "Error: the grader failed: KeyboardInterrupt: \n"),
        (SystemExit(0), 1, "Error: the grader failed: SystemExit: 0\n"),
        (InputError("The secret."), 2, "Error: The secret.\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_faults_of_the_grader_are_a_failure_with_a_result(
    platform, error, status, line, place, monkeypatch, capsys
):
    def fault(*_):
        raise error

    monkeypatch.setattr(submitted, "rubric", fault)
    assert run.main([platform]) == status
    assert capsys.readouterr().err == line
    text = (place / platform).read_text()
    result = json.loads(text)
    assert result.get("fractionalScore", result.get("score")) == 0
    assert "The grader itself failed" in result.get("feedback", result.get("output"))
    assert "secret" not in text


_ENDED = """
import sys, time
from pathlib import Path
from tfp_flows.grading.platforms import run, submitted
run.PLATFORMS["coursera"] = run.Platform(Path(sys.argv[1]), Path(sys.argv[1]) / "feedback.json")
submitted.rubric = lambda: (print("graded", flush=True), time.sleep(60))
run.main(["coursera"])
"""


@pytest.mark.deep
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_grader_that_is_killed_leaves_a_result(end, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDED, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "graded\n"
    process.send_signal(end)
    assert process.wait(60) == -end
    result = json.loads((tmp_path / "feedback.json").read_text())
    assert result["fractionalScore"] == 0
    assert "was ended before it was done" in result["feedback"]


def test_every_format_can_be_written_whatever_the_names_are(tmp_path):
    """As of a file whose name is no UTF-8, or of messages that somebody made up."""
    odd = "w\udcff\x1b\ud800.ipynb"
    item = ItemResult("forward", 1.0, 2.0, Status.partial, odd)
    for faulty in (False, True):
        report = Report(odd, odd, (item,), output=odd, notes=(odd,), faulty=faulty, path=odd)
        for format in FORMATS:
            text = render(report, format)
            submitted.write(tmp_path / "out", text)
            if format in ("json", "coursera", "gradescope", "github"):
                json.loads((tmp_path / "out").read_text(encoding="utf-8"))
    assert json.loads(render(report, "json"))["path"] == odd
    assert json.loads(render(report, "github"))["status"] == "error"
    assert "no fault of the submission" in render(report)


def test_links_are_no_submission(tmp_path):
    (tmp_path / "submission").mkdir()
    (tmp_path / "other.py").write_text(SOLUTION)
    (tmp_path / "submission" / "work.py").symlink_to(tmp_path / "other.py")
    (tmp_path / "submission" / "answer").symlink_to(tmp_path / "other.py")
    assert submitted.submitted_file(tmp_path / "submission") is None


def test_builds_decide_about_weak_walls(built, monkeypatch):
    """Both say that they do without what their platform lacks, and the grader is told."""
    docker = (built / "grader" / "coursera" / "Dockerfile").read_text()
    command = json.loads(re.search(r"^ENTRYPOINT (.*)$", docker, re.M)[1])
    script = (built / "gradescope" / "run_autograder").read_text().splitlines()[-1].split()
    told = []
    monkeypatch.setattr(run, "run", lambda *_, weak_walls: told.append(weak_walls))
    for words in (command, script):
        place = words.index("tfp_flows.grading.platforms.run")
        assert run.main(words[place + 1 :]) == 0
    assert run.main(["coursera"]) == 0
    assert told == [True, True, False]


def test_unknown_platform(capsys):
    assert run.main(["moodle"]) == 2
    assert run.main(["coursera", "--weak"]) == 2
    assert "coursera, gradescope" in capsys.readouterr().err

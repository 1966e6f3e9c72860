"""What holds for every kind of work; a new kind adds a row to `kind_rows.py`."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import bad, good
from depth import quick
from kind_rows import ROWS

import tfp_flows as tff
from tfp_flows import kinds
from tfp_flows.training_state import TrainingState

ROOT = Path(tff.__file__).parents[1]
# Ends its own process, as kill -9 does, once two rounds are kept.
# In graphs, as the run that it is compared with.
KILLED = """
import os, signal, sys
sys.path.insert(0, os.environ["TESTS"])
import programs
programs.as_for_users(False)
from tfp_flows.training_state import TrainingState
save = TrainingState.save
def killing(self, arrays):
    save(self, arrays)
    if self.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
TrainingState.save = killing
"""


def process(arguments, before=""):
    """Runs commands, each a list of arguments, in a process of its own."""
    code = before + (
        "import sys, json\nfrom tfp_flows.cli.app import app\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    app(arguments, prog_name='tfp-flows', standalone_mode=False)\n"
    )
    given = json.dumps([[str(argument) for argument in one] for one in arguments])
    tests = str(Path(__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TESTS": tests,
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    command = [sys.executable, "-c", code, given]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


class Made:
    """The runs of a row, each made when it is first asked for."""

    def __init__(self, row, place):
        self.row, self.place = row, place
        self.data = row.write(place)
        self.options = self.placed(row.options)

    def placed(self, options):
        """Options in which the folder of the data stands for its name."""
        return [option.replace("{folder}", str(self.place)) for option in options]

    def fit(self, name, *options):
        out = self.place / name
        if not out.exists():
            fixed = ["--epochs", "3", "--no-plots", "--kind", self.row.kind]
            good("fit", self.data, *fixed, *self.options, *options, "--out", out)
        return out

    def killed(self):
        out = self.place / "killed"
        if not out.exists():
            options = ["--epochs", "3", "--no-plots", *self.options, "--out", out]
            done = process([["fit", self.data, "--kind", self.row.kind, *options]], KILLED)
            assert done.returncode == -9, done.stderr
        return out


@pytest.fixture(scope="module")
def made(request, tmp_path_factory):
    return Made(request.param, tmp_path_factory.mktemp(request.param.name))


def weights(run):
    return [variable.numpy() for variable in run.model.flow.variables]


def of_each_kind(*chosen):
    """Runs of every kind, in the quick profile of the chosen ones."""
    cases = quick(ROWS, *chosen, ids=lambda row: row.name)
    return pytest.mark.parametrize("made", cases, indirect=True, scope="module")


# Seeds and digests are kept by what all kinds share.
OF_TWO_KINDS = pytest.mark.parametrize(
    "made",
    quick(
        [row for row in ROWS if row.name in ("tables", "images")], "tables", ids=lambda r: r.name
    ),
    indirect=True,
    scope="module",
)


def test_every_kind_has_a_row():
    assert list(dict.fromkeys(row.kind for row in ROWS)) == list(kinds.KINDS)


@of_each_kind("tables", "targets")
def test_files_of_a_run(made):
    out, row = made.fit("run"), made.row
    assert {path.name for path in out.iterdir()} == {"model.keras", "metrics.json"}
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["format"], metrics["kind"]) == (1, row.kind)
    assert next(iter(metrics["test"])) == "headline"
    assert set(metrics["test"]["headline"]) == {"name", "unit", "value", "standard_error"}
    with zipfile.ZipFile(out / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))["config"]
    assert (config["format"], config["kind"]) == (1, row.kind)
    opened = tff.open_run(out)
    assert opened.kind == opened.model.kind == row.kind
    assert opened.metrics == metrics
    assert opened.settings.epochs == len(opened.history["loss"]) == 3
    listed = good("runs", made.place).stdout
    assert f"run  {row.kind}" in " ".join(listed.split()).replace("run ", "run  ")
    assert f"{metrics['test']['headline']['value']:.3f}" in listed


@of_each_kind("tables", "targets")
def test_pictures_are_those_of_the_kind(made):
    out = made.place / "plotted"
    shutil.copytree(made.fit("run"), out)
    good("plot", out)
    drawn = {path.name for path in out.glob("*.png")}
    assert "training_curve.png" in drawn
    assert drawn - {"training_curve.png"} <= set(kinds.get(made.row.kind).pictures)
    assert len(drawn) > 1


@of_each_kind("tables")
@pytest.mark.deep
def test_each_verb_in_a_new_process(made, tmp_path):
    verbs = {verb.name for verb in kinds.get(made.row.kind).verbs}
    assert set(made.row.verbs) <= verbs
    commands = []
    for name, rest in made.row.verbs.items():
        *middle, output = rest(made.place)
        commands.append([name, made.fit("run"), *middle, tmp_path / output])
    done = process(commands)
    assert done.returncode == 0, done.stderr
    # The notices of TensorFlow, which the first command that imports it holds back.
    assert "absl::InitializeLog" not in done.stderr
    for command in commands:
        assert command[-1].stat().st_size > 0


@OF_TWO_KINDS
def test_another_seed_gives_other_numbers(made):
    one, two = (tff.open_run(made.fit(*given)) for given in (["run"], ["seed", "--seed", "1"]))
    assert one.metrics["test"]["headline"]["value"] != two.metrics["test"]["headline"]["value"]


@of_each_kind("tables")
def test_killed_and_resumed_is_as_uninterrupted(made, tmp_path):
    out = tmp_path / "resumed"
    shutil.copytree(made.killed(), out)
    assert "is not finished" in bad("plot", out)
    assert "unfinished fit" in bad("fit", made.data, "--kind", made.row.kind, "--out", out)
    other = next(kind for kind in kinds.KINDS if kind != made.row.kind)
    assert f"is of kind {made.row.kind}, not {other}" in bad(
        "fit", "--resume", "--kind", other, "--out", out
    )
    said = bad("fit", "--resume", "--seed", "5", "--out", out)
    assert "was begun with seed 0, not 5" in said
    good("fit", "--resume", "--out", out)
    resumed, whole = tff.open_run(out), tff.open_run(made.fit("run"))
    # Another process may sum in another order, so not to the last bit.
    for name in ("loss", *(["val_loss"] if "val_loss" in whole.history else [])):
        np.testing.assert_allclose(resumed.history[name], whole.history[name], rtol=1e-4)
    for one, two in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)
    assert "nothing to resume" in good("fit", "--resume", "--out", out).stderr


# Ends its own process so many seconds after its training began, and says how long that took.
TIMED = """
import os, signal, threading, time, atexit
from tfp_flows.training_state import TrainingState
first, limit = TrainingState.__init__, {seconds}
def timed(self, *arguments, **options):
    first(self, *arguments, **options)
    begun = time.monotonic()
    atexit.register(lambda: print("took", time.monotonic() - begun))
    if limit is not None:
        timer = threading.Timer(limit, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
TrainingState.__init__ = timed
"""


# Training on streams of tables and of images; of all kinds a kill after the second round is tried.
WAYS = ("tables_streamed", "images")
TRAINED = [row for row in ROWS if row.name in WAYS]


@pytest.mark.deep
@pytest.mark.parametrize("made", TRAINED, ids=lambda row: row.name, indirect=True, scope="module")
def test_killed_at_any_moment(made, tmp_path):
    """Two random moments between the first step and the last file."""
    fixed = ["--kind", made.row.kind, "--epochs", "3", "--no-plots", *made.options, "--out"]
    timed = TIMED.format(seconds=None)
    done = process([["fit", made.data, *fixed, tmp_path / "timed"]], timed)
    whole = tff.open_run(tmp_path / "timed")
    longest = float(done.stdout.strip().rpartition("took ")[2])
    for number, share in enumerate(np.random.default_rng(0).uniform(0.05, 1, 2)):
        out = tmp_path / str(number)
        killing = TIMED.format(seconds=share * longest)
        killed = process([["fit", made.data, *fixed, out]], killing).returncode == -9
        if killed:
            # As the others in a process of its own, where steps are programs of XLA.
            assert process([["fit", "--resume", "--out", out]], timed).returncode == 0
        resumed = tff.open_run(out)
        assert {path.name for path in out.iterdir()} == {"model.keras", "metrics.json"}
        for one, two in zip(weights(resumed), weights(whole), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


@of_each_kind("tables")
def test_changed_data_are_not_resumed(made, tmp_path):
    if not made.row.data_changes:
        pytest.skip("nothing that could change")
    out = tmp_path / "changed"
    shutil.copytree(made.killed(), out)
    made.row.write(made.place, changed=True)
    try:
        said = bad("fit", "--resume", "--out", out)
    finally:
        made.row.write(made.place)
    assert "has changed since the fit" in said
    assert (out / "training_state.npz").exists()


@of_each_kind("tables", "targets")
def test_bad_input_is_one_sentence(made, tmp_path):
    for options, message in made.row.bad:
        out = tmp_path / "bad"
        given = [*made.options, "--kind", made.row.kind, *made.placed(options)]
        assert message in bad("fit", made.data, *given, "--out", out)
        assert not out.exists()
    option = made.row.foreign[0]
    said = bad("fit", made.data, "--kind", made.row.kind, *made.row.foreign, "--out", out)
    assert said.startswith(f"Error: {option} is of ")
    assert f" is of {made.row.kind}." in said


def rewritten(path, out, **changes):
    values = json.loads(path.read_text())
    for name, value in changes.items():
        *sections, last = name.split("__")
        part = values
        for section in sections:
            part = part[section]
        part.pop(last)
        if value is not None:
            part[last] = value
    out.write_text(json.dumps(values))


BROKEN = [
    ({"format": 7}, "written by a newer tfp-flows, in format 7"),
    ({"format": "x"}, "is damaged"),
    ({"kind": "weather"}, "is of kind 'weather', which this tfp-flows does not know"),
    ({"kind": 3}, "is damaged"),
    ({"settings": [1]}, "is damaged"),
    ({"settings__data": None}, "is damaged"),
    ({"settings__epochs": "many"}, "its epochs is 'many'"),
]
METRICS = [({"data": None}, "is damaged"), ({"training": 3}, "is damaged")]


@of_each_kind("tables")
def test_broken_and_newer_records(made, tmp_path):
    finished, killed = made.fit("run"), made.killed()
    for changes, message in BROKEN + METRICS:
        shutil.copytree(finished, tmp_path / "run", dirs_exist_ok=True)
        rewritten(finished / "metrics.json", tmp_path / "run" / "metrics.json", **changes)
        assert message in bad("plot", tmp_path / "run"), changes
        with pytest.raises(tff.InputError, match=message.replace("(", ".")):
            tff.open_run(tmp_path / "run")
    for changes, message in BROKEN:
        shutil.copytree(killed, tmp_path / "killed", dirs_exist_ok=True)
        name = "training_settings.json"
        rewritten(killed / name, tmp_path / "killed" / name, **changes)
        assert message in bad("fit", "--resume", "--out", tmp_path / "killed"), changes
    values = json.loads((finished / "metrics.json").read_text())
    values["settings"]["later"] = 1
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(values))
    assert "no setting 'later'; update it" in bad("plot", tmp_path / "run")
    # What a record lacks has its default.
    del values["settings"]["later"], values["settings"]["minutes"], values["settings"]["patience"]
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(values))
    default = kinds.get(made.row.kind).settings.patience
    assert tff.open_run(tmp_path / "run").settings.patience == default


@of_each_kind("tables")
def test_newer_states_and_models(made, tmp_path, monkeypatch):
    killed, finished = tmp_path / "killed", tmp_path / "run"
    shutil.copytree(made.killed(), killed)
    shutil.copytree(made.fit("run"), finished)
    with np.load(killed / "training_state.npz") as archive:
        arrays = dict(archive)
    state = json.loads(str(arrays["state"]))
    assert (state["format"], state["kind"]) == (1, made.row.kind)
    arrays["state"] = np.array(json.dumps(state | {"format": 2}))
    np.savez(killed / "training_state.npz", **arrays)
    with pytest.raises(tff.InputError, match="newer tfp-flows, in format 2"):
        TrainingState(killed / "training_state.npz").load()
    arrays["state"] = np.array(json.dumps(state | {"kind": "weather"}))
    np.savez(killed / "training_state.npz", **arrays)
    with pytest.raises(tff.InputError, match="of kind 'weather'"):
        TrainingState(killed / "training_state.npz", kind=made.row.kind).load()
    with zipfile.ZipFile(finished / "model.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["format"] = 2
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(finished / "model.keras", "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert "newer tfp-flows, in format 2" in bad("plot", finished)


def test_minutes_end_a_fit_to_a_table(tmp_path):
    row = ROWS[0]
    options = [*row.options, "--no-plots", "--minutes", "0.01", "--epochs", "100000"]
    good("fit", row.write(tmp_path), *options, "--patience", "100000", "--out", tmp_path / "run")
    assert 1 <= len(tff.open_run(tmp_path / "run").history["loss"]) < 100_000

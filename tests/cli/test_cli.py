"""The command line: what it writes, what it says, and how it ends."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import bad, good, run

import tfp_flows as tff
from tfp_flows import kinds
from tfp_flows.datasets import load_table, save_table

QUICK = ["--epochs", "3", "--layers", "1", "--hidden", "8", "--batch-size", "64"]
COLUMNS = ["height", "body weight", "a,b"]


def values_of(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3))
    x[:, 1] = 70 + 10 * x[:, 1] + 3 * x[:, 0] ** 2
    return x


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with a table and a finished run on it."""
    place = tmp_path_factory.mktemp("fitted")
    save_table(place / "table.csv", values_of(), COLUMNS)
    result = good("fit", place / "table.csv", "--out", place / "run", *QUICK)
    (place / "stdout").write_text(result.stdout)
    (place / "stderr").write_text(result.stderr)
    return place


@pytest.fixture
def metrics(fitted):
    return json.loads((fitted / "run" / "metrics.json").read_text())


@pytest.mark.keras
def test_fit_writes_everything(fitted, metrics):
    names = {path.name for path in (fitted / "run").iterdir()}
    assert names == {"model.keras", "metrics.json", "training_curve.png", "corner.png"}
    assert metrics["data"]["columns"] == COLUMNS
    assert metrics["data"]["source"] == str((fitted / "table.csv").resolve())
    assert (metrics["data"]["rows"], metrics["data"]["dropped"]) == (300, 0)
    assert metrics["splits"] == {"train": 240, "validation": 30, "test": 30}
    assert metrics["settings"]["hidden"] == [8]
    history = metrics["training"]["history"]
    assert len(history["loss"]) == len(history["val_loss"]) == metrics["training"]["epochs"] == 3
    best = min(history["val_loss"])
    assert metrics["training"]["best_validation_nats"] == -best
    assert history["val_loss"][metrics["training"]["best_epoch"] - 1] == best


@pytest.mark.keras
def test_reported_likelihood_is_that_of_the_saved_model_on_the_test_rows(fitted, metrics):
    model = tff.load(fitted / "run" / "model.keras")
    test = tff.datasets.split(values_of().astype(np.float32), seed=0).test
    scores = model.predict(test, verbose=0).astype(np.float64)
    reported = metrics["test"]
    assert reported["mean_nats"] == pytest.approx(scores.mean(), abs=1e-4)
    error = scores.std(ddof=1) / math.sqrt(30)
    assert reported["standard_error_nats"] == pytest.approx(error, rel=1e-3)
    assert reported["bits_per_dim"] == pytest.approx(-scores.mean() / 3 / math.log(2), rel=1e-4)
    shown = f"{reported['mean_nats']:.3f} ± {2 * reported['standard_error_nats']:.3f}"
    assert shown in (fitted / "stdout").read_text()


def test_gaussian_is_the_one_of_maximum_likelihood(metrics):
    splits = tff.datasets.split(values_of().astype(np.float32), seed=0)
    train, test = (part.astype(np.float64) for part in (splits.train, splits.test))
    offset, covariance = test - train.mean(axis=0), np.cov(train.T, bias=True)
    mahalanobis = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset)
    expected = -0.5 * (mahalanobis + np.linalg.slogdet(2 * np.pi * covariance)[1])
    assert metrics["gaussian"]["mean_nats"] == pytest.approx(expected.mean(), rel=1e-6)
    gain = metrics["test"]["mean_nats"] - metrics["gaussian"]["mean_nats"]
    assert metrics["gain_over_gaussian"]["mean_nats"] == pytest.approx(gain, abs=1e-6)


def test_progress_off_a_terminal_is_a_line_now_and_then(fitted):
    lines = (fitted / "stderr").read_text().strip().splitlines()
    assert len(lines) == 1
    assert re.match(r"epoch 1/3: train -\d+\.\d{3}, validation", lines[0])


@pytest.mark.keras
def test_column_names_survive_to_samples(fitted, tmp_path):
    output = tmp_path / "samples.csv"
    good("sample", fitted / "run", "-n", 20, "-o", output, "--seed", 5)
    samples = load_table(output)
    assert list(samples.columns) == COLUMNS
    assert samples.values.shape == (20, 3)
    assert np.isfinite(samples.values).all()
    assert tff.load(fitted / "run").flow.log_prob(np.float32(samples.values)).shape == (20,)
    good("sample", fitted / "run", "-n", 20, "-o", tmp_path / "again.npy", "--seed", 5)
    # A CSV file is read back as float64.
    np.testing.assert_array_equal(np.load(tmp_path / "again.npy"), np.float32(samples.values))
    good("sample", fitted / "run", "-n", 20, "-o", tmp_path / "other.npy", "--seed", 6)
    assert not np.array_equal(np.load(tmp_path / "other.npy"), samples.values)


@pytest.mark.keras
@pytest.mark.parametrize("option", [["--temperature", "0.5"], ["--class", "1"]])
def test_samples_of_rows_refuse_options_of_images(fitted, tmp_path, option):
    said = bad("sample", fitted / "run", "-o", tmp_path / "s.csv", *option)
    assert said.startswith(f"Error: {option[0]} is of images")
    assert f"; {fitted / 'run'} is of tables" in said


def test_score_finds_columns_by_name(fitted, tmp_path):
    values = values_of(25, seed=1)
    shuffled = np.column_stack([values[:, 2], np.zeros(25), values[:, 0], values[:, 1]])
    save_table(tmp_path / "new.csv", shuffled, ["a,b", "extra", "height", "body weight"])
    good("score", fitted / "run", tmp_path / "new.csv", "-o", tmp_path / "scores.csv")
    scores = load_table(tmp_path / "scores.csv")
    assert scores.columns == ("log_prob",)
    expected = tff.load(fitted / "run" / "model.keras").predict(values, verbose=0)
    np.testing.assert_allclose(scores.values[:, 0], expected, atol=1e-4)
    np.save(tmp_path / "new.npy", values)  # no names: by width
    good("score", fitted / "run", tmp_path / "new.npy", "-o", tmp_path / "scores.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), np.float32(scores.values))


def test_score_keeps_the_numbers_of_rows_that_are_left(fitted, tmp_path):
    values = values_of(6, seed=1)
    good_scores = tmp_path / "all.npy"
    np.save(tmp_path / "new.npy", values)
    good("score", fitted / "run", tmp_path / "new.npy", "-o", good_scores)
    values[[1, 4], [0, 2]] = np.nan
    np.save(tmp_path / "new.npy", values)
    assert "2 in 2 of 6 rows" in bad(
        "score", fitted / "run", tmp_path / "new.npy", "-o", tmp_path / "no.csv"
    )
    assert not (tmp_path / "no.csv").exists()
    output = tmp_path / "scores.csv"
    good("score", fitted / "run", tmp_path / "new.npy", "--drop-invalid", "-o", output)
    scores = load_table(output)
    assert scores.columns == ("row", "log_prob")
    assert scores.values[:, 0].tolist() == [1, 3, 4, 6]
    np.testing.assert_allclose(scores.values[:, 1], np.load(good_scores)[[0, 2, 3, 5], 0])


def test_score_refuses_missing_columns_and_wrong_width(fitted, tmp_path):
    save_table(tmp_path / "less.csv", values_of(5)[:, :2], ["height", "length"])
    message = bad("score", fitted / "run", tmp_path / "less.csv", "-o", tmp_path / "s.csv")
    assert "lacks the columns 'body weight', 'a,b'" in message
    np.save(tmp_path / "less.npy", values_of(5)[:, :2])
    message = bad("score", fitted / "run", tmp_path / "less.npy", "-o", tmp_path / "s.csv")
    assert "has 2 columns without names" in message
    assert "fitted to 3" in message
    assert not (tmp_path / "s.csv").exists()


def test_plot_redraws(fitted, tmp_path):
    result = good("plot", fitted / "run", "-o", tmp_path / "picture.pdf")
    assert result.stderr == ""
    assert (tmp_path / "picture.pdf").read_bytes().startswith(b"%PDF")
    save_table(tmp_path / "new.csv", values_of(40, seed=2), COLUMNS)
    before = {p.name: p.stat().st_mtime_ns for p in (fitted / "run").iterdir()}
    good("plot", fitted / "run", "--data", tmp_path / "new.csv")
    changed = {p.name for p in (fitted / "run").iterdir() if p.stat().st_mtime_ns != before[p.name]}
    assert changed == {"corner.png", "training_curve.png"}


def test_plot_without_its_data_draws_samples_alone(fitted, tmp_path):
    hidden = fitted / "moved.csv"
    (fitted / "table.csv").rename(hidden)
    try:
        result = good("plot", fitted / "run", "-o", tmp_path / "picture.png")
    finally:
        hidden.rename(fitted / "table.csv")
    assert "only samples are drawn" in result.stderr
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("flow", "columns", "picture"),
    [
        pytest.param("planar", 1, "density.png", marks=pytest.mark.deep),
        pytest.param("realnvp", 2, "density.png", marks=pytest.mark.deep),
        ("softsign_bimodal", 1, None),
    ],
)
def test_other_shapes_and_flows(tmp_path, flow, columns, picture):
    values = np.random.default_rng(0).normal(1.7e9, 100, (200, columns))
    np.savez(tmp_path / "table.npz", values=values, other=values[:, :1])
    arguments = ["fit", tmp_path / "table.npz", "--flow", flow, "--epochs", 2]
    message = bad(*arguments, "--key", "values", "--out", tmp_path / "run")
    assert "use --dtype float64" in message
    assert not (tmp_path / "run").exists()
    arguments += ["--key", "values", "--dtype", "float64", *([] if picture else ["--no-plots"])]
    good(*arguments, "--out", tmp_path / "run")
    pictures = {p.name for p in (tmp_path / "run").glob("*.png")}
    assert pictures == ({picture, "training_curve.png"} if picture else set())
    good("sample", tmp_path / "run", "-n", 100, "-o", tmp_path / "s.npy")
    samples = np.load(tmp_path / "s.npy")
    assert samples.dtype == np.float64
    assert abs(samples.mean() - 1.7e9) < 2000
    assert 10 < samples.std() < 2000


@pytest.mark.deep
@pytest.mark.keras
def test_killed_fit_goes_on_to_the_same_result(tmp_path):
    """SIGKILL in the middle; the end is that of a fit that was left alone."""
    save_table(tmp_path / "table.csv", values_of(), COLUMNS)
    options = [str(tmp_path / "table.csv"), *QUICK, "--epochs", "40", "--patience", "40"]
    options += ["--no-plots"]
    state = tmp_path / "run" / "training_state.npz"
    process = start("fit", *options, "--out", tmp_path / "run")
    wait_for(state.exists, process)
    process.kill()
    process.wait()
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert "is not finished" in bad("sample", tmp_path / "run", "-o", tmp_path / "s.csv")
    assert "unfinished fit; go on with --resume" in bad("fit", *options, "--out", tmp_path / "run")
    message = bad("fit", "--resume", "--out", tmp_path / "run", "--seed", 1, "--layers", 1)
    assert "was begun with seed 0, not 1" in message
    good("fit", "--resume", "--out", tmp_path / "run", "--layers", 1)
    good("fit", *options, "--out", tmp_path / "whole")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"model.keras", "metrics.json"}
    resumed, whole = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("run", "whole")
    )
    # Another process may sum in another order, so not to the last bit.
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(
            resumed["training"]["history"][name], whole["training"]["history"][name], rtol=1e-4
        )
    assert resumed["test"]["mean_nats"] == pytest.approx(whole["test"]["mean_nats"], rel=1e-4)
    again = good("fit", "--resume", "--out", tmp_path / "run")
    assert "is finished; there is nothing to resume" in again.stderr


@pytest.mark.deep
def test_interrupted_fit_says_how_to_go_on(tmp_path):
    process = start("fit", "two_moons", "--out", tmp_path / "run", "--no-plots")
    wait_for((tmp_path / "run" / "training_state.npz").exists, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    last = stderr.strip().splitlines()[-1]
    assert last == f"Interrupted; go on with: tfp-flows fit --resume --out {tmp_path / 'run'}"
    assert "Traceback" not in stderr


def start(*arguments):
    command = [sys.executable, "-c", "from tfp_flows.cli import main; main()"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(tff.__file__).parents[1],
        # Jobs in the background of a script ignore interrupts, and so would this one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(condition, process):
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_changed_data_are_not_resumed(tmp_path):
    (tmp_path / "run").mkdir()
    table = save_table(tmp_path / "table.csv", values_of(), COLUMNS)
    settings = {"data": str(table), "columns": None, "key": None, "drop_invalid": False}
    settings |= {"rows": None, "flow": "maf", "layers": 1, "hidden": [4], "flow_option": {}}
    settings |= {"dtype": "float32", "epochs": 1, "patience": 1, "batch_size": 64}
    settings |= {"learning_rate": 0.01, "seed": 0, "plots": False}
    path = tmp_path / "run" / "training_settings.json"
    path.write_text(json.dumps({"settings": settings, "digest": "of something else"}))
    assert "has changed since" in bad("fit", "--resume", "--out", tmp_path / "run")
    path.write_text(json.dumps({"settings": {"data": str(table)}}))
    assert "not a record of tfp-flows fit" in bad("fit", "--resume", "--out", tmp_path / "run")
    path.write_text("{")
    assert "is damaged" in bad("fit", "--resume", "--out", tmp_path / "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["two_mons"], "Unknown data set 'two_mons'; did you mean 'two_moons'?"),
        (["none.csv"], "there is no such file"),
        (["text.csv", "--flow", "maf"], "Column 'b' of .* holds text or objects .'red' in row 2."),
        (["holes.csv", "--flow", "maf"], "row 2 column 'b', row 4 column 'a'"),
        (["constant.csv", "--flow", "maf"], "Column 'b' holds the same value 3 in every row"),
        (
            ["few.csv", "--flow", "maf"],
            "The table has 10 rows for 2 columns; give at least 50 rows",
        ),
        (["two_moons", "-n", "20"], "The table has 20 rows"),
        (["good.csv", "-n", "20"], "--rows is for toys"),
        (
            ["two_moons", "--columns", "x"],
            "is a toy; --columns, --by, --key, --stream",
        ),
        (["good.csv", "--columns", "a,c"], "Unknown column 'c'"),
        (["good.csv", "--columns", "a,"], "give names or numbers with commas between"),
        (["good.csv", "--columns", "a", "--flow", "realnvp"], "needs at least 2, got 1"),
        (["good.csv", "--columns", "a", "--flow", "nice"], "needs at least 2, got 1"),
        (["good.csv", "--flow", "mfa"], "Unknown flow 'mfa'; did you mean 'maf'"),
        (["good.csv", "--flow-option", "sed=1"], "Unknown option of maf 'sed'"),
        (["good.csv", "--flow-option", "num_layer=3"], "did you mean 'num_layers'"),
        (["good.csv", "--flow-option", "num_layers=3"], "is set by --layers; use that"),
        (["good.csv", "--flow-option", "x"], "give name=value"),
        (["good.csv", "--flow-option", "input_order=3"], "Unknown input_order 3"),
        (["good.csv", "--flow", "softsign_bimodal", "--layers", "2"], "leave --layers out"),
        (["good.csv", "--hidden", "64;64"], "--hidden is '64;64'"),
        (["good.csv", "--learning-rate", "0"], "--learning-rate is 0; give a positive number"),
        (["good.csv", "--resume", "--overwrite"], "give one of them"),
        ([], "DATA is missing"),
        (["--resume"], "There is no fit to resume"),
    ],
)
def test_bad_input_of_fit(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    values = values_of()[:, :2]
    save_table("good.csv", values, ["a", "b"])
    save_table("few.csv", values[:10], ["a", "b"])
    save_table("constant.csv", values * [1, 0] + [0, 3], ["a", "b"])
    Path("text.csv").write_text("a,b\n1,2\n3,red\n")
    Path("holes.csv").write_text("a,b\n1,2\n3,\n5,6\ninf,7\n")
    assert re.search(message, bad("fit", *arguments, "--out", "run"))
    assert not Path("run").exists()


def test_used_folders_are_not_touched(fitted, tmp_path):
    before = {p.name: p.read_bytes() for p in (fitted / "run").iterdir()}
    message = bad("fit", "two_moons", "--out", fitted / "run")
    assert "holds a finished fit; choose another --out, or replace it with --overwrite" in message
    assert {p.name: p.read_bytes() for p in (fitted / "run").iterdir()} == before
    (tmp_path / "notes.txt").write_text("mine")
    assert "holds other files" in bad("fit", "two_moons", "--out", tmp_path)
    assert "is a file" in bad("fit", "two_moons", "--out", tmp_path / "notes.txt")


def test_overwrite_replaces_a_fit_and_leaves_other_files(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "corner.png").write_text("old")
    (tmp_path / ".0123abcd-model.keras").write_text("left by a killed fit")
    options = ["-n", 100, *QUICK, "--no-plots", "--overwrite"]
    good("fit", "two_moons", "--out", tmp_path, *options)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"notes.txt", "model.keras", "metrics.json"}


@pytest.mark.keras
@pytest.mark.parametrize("where", ["state", "model", "metrics"])
def test_full_disk(tmp_path, monkeypatch, where):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if where == "state":
        monkeypatch.setattr(np, "savez", full)
    elif where == "model":
        monkeypatch.setattr(tff.FlowModel, "save", full)
    else:
        # The first JSON is the settings, before training.
        monkeypatch.setattr(Path, "write_text", full)
    message = bad_after_progress("fit", "two_moons", "-n", 100, *QUICK, "--out", tmp_path / "run")
    assert re.search(r"Error: Cannot write .*: No space left on device", message)
    left = {path.name for path in (tmp_path / "run").glob("*")}
    kept = {"training_settings.json", "training_state.npz"} if where == "model" else set()
    assert left == kept


def bad_after_progress(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    return result.stderr.strip().splitlines()[-1]


def test_divergence_is_reported(tmp_path):
    options = ["--learning-rate", "1e30", "-n", 100, *QUICK, "--no-plots"]
    message = bad_after_progress("fit", "two_moons", *options, "--out", tmp_path / "run")
    assert "Training diverged" in message
    assert not (tmp_path / "run").exists()


def test_bad_runs_and_outputs(fitted, tmp_path):
    output = tmp_path / "s.csv"
    assert "There is no folder" in bad("sample", tmp_path / "none", "-o", output)
    assert "holds no metrics.json" in bad("sample", tmp_path, "-o", output)
    assert "its suffix is '.xls'" in bad("sample", fitted / "run", "-o", tmp_path / "s.xls")
    message = bad("sample", fitted / "run", "-o", tmp_path / "none" / "s.csv")
    assert "does not exist" in message
    for name in ("metrics.json", "model.keras"):
        (tmp_path / name).write_bytes((fitted / "run" / name).read_bytes())
    (tmp_path / "model.keras").write_bytes(b"PK not a model")
    assert "is not a .keras model file" in bad("sample", tmp_path, "-o", output)
    (tmp_path / "model.keras").unlink()
    assert "No model file" in bad("sample", tmp_path, "-o", output)
    (tmp_path / "metrics.json").write_text("[1, 2]")
    assert "not a record of tfp-flows fit" in bad("score", tmp_path, output, "-o", output)
    (tmp_path / "metrics.json").write_text('{"data": {}}')
    assert "not a record of tfp-flows fit" in bad("plot", tmp_path)
    assert not output.exists()


def test_model_of_another_run_is_refused(fitted, tmp_path):
    for name in ("metrics.json", "model.keras"):
        (tmp_path / name).write_bytes((fitted / "run" / name).read_bytes())
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    metrics["data"]["columns"] = ["one"]
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    assert "not the model that belongs to" in bad("sample", tmp_path, "-o", tmp_path / "s.csv")


def test_remarks_about_the_data(tmp_path):
    values = values_of()
    values[::4, 1] = 7.0
    values[3, 0] = np.nan
    save_table(tmp_path / "table.csv", np.column_stack([values, values[:, 2] * 2]), None)
    options = [*QUICK, "--drop-invalid", "--no-plots"]
    result = good("fit", tmp_path / "table.csv", "--out", tmp_path / "run", *options)
    assert "Note: 1 rows with empty, NaN or infinite cells were dropped" in result.stderr
    assert "Note: column 'x1' holds 7 in 25 % of its rows" in result.stderr
    assert "Note: a column is a linear function of others" in result.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["gaussian"] is None
    assert metrics["data"]["dropped"] == 1


def test_autoregression_over_one_column_is_remarked(tmp_path):
    np.save(tmp_path / "table.npy", values_of()[:, :1])
    options = [*QUICK, "--no-plots", "--out", tmp_path / "run"]
    result = good("fit", tmp_path / "table.npy", *options)
    assert "Note: maf with one column can only be a Gaussian, given the context" in result.stderr


def test_list_names_every_flow_and_toy():
    output = good("list").stdout
    for name in (*tff.flows.FLOWS, *tff.datasets.TOYS):
        assert re.search(rf"^{name} ", output, re.MULTILINE), name


def test_help_and_version_say_something():
    assert good("--version").stdout.strip() == f"tfp-flows {tff.__version__}"
    text = good("fit", "--help").stdout
    for option in ("--flow", "--out", "--resume", "Training", "Examples", *kinds.KINDS):
        assert option in text
    assert "--drop-invalid" not in text
    assert "--size" not in text
    own = good("fit", "--kind", "tables", "--help").stdout
    assert "--drop-invalid" in own
    assert "--size" not in own
    own = good("fit", "--flow", "glow", "--help").stdout
    assert "--size" in own
    assert "--drop-invalid" not in own
    result = run("fit", "two_moons", "--out", "x", "--epoch", "3")
    assert result.exit_code == 2
    assert "--epochs" in result.stderr


def test_unexpected_errors_stay_visible(monkeypatch, fitted, tmp_path):
    monkeypatch.setattr(tff.models, "load", lambda path, compile: 1 / 0)
    result = run("sample", fitted / "run", "-o", tmp_path / "s.csv")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_usage_errors_do_without_tensorflow():
    code = (
        "import sys; from tfp_flows.cli.app import app\n"
        "for arguments in {}:\n"
        "    try: app(arguments)\n"
        "    except SystemExit: pass\n"
        "print([m for m in {} if m in sys.modules])"
    )
    heavy = ("tensorflow", "pandas", "matplotlib")
    helps = [["--help"], ["fit", "--help"], ["fit", "--flow", "glow", "--help"], ["fit", "--bad"]]
    helps += [["sample", "--help"], ["interpolate", "--help"], ["--version"], ["fot"]]
    wrong = [["fit", "two_mons", "--out", "x"], ["fit", "a.csv", "--flow", "mfa", "--out", "x"]]
    wrong += [["sample", "none", "-o", "x.csv"], ["fit", "--resume", "--out", "none"]]
    for given, absent in ((helps, heavy), (wrong, heavy)):
        command = [sys.executable, "-c", code.format(given, absent)]
        environment = {**os.environ, "PYTHONPATH": str(Path(tff.__file__).parents[1])}
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert result.stdout.strip().splitlines()[-1] == "[]", result.stderr

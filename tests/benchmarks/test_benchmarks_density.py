"""The density benchmark: preparations, bookkeeping and messages, on made-up data, untrained."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.command import spread
from benchmarks.density import data, images, recipes, report, worker
from benchmarks.density.__main__ import app
from benchmarks.density.budget import Budget
from benchmarks.density.published import PUBLISHED, differences
from tfp_flows.datasets import MAF_SIZES, Splits
from tfp_flows.errors import InputError


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def patches(tmp_path, rng):
    parts = {"train": 40, "val": 10, "test": 12}
    arrays = {name: rng.integers(0, 256, (rows, 64), np.uint8) for name, rows in parts.items()}
    np.savez(tmp_path / "patches.npz", **arrays)
    return tmp_path / "patches.npz"


@pytest.fixture
def digits(tmp_path, rng):
    arrays = {
        "x_train": rng.integers(0, 256, (60, 28, 28), np.uint8),
        "y_train": np.zeros(60, np.uint8),
        "x_test": rng.integers(0, 256, (8, 28, 28), np.uint8),
    }
    np.savez(tmp_path / "digits.npz", **arrays)
    return tmp_path / "digits.npz"


def numerical_log_det(function, x, step):
    """log |det| of the Jacobian of a function of one row, by central differences."""
    columns = [
        (function(x + step * unit) - function(x - step * unit)) / (2 * step)
        for unit in np.eye(len(x))
    ]
    return np.linalg.slogdet(np.stack(columns, axis=1))[1]


# Images


def test_patches_lose_their_mean_and_last_pixel(patches):
    task = data.load(patches)
    assert task.kind == "bsds"
    assert task.rows() == {"train": 40, "validation": 10, "test": 12}
    assert task.splits.train.dtype == np.float32
    assert task.size == 63
    pixels = np.load(patches)["train"].astype(float)
    # The dropped pixel follows from the others, and all lie within the noise of the raw ones.
    whole = np.column_stack([task.splits.train, -task.splits.train.sum(axis=1)])
    raw = (pixels - pixels.mean(axis=1, keepdims=True)) / 256
    assert 0 < np.abs(whole - raw).max() < 1 / 256


def test_noise_depends_on_the_seed_alone(patches):
    first, again, other = (data.load(patches, seed=seed).splits.test for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_logit_inverts_to_the_pixels_and_stays_finite():
    grey = np.array([[0.0, 1e-9, 127.3, 255.999, np.nextafter(256, 0)]])
    values = images.logit(grey).values.astype(float)
    assert np.isfinite(values).all()
    alpha = images.LOGIT_ALPHA
    share = (1 / (1 + np.exp(-values)) - alpha) / (1 - 2 * alpha)
    np.testing.assert_allclose(256 * share, grey, atol=1e-4)


def test_log_det_of_logit_is_that_of_the_jacobian(rng):
    grey = rng.uniform(5, 250, 6)

    def double(x):
        share = 1e-6 + (1 - 2e-6) * x / 256
        return np.log(share / (1 - share))

    np.testing.assert_allclose(images.logit(grey[None]).values[0], double(grey), rtol=1e-5)
    expected = numerical_log_det(double, grey, 1e-3)
    assert images.logit(grey[None]).log_det[0] == pytest.approx(expected, abs=1e-5)


def test_log_det_of_patches_is_that_of_the_kept_pixels():
    # Of mean-free patches in grey levels to the values: a change of units in 63 dimensions.
    log_det = images.mean_free(np.zeros((2, 64))).log_det
    np.testing.assert_allclose(log_det, -63 * np.log(256))


def test_bits_per_pixel_follow_the_maf_paper(digits, rng):
    task = data.load(digits)
    assert task.kind == "mnist"
    assert task.rows() == {"train": 50, "validation": 10, "test": 8}
    scores = rng.normal(-1300, 10, 8)
    measured = worker.likelihood(scores, task, "test")
    # Papamakarios et al. 2017, arXiv:1705.07057, appendix: bits per pixel from logit space.
    x, size, alpha = task.splits.test.astype(float), 784, 1e-6
    sigmoid = 1 / (1 + np.exp(-x))
    bits = -scores / (size * np.log(2)) - np.log2(1 - 2 * alpha) + 8
    bits += (np.log2(sigmoid) + np.log2(1 - sigmoid)).sum(axis=1) / size
    assert measured["bits_per_dim"] == pytest.approx(bits.mean(), abs=1e-3)
    assert measured["mean_nats"] == pytest.approx(scores.mean())
    assert measured["standard_error_nats"] == pytest.approx(scores.std(ddof=1) / np.sqrt(8))


def test_uniform_pixels_cost_eight_bits(digits):
    task = data.load(digits)
    # Uniform on [0, 256)^784, as a density of the logits.
    uniform = -784 * np.log(256) - task.pixel_log_det.test
    assert worker.likelihood(uniform, task, "test")["bits_per_dim"] == pytest.approx(8)


# Tables


def household(rows, rng):
    return np.column_stack([rng.normal(5, 2, (rows, 7)), rng.integers(0, 1440, rows)])


def test_power_is_prepared_as_the_package_does(tmp_path, rng):
    np.save(tmp_path / "my_power.npy", household(200, rng))
    task = data.load(tmp_path / "my_power.npy")
    assert task.kind == "power"
    assert task.size == 6
    assert task.rows() == {"train": 162, "validation": 18, "test": 20}
    assert task.pixel_log_det is None


def test_miniboone_comes_from_its_source_or_as_a_table(tmp_path, rng):
    rows = rng.normal(size=(150, 4))
    with (tmp_path / "MiniBooNE_PID.txt").open("w") as file:
        file.write("100 50\n")
        np.savetxt(file, rows)
    source = data.load(tmp_path / "MiniBooNE_PID.txt")
    assert (source.kind, source.rows()["train"]) == ("miniboone", 81)
    np.save(tmp_path / "miniboone.npy", rows)
    table = data.load(tmp_path / "miniboone.npy")
    assert (table.kind, table.rows()["train"]) == ("miniboone", 120)


def test_tables_are_split_and_standardised(tmp_path, rng):
    values = 1.7e9 + 100 * rng.normal(size=(300, 3))  # a spread that float32 would lose
    np.savetxt(tmp_path / "t.csv", values, delimiter=",", header="a,b,c", comments="", fmt="%.3f")
    task = data.load(tmp_path / "t.csv")
    assert task.kind == "table"
    assert task.rows() == {"train": 240, "validation": 30, "test": 30}
    assert task.splits.train.dtype == np.float32
    np.testing.assert_allclose(task.splits.train.std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(task.splits.train.mean(axis=0), 0, atol=1e-4)


def test_standardising_keeps_account_of_volume(rng):
    scale = np.array([2.0, 0.1, 30.0])
    parts = Splits(*(np.float32(5 + scale * rng.normal(size=(n, 3))) for n in (1000, 20, 20)))
    done, log_det = data.standardised(parts)
    std = parts.train.std(axis=0, dtype=float)
    np.testing.assert_allclose(done.train.std(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(done.test * std + parts.train.mean(axis=0), parts.test, atol=1e-3)
    assert log_det == pytest.approx(-np.log(std).sum())
    with pytest.raises(InputError, match=r"Column 1 \(from 0\) holds the same value"):
        data.standardised(Splits(*(np.float32([[1, 2], [3, 2], [0, 2]]) for _ in range(3))))


def test_bad_files_are_one_sentence(tmp_path, patches, rng):
    np.savez(tmp_path / "floats.npz", train=np.zeros((5, 64)), val=[1], test=[1])
    np.savez(tmp_path / "short.npz", x_train=np.zeros((5, 14, 14), np.uint8), x_test=[1])
    np.save(tmp_path / "power.npy", np.zeros((100, 5)))
    np.save(tmp_path / "constant.npy", np.ones((100, 2)))
    np.savez(tmp_path / "other.npz", train=[1], test=[1])
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    for name, kind, message in (
        ("none.npy", None, "There is no file .*none.npy"),
        ("floats.npz", None, r"'train' of .* is float64 of shape \(5, 64\); .* uint8"),
        ("short.npz", None, r"'x_train' of .* shape \(5, 14, 14\)"),
        ("patches.npz", "mnist", "lacks the arrays x_train, x_test; it holds train, val, test"),
        ("patches.npz", "bsd", "Unknown kind 'bsd'; did you mean 'bsds'"),
        ("power.npy", None, r"shape \(100, 5\)"),
        ("constant.npy", None, "holds the same value 1"),
        ("other.npz", None, "holds test, train; give one array, or train, val, test"),
        ("broken.npz", "bsds", "Cannot read .*broken.npz as a .npz file of images"),
    ):
        with pytest.raises(InputError, match=message):
            data.load(tmp_path / name, kind)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "none.npy"], "There is no file none.npy"),
        (["--data", "none.npy", "--models", "our-maf"], "Unknown model 'our-maf'; did you mean"),
        (["--data", "none.npy", "--out", "table.txt"], "give the name of a .json file"),
        (["--data", "none.npy", "--hidden", "5,x"], "--hidden is '5,x'"),
    ],
)
def test_the_command_refuses_with_status_2(options, message):
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_options_take_several_values():
    arguments = ["--data", "a", "b", "--seed", "3", "--models", "x", "y"]
    assert spread(arguments, ("--data", "--models")) == (
        ["--data", "a", "--data", "b", "--seed", "3", "--models", "x", "--models", "y"]
    )


def test_budget_follows_the_clock():
    now = [100.0]
    budget = Budget(10, 1e-3, checks=5, clock=lambda: now[0])
    assert budget.learning_rate == pytest.approx(1e-3)
    now[0] = 101.5  # compiled
    assert not budget.due(8)
    now[0] = 105.0
    assert budget.learning_rate == pytest.approx(5e-4)
    assert budget.due(16)
    assert budget.record(16, -3.0)
    assert not budget.due(24)
    now[0] = 108.0
    assert budget.due(32)
    assert not budget.record(32, np.nan)
    now[0] = 110.5
    assert budget.due(40)
    assert budget.over
    assert budget.learning_rate == 0
    assert not budget.record(40, -4.0)
    assert budget.best == -3
    assert budget.summary() == {
        "seconds": 10.5,
        "compile_seconds": 1.5,
        "steps": 40,
        "steps_per_second": pytest.approx(32 / 9),
    }


# Report


def test_published_figures_know_the_difference():
    assert PUBLISHED["bsds300"]["MAF (5)"][0] == 155.69
    sizes = dict(zip(("train", "validation", "test"), MAF_SIZES["power"][1:], strict=True))
    assert "do not compare" not in differences("power", 6, sizes)
    assert "do not compare" in differences("power", 6, {**sizes, "test": 10})
    assert "other random patches" in differences("bsds", 63, sizes)
    assert differences("table", 6, sizes) == ""


def test_a_missing_package_is_reported(monkeypatch, tmp_path):
    model = recipes.Model("zuko_flows", ("a_package_that_is_not_there",))
    monkeypatch.setattr(worker, "MODELS", {"x": model})
    job = worker.Job("f", "table", "x", recipes.Recipe(), 1.0, 0, 1)
    result, scores = worker.launch(job)
    assert (result["status"], scores) == ("not installed", None)
    assert result["message"] == "pip install a_package_that_is_not_there"


def test_a_run_of_the_gaussian_leaves_json_and_markdown(tmp_path, rng):
    values = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 3))
    np.save(tmp_path / "table.npy", values)
    out = tmp_path / "new" / "density.json"
    result = CliRunner().invoke(
        app, ["--data", str(tmp_path / "table.npy"), "--models", "gaussian", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    record = json.loads(out.read_text())
    run = record["data"][0]["models"]["gaussian"]
    # A Gaussian's own: minus the entropy of standardised columns, up to sampling noise.
    correlation = np.corrcoef(values, rowvar=False)
    expected = -0.5 * (3 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(correlation)[1])
    assert run["test"]["mean_nats"] == pytest.approx(
        expected, abs=4 * run["test"]["standard_error_nats"]
    )
    assert run["parameters"] == 9
    text = out.with_suffix(".md").read_text()
    assert "| gaussian | " in text
    assert text == report.markdown(record)


def test_differences_are_taken_row_by_row(rng):
    base = rng.normal(size=1000)
    gain = report.compare({"ours": base + 1, "peer": base}, {"peer": "ours"})["ours - peer"]
    assert gain["mean_nats"] == pytest.approx(1)
    assert gain["standard_error_nats"] < 1e-12
    assert report.compare({"peer": base}, {"peer": "ours"}) == {}


def test_budget_warms_up_after_the_first_step():
    now = [0.0]
    budget = Budget(30, 1e-3, warm_up=0.1, clock=lambda: now[0])
    now[0] = 10.0  # still compiling
    assert budget.learning_rate == pytest.approx(5e-5)
    budget.due(1)
    now[0] = 11.0
    assert budget.learning_rate == pytest.approx(5e-4)
    now[0] = 12.0
    assert budget.learning_rate == pytest.approx(1e-3)
    now[0] = 21.0
    assert budget.learning_rate == pytest.approx(5e-4)
    now[0] = 30.0
    assert budget.learning_rate == 0

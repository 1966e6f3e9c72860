"""The command line on images: what it writes, what it says, and how it ends."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from commands import bad, good
from PIL import Image

import tfp_flows as tff
from tfp_flows.datasets import load_table
from tfp_flows.kinds.images.source import ImageSource

QUICK = [
    *("--flow", "glow", "--epochs", "2", "--hidden", "4", "--batch-size", "16"),
    *("--flow-option", "num_levels=1", "--flow-option", "depth=1"),
]


def pixels_of(count=60, channels=1, seed=0):
    """Images of 4 x 4 pixels with a bright half."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 100, (count, 4, 4, channels))
    images[:, :, :2] += 150 * generator.integers(0, 2, (count, 1, 1, 1))
    return images.astype(np.uint8)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with images and a finished run on them."""
    place = tmp_path_factory.mktemp("fitted")
    np.save(place / "images.npy", pixels_of())
    result = good("fit", place / "images.npy", "--out", place / "run", *QUICK)
    (place / "stdout").write_text(result.stdout)
    return place


@pytest.fixture
def metrics(fitted):
    return json.loads((fitted / "run" / "metrics.json").read_text())


@pytest.mark.keras
def test_fit_writes_everything(fitted, metrics):
    names = {path.name for path in (fitted / "run").iterdir()}
    assert names == {"model.keras", "metrics.json", "training_curve.png", "samples.png"}
    assert metrics["splits"] == {"train": 48, "validation": 6, "test": 6}
    said = (fitted / "stdout").read_text()
    assert f"{metrics['test']['bits_per_dim']:.3f} ±" in said
    assert "bits per dimension (8 bits, uniform noise, 4 x 4 x 1)" in said
    with Image.open(fitted / "run" / "samples.png") as grid:
        # 8 x 8 images of 4 pixels with gaps of 2, three times as large.
        assert grid.size == (3 * 46, 3 * 46)


def test_reported_bits_are_those_of_the_saved_model(fitted, metrics):
    images = tff.datasets.load_images(fitted / "images.npy", seed=0)
    flow = tff.load(fitted / "run" / "model.keras").flow
    draws = [flow.log_prob(images.pixels.test.astype(np.float32)) for _ in range(30)]
    bits = -np.mean(draws) / (16 * np.log(2))
    assert metrics["test"]["bits_per_dim"] == pytest.approx(bits, abs=0.05)


def test_samples_as_pictures_and_arrays(fitted, tmp_path):
    run = fitted / "run"
    good("sample", run, "-n", "5", "-o", tmp_path / "a.npy", "--seed", "1")
    good("sample", run, "-n", "5", "-o", tmp_path / "b.npy", "--seed", "1")
    first, second = np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy")
    assert first.dtype == np.uint8
    assert first.shape == (5, 4, 4, 1)
    np.testing.assert_array_equal(first, second)
    good("sample", run, "-n", "4", "-o", tmp_path / "grid.png", "--temperature", "0.5")
    with Image.open(tmp_path / "grid.png") as grid:
        assert grid.size == (30, 30)


def test_scores_and_interpolates_files(fitted, tmp_path):
    run, folder = fitted / "run", tmp_path / "folder"
    folder.mkdir()
    for i, pixels in enumerate(pixels_of(3, seed=1)):
        Image.fromarray(pixels[..., 0]).save(folder / f"{i}.png")
    (folder / "broken.png").write_bytes(b"no image")
    said = good("score", run, folder, "-o", tmp_path / "scores.csv")
    rows = [line.split(",") for line in (tmp_path / "scores.csv").read_text().split()]
    assert rows[0] == ["file", "bits_per_dim"]
    assert [row[0] for row in rows[1:]] == ["0.png", "1.png", "2.png", "broken.png"]
    assert rows[4][1] == "nan"
    assert load_table(tmp_path / "scores.csv", columns=1, drop_invalid=True).dropped == 1
    assert "broken.png is kept as a row without a number" in said.stderr
    strip = tmp_path / "strip.png"
    good("interpolate", run, folder / "0.png", folder / "1.png", "-o", strip, "-n", "5")
    with Image.open(strip) as picture:
        assert picture.size == (3 * (5 * 4 + 4 * 2), 12)
        ends = np.asarray(picture)[::3, ::3, 0]
    first, last = (np.asarray(Image.open(folder / f"{i}.png"), int) for i in (0, 1))
    np.testing.assert_allclose(ends[:, :4], first, atol=1)
    np.testing.assert_allclose(ends[:, -4:], last, atol=1)


@pytest.mark.deep
def test_damaged_files_are_left_out_of_a_fit(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, pixels in enumerate(pixels_of(40)):
        Image.fromarray(pixels[..., 0]).save(folder / f"{i}.png")
    whole = (folder / "7.png").read_bytes()
    # The header is good, the pixels are not there.
    (folder / "7.png").write_bytes(whole[: len(whole) // 2])
    said = good("fit", folder, "--out", tmp_path / "run", *QUICK)
    assert "7.png is left out" in said.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["data"]["skipped"] == 1
    assert np.isfinite(metrics["test"]["bits_per_dim"])


@pytest.mark.deep
def test_by_class(tmp_path):
    labels = np.arange(60) % 3
    parts = {
        "x_train": pixels_of(),
        "y_train": labels,
        "x_test": pixels_of(9),
        "y_test": labels[:9],
    }
    np.savez(tmp_path / "digits.npz", **parts)
    run = tmp_path / "run"
    good("fit", tmp_path / "digits.npz", "--by-class", "--flip", "--out", run, *QUICK)
    good("sample", run, "-n", "4", "--class", "2", "-o", tmp_path / "twos.npy")
    assert np.load(tmp_path / "twos.npy").shape == (4, 4, 4, 1)
    assert "0 to 2" in bad("sample", run, "--class", "3", "-o", tmp_path / "x.npy")
    assert "conditioned on classes" in bad(
        "score", run, tmp_path / "digits.npz", "-o", tmp_path / "s.csv"
    )


def test_a_run_is_resumed_with_its_options(fitted, tmp_path):
    run = shutil.copytree(fitted / "run", tmp_path / "run")
    said = good("fit", "--resume", "--out", run)
    assert "finished" in said.stderr + said.stdout


@pytest.mark.deep
def test_minutes_end_a_fit(fitted, tmp_path):
    more = ["--out", tmp_path / "short", *QUICK]
    good("fit", fitted / "images.npy", "--minutes", "0.01", *more)
    history = json.loads((tmp_path / "short" / "metrics.json").read_text())["training"]
    assert history["epochs"] == 1


def test_changed_pixels_are_noticed(fitted):
    def digest(path):
        return ImageSource(tff.datasets.load_images(path), 0).digest(1)

    before = digest(fitted / "images.npy")
    values = pixels_of()
    values[7, 0, 0] ^= 1
    np.save(fitted / "changed.npy", values)
    assert before == digest(fitted / "images.npy")
    assert before != digest(fitted / "changed.npy")


def test_a_picture_replaced_by_another_of_its_size_is_noticed(tmp_path):
    def digest():
        return ImageSource(tff.datasets.load_images(tmp_path), 0).digest(1)

    for number in range(12):  # uncompressed, so that all are of one size
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(tmp_path / f"{number:02d}.bmp")
    before = digest()
    assert before == digest()
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(tmp_path / "07.bmp")
    assert before != digest()


@pytest.mark.deep
def test_tensorboard_gets_measures_and_samples(fitted, tmp_path):
    options = ["--out", tmp_path / "run", "--tensorboard", tmp_path / "logs", *QUICK]
    good("fit", fitted / "images.npy", *options)
    (events,) = (tmp_path / "logs").iterdir()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(events)):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append(event.step)
    assert found["samples"] == found["val_bits_per_dim"] == [1, 2]
    assert "loss" in found
    said = bad("fit", fitted / "images.npy", *options, "--overwrite", "--no-plots")
    assert "give one of them" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "a"], "--columns is of tables; glow is of images"),
        (["--by-class"], "no labels"),
        (["--flow-option", "alpha=2"], "alpha must be in (0, 0.5)"),
        (["--hidden", "4,8"], "equal numbers of channels"),
        (["--size", "3"], "larger than size 3"),
        (["--flow-option", "dept=2"], "did you mean 'depth'"),
    ],
)
def test_wrong_options(fitted, tmp_path, options, message):
    said = bad("fit", fitted / "images.npy", "--out", tmp_path / "run", *QUICK, *options)
    assert message in said
    assert not (tmp_path / "run").exists()


def test_options_of_images_are_refused_for_tables(tmp_path):
    said = bad("fit", "two_moons", "--flow", "maf", "--flip", "--out", tmp_path / "run")
    assert "--flip is of images; maf is of tables" in said


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("floats.npy", np.random.default_rng(0).random((20, 4, 4, 1)), "[0, 1]"),
        ("rows.npy", np.zeros((20, 4), np.uint8), "images need [n, height, width]"),
        ("range.npy", np.full((20, 4, 4, 1), 300), "whole numbers from 0 to 255"),
    ],
)
def test_arrays_that_hold_no_images(tmp_path, name, content, message):
    np.save(tmp_path / name, content)
    assert message in bad("fit", tmp_path / name, "--out", tmp_path / "run", *QUICK)


def test_wrong_outputs(fitted, tmp_path):
    run = fitted / "run"
    assert "use one of .png" in bad("sample", run, "-o", tmp_path / "x.csv")
    assert "too many for one picture" in bad("sample", run, "-n", "2000", "-o", tmp_path / "x.png")
    assert "has no classes" in bad("sample", run, "--class", "1", "-o", tmp_path / "x.npy")
    colour = tmp_path / "colour.npy"
    np.save(colour, pixels_of(12, 3))
    assert "of shape (4, 4, 3)" in bad("score", run, colour, "-o", tmp_path / "s.csv")

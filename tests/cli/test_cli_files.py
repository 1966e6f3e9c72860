"""The command line on files as people have them: headers, and pictures of many kinds."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from commands import bad, good
from PIL import Image

import tfp_flows as tff
from tfp_flows.datasets import load_table

TABLE = ["--epochs", "1", "--layers", "1", "--hidden", "4", "--no-plots"]
PICTURES = [
    *("--flow", "glow", "--epochs", "1", "--hidden", "4", "--batch-size", "16", "--no-plots"),
    *("--flow-option", "num_levels=1", "--flow-option", "depth=1", "--size", "4"),
]


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory):
    """A run on what pandas writes of a data frame without names."""
    place = tmp_path_factory.mktemp("unnamed")
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 2)))
    frame.to_csv(place / "table.csv")
    said = good("fit", place / "table.csv", "--out", place / "run", *TABLE)
    (place / "stderr").write_text(said.stderr)
    return place


def test_the_header_of_a_fit_is_decided_and_said(unnamed):
    data = json.loads((unnamed / "run" / "metrics.json").read_text())["data"]
    assert (data["columns"], data["rows"], data["named"]) == (["0", "1"], 100, True)
    said = (unnamed / "stderr").read_text().replace("\n", " ")
    assert "is taken as the names of the columns" in said
    assert "labels of its rows (0 to 99); it is left out" in said


def test_scores_are_one_for_each_row(unnamed, tmp_path):
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(7, 2)))
    run, output = unnamed / "run", tmp_path / "s.csv"
    expected = tff.load(run / "model.keras").predict(frame.to_numpy(), verbose=0)
    for header, index in ((True, False), (True, True), (False, False)):
        frame.to_csv(tmp_path / "new.csv", header=header, index=index)
        for option in ([], ["--header" if header else "--no-header"]):
            good("score", run, tmp_path / "new.csv", "-o", output, *option)
            scores = load_table(output).values[:, 0]
            np.testing.assert_allclose(scores, expected, atol=1e-4)
    good("sample", run, "-n", "5", "-o", tmp_path / "samples.csv")
    assert load_table(tmp_path / "samples.csv").columns == ("0", "1")
    assert load_table(tmp_path / "samples.csv").values.shape == (5, 2)


def test_header_is_an_option_of_files(unnamed, tmp_path):
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(100, 2)))
    frame.to_csv(tmp_path / "t.csv", index=False)
    run = tmp_path / "run"
    good("fit", tmp_path / "t.csv", "--no-header", "--out", run, *TABLE)
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["data"]["columns"], metrics["data"]["rows"]) == (["x0", "x1"], 101)
    assert metrics["settings"]["header"] is False
    np.save(tmp_path / "t.npy", frame)
    assert "only a text file" in bad(
        "fit", tmp_path / "t.npy", "--header", "--out", tmp_path / "n", *TABLE
    )
    assert "--header and --drop-invalid are for files" in bad(
        "fit", "two_moons", "--no-header", "--out", tmp_path / "n", *TABLE
    )
    assert "is of tables" in bad("fit", tmp_path, "--header", "--out", tmp_path / "n", *PICTURES)


def save(path, values):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(values).save(path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A run on a folder of pictures of several kinds."""
    place, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(40):
        save(place / "photos" / f"{i:02d}.png", rng.integers(0, 256, (6, 4, 3)).astype(np.uint8))
    save(place / "photos" / "grey.bmp", rng.integers(0, 256, (6, 4)).astype(np.uint8))
    save(place / "photos" / "clear.webp", rng.integers(0, 256, (6, 4, 4)).astype(np.uint8))
    (place / "photos" / "raw.heic").touch()
    options = ["--background", "black", *PICTURES]
    said = good("fit", place / "photos", "--out", place / "run", *options)
    (place / "stderr").write_text(said.stderr)
    return place


def test_a_fit_says_what_it_does_to_pictures(pictures):
    said = (pictures / "stderr").read_text().replace("\n", " ")
    assert "Grey, and read as colours, 1 of 42 pictures" in said
    assert "Perhaps transparent, 1 of 42 pictures; black is laid behind" in said
    assert "Left out as no pictures known here: 1 .heic (raw.heic)." in said
    settings = json.loads((pictures / "run" / "metrics.json").read_text())["settings"]
    assert settings["background"] == "black"
    assert "Unknown background" in bad(
        *("fit", pictures / "photos", "--background", "blak", *PICTURES),
        *("--out", pictures / "none"),
    )


def scores_of(*arguments, output):
    said = good("score", *arguments, "-o", output)
    return said, pd.read_csv(output)


def test_scores_name_files_and_repeat(pictures, tmp_path):
    folder = tmp_path / "new"
    rng = np.random.default_rng(1)
    for name in ("a.png", "sub/a.png", "c.png"):
        save(folder / name, rng.integers(0, 256, (6, 4)).astype(np.uint8))
    (folder / "b.png").write_bytes(b"none")
    run = pictures / "run"
    said, first = scores_of(run, folder, output=tmp_path / "1.csv")
    assert list(first["file"]) == ["a.png", "b.png", "c.png", "sub/a.png"]
    assert list(first["bits_per_dim"].isna()) == [False, True, False, False]
    assert "b.png is kept as a row without a number" in said.stderr
    tf.random.set_seed(123)  # what happened before is of no account
    assert first.equals(scores_of(run, folder, output=tmp_path / "2.csv")[1])
    _, other = scores_of(run, folder, "--seed", "1", output=tmp_path / "3.csv")
    assert not first["bits_per_dim"].equals(other["bits_per_dim"])
    said, mean = scores_of(run, folder, "--draws", "40", output=tmp_path / "4.csv")
    assert "mean over 40 draws of noise: on average an upper bound" in said.stderr.replace(
        "\n", " "
    )
    # The mean over the noise, by the flow itself.
    flow = tff.load(run / "model.keras").flow
    image = tff.datasets.read_image(folder / "a.png", (4, 4, 3)).astype(np.float32)
    draws = -flow.log_prob(np.repeat(image[None], 400, 0)).numpy() / (48 * np.log(2))
    error = draws.std() * np.sqrt(1 / 40 + 1 / 400)
    assert abs(mean["bits_per_dim"][0] - draws.mean()) < 5 * error
    assert draws.std() > 0


def test_one_picture_alone(pictures, tmp_path):
    save(tmp_path / "a.jpg", np.full((9, 9), 77, np.uint8))
    _, scores = scores_of(pictures / "run", tmp_path / "a.jpg", output=tmp_path / "s.csv")
    assert list(scores["file"]) == ["a.jpg"]
    assert np.isfinite(scores["bits_per_dim"]).all()
    said = good("score", pictures / "run", tmp_path / "a.jpg", "-o", tmp_path / "s.npy")
    assert "holds no names" in said.stderr.replace("\n", " ")
    assert "is one picture; give a folder" in bad(
        "fit", tmp_path / "a.jpg", "--out", tmp_path / "run", *PICTURES
    )

"""The command on images: pictures made larger, and moved along an attribute."""

import json
import shutil

import numpy as np
import pytest
from commands import bad, good
from PIL import Image

import tfp_flows as tff
from tfp_flows.kinds.images.upscaling import smaller

QUICK = [
    *("--epochs", "2", "--hidden", "4", "--batch-size", "16"),
    *("--flow-option", "num_levels=1", "--flow-option", "depth=1"),
]


def pixels_of(count=60, seed=0):
    """Blocks of 4 x 4 pixels."""
    generator = np.random.default_rng(seed)
    small = generator.integers(20, 230, (count, 2, 2, 1))
    noise = generator.integers(-8, 9, (count, 4, 4, 1))
    return (small.repeat(2, axis=1).repeat(2, axis=2) + noise).astype(np.uint8)


def save(folder, images):
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def enlarger(tmp_path_factory):
    place = tmp_path_factory.mktemp("enlarger")
    np.save(place / "images.npy", pixels_of())
    given = ["--flow-option", "encoder_units=[4]", "--flow-option", "features=2"]
    done = good(
        *("fit", place / "images.npy", "--flow", "glow", "--upscale", "2", "--out", place / "run"),
        *(*QUICK, *given),
    )
    (place / "stdout").write_text(done.stdout)
    return place


@pytest.mark.deep
def test_a_fit_measures_what_it_promises(enlarger):
    metrics = json.loads((enlarger / "run" / "metrics.json").read_text())
    model = tff.load(enlarger / "run" / "model.keras")
    true = tff.datasets.load_images(enlarger / "images.npy", seed=0).pixels.test.astype(np.float32)
    small = smaller(true, 2).numpy()
    expected = model.flow.sample(1, small, temperature=0.0)[0].numpy().clip(0, 255)
    psnr = 10 * np.log10(255**2 / np.square(expected - true).mean(axis=(1, 2, 3)))
    assert metrics["test"]["psnr"] == pytest.approx(psnr.mean(), abs=0.05)
    assert 0 < metrics["test"]["coverage"] < 1
    said = (enlarger / "stdout").read_text()
    assert f"{metrics['test']['psnr']:.2f} dB" in said
    with Image.open(enlarger / "run" / "samples.png") as grid:
        # Eight images of 4 pixels a row, gaps of 2, three times as large.
        assert grid.size[0] == 3 * (8 * 4 + 7 * 2)


@pytest.mark.deep
def test_a_run_is_plotted_without_its_images(enlarger, tmp_path):
    run = shutil.copytree(enlarger / "run", tmp_path / "run")
    (run / "samples.png").unlink()
    moved = (enlarger / "images.npy").rename(enlarger / "elsewhere.npy")
    try:
        good("plot", run)
    finally:
        moved.rename(enlarger / "images.npy")
    assert not (run / "samples.png").exists()
    good("plot", run)
    assert (run / "samples.png").exists()


@pytest.mark.deep
def test_pictures_are_enlarged(enlarger, tmp_path):
    run, image = enlarger / "run", pixels_of(1, seed=3)[0]
    Image.fromarray(image[..., 0]).save(tmp_path / "large.png")
    small = np.asarray(smaller(image[None], 2))[0].round().astype(np.uint8)
    Image.fromarray(small[..., 0]).save(tmp_path / "small.png")
    good("upscale", run, tmp_path / "small.png", "-n", "2", "-o", tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as grid:
        # The small one, the expected one, two samples, the deviations.
        assert grid.size == (3 * (5 * 4 + 4 * 2), 3 * 4)
        first = np.asarray(grid)[: 3 * 4 : 3, : 3 * 4 : 3, 0]
    np.testing.assert_array_equal(first, small[..., 0].repeat(2, axis=0).repeat(2, axis=1))
    said = good("upscale", run, tmp_path / "large.png", "-o", tmp_path / "samples.npy")
    assert "made 2 times smaller first" in said.stderr
    assert np.load(tmp_path / "samples.npy").shape == (3, 4, 4, 1)
    Image.new("L", (3, 3)).save(tmp_path / "odd.png")
    message = bad("upscale", run, tmp_path / "odd.png", "-o", tmp_path / "x.png")
    assert "is 3 x 3 pixels; the flow in" in message
    assert "enlarges 2 x 2 to 4 x 4" in message
    assert not (tmp_path / "x.png").exists()


@pytest.mark.deep
def test_other_verbs_know_what_the_flow_is_for(enlarger, tmp_path):
    run, data = enlarger / "run", enlarger / "images.npy"
    good("score", run, data, "-o", tmp_path / "scores.csv")
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 61
    assert "tfp-flows upscale" in bad("sample", run, "-o", tmp_path / "x.png")
    save(tmp_path / "some", pixels_of(2))
    pictures = [tmp_path / "some" / f"{i}.png" for i in range(2)]
    assert "conditioned on small pictures" in bad(
        "interpolate", run, *pictures, "-o", tmp_path / "x.png"
    )
    folders = ["--towards", tmp_path / "some", "--away", tmp_path / "some"]
    assert "is conditional" in bad("edit", run, pictures[0], *folders, "-o", tmp_path / "x.png")


def test_wrong_options_are_refused(tmp_path):
    data = tmp_path / "images.npy"
    np.save(data, pixels_of(30))
    for options, message in (
        (["--upscale", "3"], "does not divide images of 4 x 4"),
        (["--upscale", "3", "--size", "8"], "does not divide --size 8"),
        (["--upscale", "2", "--by-class"], "contradict each other"),
        (["--upscale", "2", "--flow", "realnvp_image"], "--upscale is for --flow glow"),
        (["--kind", "images", "--flow", "super_resolution"], "say how much by --upscale"),
    ):
        given = ["--flow", "glow", *options] if "--flow" not in options else options
        assert message in bad("fit", data, *given, "--out", tmp_path / "run")
        assert not (tmp_path / "run").exists()


@pytest.mark.deep
def test_a_picture_is_moved_along_an_attribute(tmp_path):
    dark = pixels_of(40, seed=1) // 2
    np.save(tmp_path / "images.npy", np.concatenate([dark, dark + 100]))
    good("fit", tmp_path / "images.npy", "--flow", "glow", "--out", tmp_path / "run", *QUICK)
    save(tmp_path / "dark", dark[:12])
    save(tmp_path / "bright", dark[12:24] + 100)
    given = ["--towards", tmp_path / "bright", "--away", tmp_path / "dark", "-n", "4"]
    picture = tmp_path / "dark" / "3.png"
    good("edit", tmp_path / "run", picture, *given, "-o", tmp_path / "strip.npy")
    strip = np.load(tmp_path / "strip.npy").astype(float)
    np.testing.assert_allclose(strip[0], dark[3], atol=1)
    means = strip.mean(axis=(1, 2, 3))
    assert (np.diff(means) > 10).all()
    good("edit", tmp_path / "run", picture, *given, "-o", tmp_path / "strip.png")
    assert (tmp_path / "strip.png").exists()
    assert "Cannot read images from" in bad(
        *("edit", tmp_path / "run", picture, "--towards", tmp_path / "none"),
        *("--away", tmp_path / "dark", "-o", tmp_path / "x.png"),
    )

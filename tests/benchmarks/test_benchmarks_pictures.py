"""The benchmarks of large images given small ones, and of images moved along attributes."""

import json

import numpy as np
import pytest
from scipy import ndimage, stats
from typer.testing import CliRunner

from benchmarks import isolated
from benchmarks.images import __main__ as command
from benchmarks.images import attributes, enlarging, fits
from benchmarks.images.linear import GivenSmall, Regression, enlarged
from benchmarks.images.strokes import slant, stroke_width
from tfp_flows.datasets import Splits
from tfp_flows.kinds.images.upscaling import blown_up, measured, smaller


def images_of(count, seed):
    """Images 4 x 4 whose pixels lie normally about linear functions of their four means."""
    generator = np.random.default_rng(seed)
    small = generator.normal(128, 20, (count, 2, 2, 1))
    slopes = np.random.default_rng(0).normal(size=(4, 16)) * 0.3
    noise = generator.normal(size=(count, 16)) * np.linspace(2, 6, 16)
    about = ((small.reshape(count, 4) - 128) @ slopes + noise).reshape(count, 4, 4, 1)
    about -= blown_up(smaller(about, 2).numpy(), 2)
    return (blown_up(small, 2) + about).round()


PARTS = Splits(images_of(3000, 1), images_of(300, 2), images_of(400, 3))


def test_the_gaussian_is_the_density_and_right_samples_fill_their_band():
    regression = Regression.fit(PARTS, 2)
    gaussian = GivenSmall.fit(regression, PARTS, seed=0)
    small = smaller(PARTS.test, 2).numpy()
    np.testing.assert_allclose(smaller(regression(small), 2), small, atol=1e-3)
    covariance = gaussian.axes * gaussian.variances @ gaussian.axes.T
    noise = np.random.default_rng(5).random((400, 16)) - 0.5
    beside = regression.residuals(PARTS.test) + noise
    expected = stats.multivariate_normal(np.zeros(16), covariance).logpdf(beside)
    np.testing.assert_allclose(gaussian.log_density(PARTS.test, seed=5), expected, rtol=1e-6)
    others = gaussian.log_density(PARTS.test, seed=5, of=np.roll(PARTS.test, 1, axis=0))
    assert others.mean() < expected.mean() - 100

    def samples(small, temperature):
        return gaussian.samples(small, temperature, seed=1)

    found = measured(samples, PARTS.test, 2)
    # It is the true distribution, so neither quantiles of few samples nor pixels are to blame.
    assert found["coverage"] == pytest.approx(0.9, abs=0.02)
    assert found["consistency"] < 0.5
    cubic = measured(lambda small, temperature: enlarged(small, 2), PARTS.test, 2)
    assert cubic["psnr"] < found["psnr"] - 1


def test_slant_and_stroke_width_of_bars():
    bars = np.zeros((3, 40, 40, 1))
    for bar, width in zip(bars, (2, 4, 6), strict=True):
        bar[6:34, 20 - width // 2 : 20 + width // 2] = 255
    np.testing.assert_allclose(stroke_width(bars), [2, 4, 6], rtol=0.25)
    np.testing.assert_allclose(slant(bars), 0, atol=1e-6)
    leaning = np.stack(
        [
            ndimage.affine_transform(bars[1, ..., 0], [[1, 0], [shear, 1]], [0, -20 * shear])
            for shear in (0.3, -0.3)
        ]
    )
    angles = slant(leaning[..., None])
    np.testing.assert_allclose(angles, np.degrees(np.arctan([0.3, -0.3])), atol=1.5)


def test_rank_correlations_are_spearmans():
    values = np.random.default_rng(0).normal(size=(9, 20)) + np.arange(9)[:, None] * 0.5
    expected = [stats.spearmanr(np.arange(9), column).statistic for column in values.T]
    np.testing.assert_allclose(attributes.spearman(values), expected)


@pytest.fixture
def launched(monkeypatch):
    """What would have been done in other processes."""
    jobs = []
    test = {"bits_per_dim": 3.5, "psnr": 21.0, "consistency": 2.55, "coverage": 0.875}
    fit = {"status": "ok", "test": test, "parameters": 1000, "epochs": 7, "peak_memory_gib": 1.25}

    def launch(module, job, needs, threads):
        jobs.append((module, job))
        if module.endswith("linear"):
            return {"status": "ok", "models": {"Gaussian": {"test": test}}}, np.array([4.0, 4.2])
        if module.endswith("attributes"):
            row = {"attribute": "slant", "way": "of the flow", "spearman": 0.99, "above": 0.5}
            row |= {"standard_error": 0.01, "means": [-1.0, 0.0, 1.0], "other": [2.0, 2.5]}
            return {"status": "ok", "rows": [row], "measured": 8}, np.zeros((1, 8))
        return fit | {"wrong_bits_median": 9.0}, np.array([3.4, 3.6])

    monkeypatch.setattr(isolated, "launch", launch)
    monkeypatch.setattr(enlarging, "draw", lambda *arguments: jobs.append(("draw", arguments)))
    return jobs


def invoke(tmp_path, *arguments):
    images = tmp_path / "images.npy"
    np.save(images, np.zeros((20, 4, 4, 1), np.uint8))
    given = ["--data", images, "--run", tmp_path / "run", "--out", tmp_path / "x.json"]
    return CliRunner().invoke(command.app, [str(a) for a in (*given, *arguments)])


def test_ways_to_enlarge_stand_in_a_table(tmp_path, launched):
    done = invoke(tmp_path, "--upscale", "4", "--minutes", "2")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "x.json").read_text())
    assert list(record["data"][0]["models"]) == ["Gaussian", enlarging.GIVEN, enlarging.WITHOUT]
    text = (tmp_path / "x.md").read_text()
    row = "| 3.500 ± 0.200 | 9.0 | 21.00 | 40.0 | 87.5 | 1.25 | 1,000 | 7 |"
    assert f"| {enlarging.GIVEN} {row}" in text
    settings = [job["settings"] for module, job in launched if module.endswith("fits")]
    assert [s["upscale"] for s in settings] == [4, None]
    assert settings[0] | {"upscale": None} == settings[1]
    assert launched[-1][0] == "draw"


def test_attributes_stand_in_a_table(tmp_path, launched):
    done = invoke(tmp_path, "--attributes")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "x.md").read_text()
    assert (
        "| slant | of the flow | 0.990 ± 0.020 | 50 | -1.00 | 0.00 | 1.00 | 2.00 and 2.50 |" in text
    )
    assert "3.500 bits per dimension" in text
    fitted = launched[0][1]["settings"]
    assert fitted["flow_option"] == {"num_levels": 3, "depth": 4}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--attributes", "--upscale", "4"], "give one of them"),
        (["--attributes", "--models", "ours"], "give one of them"),
        (["--upscale", "4", "--depth", "2"], "leave --levels, --depth,"),
    ],
)
def test_options_of_other_comparisons_are_refused(tmp_path, launched, options, message):
    refused = invoke(tmp_path, *options)
    assert refused.exit_code == 2
    assert message in " ".join(refused.output.split())
    assert not launched


@pytest.mark.deep
def test_a_fit_is_measured_once_and_kept(tmp_path):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (80, 2, 2, 1), np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    np.save(tmp_path / "images.npy", pixels)
    settings = {"data": str(tmp_path / "images.npy"), "flow": "glow", "upscale": 2, "epochs": 1}
    settings |= {"hidden": [4], "batch_size": 16, "plots": False}
    settings["flow_option"] = {"num_levels": 1, "depth": 1, "encoder_units": [4], "features": 2}
    job = {"run": str(tmp_path / "run"), "settings": settings}
    result, bits = fits.run(job)
    assert result["test"]["bits_per_dim"] == pytest.approx(bits.mean(), abs=0.1)
    assert 0 < result["peak_memory_gib"] < 20
    assert result["wrong_bits_median"] > 0
    again, same = fits.run(job)
    assert again == result
    np.testing.assert_array_equal(same, bits)

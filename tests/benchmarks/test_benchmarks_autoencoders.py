"""The benchmark of autoencoders: a short run, probes where the answer is known."""

import json

import numpy as np
from typer.testing import CliRunner

from benchmarks import reports
from benchmarks.autoencoders import disentangling, texts
from benchmarks.autoencoders.__main__ import app
from benchmarks.autoencoders.fits import Pictures, probe, probes_of_pca
from tfp_flows import load
from tfp_flows.datasets import Sprites, WordCounts, sprites


def drawn(n, seed):
    """Bars at some height, with specks, and whether in the upper or the lower half."""
    generator = np.random.default_rng(seed)
    places = generator.integers(8, size=n)
    pictures = np.uint8(255) * (generator.uniform(size=(n, 8, 8)) < 0.05).astype(np.uint8)
    pictures[np.arange(n), places] = 255
    return pictures, places // 4


def test_probes():
    generator = np.random.default_rng(0)
    labels = generator.integers(2, size=2000)
    told = np.stack([labels + 0.1 * generator.standard_normal(2000), np.zeros(2000)], axis=1)
    found = probe(told[:1500], labels[:1500], told[1500:], labels[1500:])
    assert min(found["100"] + found["1000"]) > 0.99
    noise = generator.standard_normal([2000, 2])
    found = probe(noise[:1500], labels[:1500], noise[1500:], labels[1500:])
    assert max(found["1000"]) < 0.6
    x, y = drawn(1200, 0)
    x_test, y_test = drawn(300, 1)
    given = Pictures(x[..., None] / 255, y, x_test[..., None] / 255, y_test)
    assert np.mean(probes_of_pca(given, 14, 0)["1000"]) > 0.95


def test_a_short_run(tmp_path):
    (x, y), (x_test, y_test) = drawn(400, 0), drawn(100, 1)
    np.savez(tmp_path / "bars.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    out, pictures = tmp_path / "found.json", tmp_path / "pictures"
    arguments = ["--data", tmp_path / "bars.npz", "--minutes", 0.05, "--rows", 20, "--draws", 50]
    arguments += ["--posteriors", "diagonal", "planar", "--pictures", pictures, "--out", out]
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    record = json.loads(out.read_text())
    assert list(record["models"]) == ["diagonal", "planar"]
    about = record["models"]["planar"]
    assert len(about["bounds"]) == 20
    assert np.mean(about["bounds"]) > about["elbo"] - 5
    text = out.with_suffix(".md").read_text()
    assert "| planar |" in text
    assert "above the first" in text
    for name in ("diagonal", "planar"):
        for what in ("samples", "reconstructions", "traversals"):
            assert (pictures / f"{name}_{what}.png").exists()
        assert load(pictures / f"{name}.keras").layer.latent_shape == (40,)


def test_text():
    """Of documents of two subjects, beside the shares of all words together."""
    generator = np.random.default_rng(0)
    shares = np.array([[0.3] * 3 + [0.02] * 5, [0.02] * 3 + [0.188] * 5])
    subjects = shares[generator.integers(2, size=1200)]
    words = generator.multinomial(20, subjects / subjects.sum(1, keepdims=True)).astype(np.float32)
    counts = WordCounts(words[:800], words[800:1000], words[1000:], tuple("abcdefgh"))
    record = {"settings": {"minutes": 0.1, "draws": 50, "seed": 0}, "machine": reports.machine()}
    record["models"] = {}
    (about,) = texts.each(record, ["diagonal"], counts)
    unigram = record["unigram"]
    frequencies = (words[:800].sum(0) + 1) / (words[:800].sum() + 8)
    exact = np.exp(-np.mean(words[1000:] @ np.log(frequencies) / 20))
    np.testing.assert_allclose([unigram["perplexity"], unigram["by_word"]], exact, rtol=1e-5)
    # How much it learns hangs on the machine, but it begins there.
    assert about["perplexity"] < unigram["perplexity"] + 0.1
    assert about["perplexity"] < about["elbo"] + 0.05
    text = texts.report(record)
    gain = np.array(about["nats_a_word"]) - np.array(unigram["nats_a_word"])
    assert f"{gain.mean():+.3f} ± " in text
    assert "| unigrams |" in text


def test_drawn_shapes(tmp_path):
    drawn = sprites(size=8, values=(2, 2, 1, 6, 6))
    constant = Sprites(drawn.pictures, drawn.factors[:, [0, 1, 3, 4]])
    record = {"settings": {"minutes": 0.05, "draws": 50, "seed": 0}, "machine": reports.machine()}
    record["models"] = {}
    for about in disentangling.each(record, tmp_path, constant):
        assert 0 <= about["gap"] <= 1
        assert len(about["gaps"]) == 4
        assert np.isfinite(about["parts"]).all()
    assert list(record["models"]) == ["1, 1, 1", "1, 6, 1"]
    assert (tmp_path / "traversals_1_6_1.png").exists()
    record["models"]["1, 1, 1"]["gaps"].insert(2, 0.125)
    assert "| 0.125 |" in disentangling.report(record)


def test_what_will_not_do(tmp_path):
    done = CliRunner().invoke(app, ["--out", str(tmp_path / "found.json")])
    assert done.exit_code == 2
    assert "Give one of --data FILE with pictures" in done.output
    np.savez(tmp_path / "bars.npz", x_train=np.zeros([4, 8, 8], np.uint8))
    arguments = ["--data", str(tmp_path / "bars.npz"), "--out", str(tmp_path / "found.json")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "Cannot read pictures and labels" in done.output

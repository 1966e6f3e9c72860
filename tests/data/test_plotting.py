"""Figures: what is drawn, within which limits, and that nothing global changes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfp_flows
from tfp_flows import plotting
from tfp_flows.datasets import eight_gaussians, eight_gaussians_log_prob
from tfp_flows.errors import InputError


class EightGaussians:
    """A distribution in TFP's form that records what it was asked."""

    def __init__(self):
        self.batches = []
        self.seeds = []

    def log_prob(self, x):
        self.batches.append((len(x), x.dtype))
        return eight_gaussians_log_prob(x)

    def sample(self, n, seed=None):
        self.seeds.append(seed)
        return eight_gaussians(n, seed=seed + 1)


@pytest.fixture
def flow():
    return EightGaussians()


@pytest.fixture
def normal_table():
    return np.random.default_rng(0).standard_normal((2_000, 4)) * [1, 2, 3, 4]


def texts(figure):
    import matplotlib.text

    return [found.get_text() for found in figure.findobj(matplotlib.text.Text)]


def test_density_is_a_density(flow):
    xs, ys, density = plotting.density_2d(flow, bounds=((-3, 3), (-2.5, 2.5)), resolution=150)
    assert density.shape == (150, 150)
    assert density.sum() * (xs[1] - xs[0]) * (ys[1] - ys[0]) == pytest.approx(1, abs=1e-3)
    assert xs[0] == pytest.approx(-2.98)
    expected = np.exp(eight_gaussians_log_prob(np.array([xs[30], ys[90]], np.float32)))
    assert density[90, 30] == pytest.approx(expected, rel=1e-5)


def test_density_is_evaluated_in_equal_batches(flow):
    plotting.density_2d(flow, bounds=((-3, 3), (-3, 3)), resolution=151, dtype="float64")
    assert len(set(flow.batches)) == 1
    size, dtype = flow.batches[0]
    assert size <= 10_000
    assert dtype == np.float64
    assert len(flow.batches) * size >= 151**2


def test_density_takes_tfp_distributions():
    import tensorflow_probability as tfp

    normal = tfp.distributions.MultivariateNormalDiag([0.0, 0.0], [1.0, 0.5])
    xs, ys, density = plotting.density_2d(normal, bounds=((-6, 6), (-3, 3)), resolution=60)
    assert density.sum() * (xs[1] - xs[0]) * (ys[1] - ys[0]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("bounds", [((1, 1), (0, 1)), ((0, 1), (0, np.inf)), ((1, 0), (0, 1))])
def test_bad_bounds(flow, bounds):
    with pytest.raises(InputError, match="not a finite, increasing pair"):
        plotting.density_2d(flow, bounds=bounds)


def test_bad_resolution(flow):
    with pytest.raises(InputError, match="resolution is 1"):
        plotting.density_2d(flow, bounds=((0, 1), (0, 1)), resolution=1)


def test_flow_figure_has_three_panels_with_the_same_limits(flow):
    data = eight_gaussians(3_000)
    data[0] = [1e6, -1e6]
    figure = plotting.plot_flow_2d(flow, data, title="Eight Gaussians")
    assert [axes.get_title() for axes in figure.axes] == ["Data", "Samples", "Density"]
    assert figure.get_suptitle() == "Eight Gaussians"
    for axes in figure.axes:
        assert axes.get_xlim() == figure.axes[0].get_xlim()
        assert axes.get_ylim() == figure.axes[0].get_ylim()
    low, high = figure.axes[0].get_xlim()
    assert -3 < low < -1.6
    assert 1.6 < high < 3
    # Equal ranges, so that a circle looks round.
    assert high - low == pytest.approx(np.ptp(figure.axes[0].get_ylim()))
    offsets = [axes.collections[0].get_offsets() for axes in figure.axes[:2]]
    np.testing.assert_allclose(offsets[0], data)
    np.testing.assert_allclose(offsets[1], eight_gaussians(3_000, seed=1))
    assert flow.seeds == [0]
    assert figure.axes[2].collections[0].get_array().shape == (200, 200)


def test_flow_figure_with_given_samples_and_unequal_ranges(flow):
    data = eight_gaussians(6_000) * np.float32([1, 1000])
    figure = plotting.plot_flow_2d(flow, data, samples=data[:50])
    assert flow.seeds == []
    assert len(figure.axes[0].collections[0].get_offsets()) == 5_000
    assert len(figure.axes[1].collections[0].get_offsets()) == 50
    assert np.ptp(figure.axes[0].get_ylim()) > 500 * np.ptp(figure.axes[0].get_xlim())


def test_flow_figure_errors(flow):
    with pytest.raises(InputError, match=r"data have shape \(5, 3\); give \[rows, 2\]"):
        plotting.plot_flow_2d(flow, np.zeros((5, 3)))
    with pytest.raises(InputError, match="None of the 5 samples is finite"):
        plotting.plot_flow_2d(flow, np.ones((5, 2)), samples=np.full((5, 2), np.nan))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_corner_panels(normal_table, count):
    data = normal_table[:, :count]
    names = ["a", "b", "c", "d"][:count]
    figure = plotting.plot_corner(data, data + 0.1, columns=names, title="T")
    assert len(figure.axes) == count * (count + 1) // 2
    assert figure.get_suptitle() == "T"
    for name in names:
        assert name in texts(figure)
    for word in ("data", "samples"):
        assert word in texts(figure)
    low, high = figure.axes[0].get_xlim()
    assert -4.5 < low < -2.5
    assert 2.5 < high < 4.5


def test_corner_limits_ignore_outliers_of_either(normal_table):
    data, samples = normal_table.copy(), normal_table.copy()
    data[0], samples[1] = 1e5, -1e5
    figure = plotting.plot_corner(data, samples, columns=list("abcd"))
    for axes in figure.axes:
        assert np.abs(axes.get_xlim()).max() < 30


def test_corner_histograms_count_mass_outside(normal_table):
    far = normal_table[:, :1].copy()
    far[: len(far) // 2] += 1e3
    figure = plotting.plot_corner(normal_table[:, :1], far, columns=["a"])
    data, samples = (np.sum(s.get_data().values) for s in figure.axes[0].patches)
    assert samples == pytest.approx(data / 2, rel=0.02)


def test_corner_says_what_is_left_out(normal_table):
    samples = normal_table.copy()
    samples[:7, 3] = np.nan
    figure = plotting.plot_corner(normal_table, samples, columns=list("abcd"), max_columns=2)
    assert len(figure.axes) == 3
    note = figure.get_supxlabel()
    assert "2 of 4 columns shown; left out: c, d." in note
    assert "7 samples are not finite" in note


def test_corner_draws_at_most_a_few_thousand_points_mixed():
    table = np.random.default_rng(0).standard_normal((20_000, 2))
    figure = plotting.plot_corner(table, table, columns=["a", "b"])
    scatter = next(axes.collections[0] for axes in figure.axes if axes.collections)
    assert len(scatter.get_offsets()) == 6_000
    colours = scatter.get_facecolors()
    first_half = len({tuple(c) for c in colours[:100]})
    assert first_half == 2


def test_corner_takes_large_offsets_and_scales_out_of_the_ticks():
    rng = np.random.default_rng(0)
    table = np.stack([1.7e9 + 100 * rng.random(500), 1e-7 * rng.random(500), np.ones(500)], axis=1)
    figure = plotting.plot_corner(table, table, columns=["time", "small", "constant"])
    figure.canvas.draw()
    found = texts(figure)
    assert any(text.startswith("time\n- 17000000") for text in found)
    assert any(text.startswith("small [1e-") for text in found)
    for axes in figure.axes:
        assert np.abs(axes.get_xlim()).max() < 1e4
        assert axes.xaxis.get_offset_text().get_text() == ""


def test_corner_errors(normal_table):
    with pytest.raises(InputError, match=r"data have shape \(2000, 4\); give \[rows, 1\]"):
        plotting.plot_corner(normal_table, normal_table, columns=["a"])
    with pytest.raises(InputError, match="list of columns is empty"):
        plotting.plot_corner(normal_table, normal_table, columns=[])
    with pytest.raises(InputError, match="max_columns is 0"):
        plotting.plot_corner(normal_table, normal_table, columns=list("abcd"), max_columns=0)
    with pytest.raises(InputError, match="samples have shape"):
        plotting.plot_corner(normal_table, normal_table[:, :3], columns=list("abcd"))


def test_training_curve_marks_the_best_epoch():
    history = {"loss": [3, 2, 1.5, 1], "val_loss": [3, 2.5, np.nan, 2.6], "lr": [1e9] * 4}
    axes = plotting.plot_training_curve(history, title="T").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["training", "validation", "best: epoch 2, 2.5 nats"]
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3, 4])
    low, high = axes.get_ylim()
    assert low < 1
    assert 3 < high < 4
    assert [text.get_text() for text in axes.texts] == ["1 not finite"]


@pytest.mark.parametrize("epochs", [3, 5, 40])
def test_training_curve_is_not_flattened_by_the_first_epoch(epochs):
    losses = 1 + np.exp(-np.arange(epochs) / 5)
    losses[0] = 1e6
    axes = plotting.plot_training_curve({"loss": losses, "val_loss": losses + 0.1}).axes[0]
    low, high = axes.get_ylim()
    assert high < 4
    assert low < losses.min() < high
    note = axes.texts[0].get_text()
    assert re.fullmatch(r"[23] of the values above the frame \(up to 1e\+06\)", note)


def test_training_curve_of_constant_or_single_losses():
    for losses in ([2.0], [2.0, 2.0, 2.0]):
        low, high = plotting.plot_training_curve({"loss": losses}).axes[0].get_ylim()
        assert low < 2 < high


def test_training_curve_errors():
    with pytest.raises(InputError, match="has accuracy; it needs 'loss' or 'val_loss'"):
        plotting.plot_training_curve({"accuracy": [1.0]})
    with pytest.raises(InputError, match="no finite loss"):
        plotting.plot_training_curve({"loss": [np.nan, np.inf]})


def test_saving(tmp_path, normal_table):
    from PIL import Image

    figure = plotting.plot_corner(normal_table, normal_table, columns=list("abcd"))
    path = plotting.save_figure(figure, tmp_path / "corner.png", dpi=50)
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == tuple(round(50 * inches) for inches in figure.get_size_inches())
        assert len(image.convert("RGB").getcolors(10**6)) > 50
    assert plotting.save_figure(figure, tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


def test_saving_errors(tmp_path, normal_table, monkeypatch):
    figure = plotting.plot_training_curve({"loss": [2.0, 1.0]})
    with pytest.raises(InputError, match=r"suffix is '.doc'; use one of .*\.png"):
        plotting.save_figure(figure, tmp_path / "c.doc")
    with pytest.raises(InputError, match="does not exist"):
        plotting.save_figure(figure, tmp_path / "no" / "c.png")

    def interrupted(path, **_):
        Path(path).write_bytes(b"half a picture")
        raise KeyboardInterrupt

    monkeypatch.setattr(figure, "savefig", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plotting.save_figure(figure, tmp_path / "c.png")
    assert os.listdir(tmp_path) == []


def test_no_text_leaves_the_figure(normal_table):
    figures = [
        plotting.plot_flow_2d(EightGaussians(), eight_gaussians(500), title="T"),
        plotting.plot_corner(normal_table, normal_table, columns=["long name of a column"] * 4),
        plotting.plot_training_curve({"loss": [2.0, 1.0]}, title="T"),
    ]
    for figure in figures:
        figure.canvas.draw()
        width, height = figure.canvas.get_width_height()
        box = figure.get_tightbbox().transformed(figure.dpi_scale_trans)
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height


def test_pyplot_and_global_settings_are_untouched(tmp_path):
    code = (
        "import sys, types\n"
        "package = types.ModuleType('tfp_flows')\n"
        "package.__path__ = [sys.argv[1]]\n"
        "sys.modules['tfp_flows'] = package\n"
        "import tfp_flows.plotting as plotting\n"
        "if 'matplotlib' in sys.modules: sys.exit('matplotlib imported')\n"
        "import matplotlib, numpy\n"
        "names = set(matplotlib.rcParams) - {'backend'}\n"  # asking for the backend imports pyplot
        "before = {name: matplotlib.rcParams[name] for name in names}\n"
        "x = numpy.random.default_rng(0).standard_normal((50, 2))\n"
        "figure = plotting.plot_corner(x, x, columns=['a', 'b'])\n"
        "plotting.save_figure(figure, sys.argv[2])\n"
        "plotting.plot_training_curve({'loss': [2, 1]})\n"
        "after = {name: matplotlib.rcParams[name] for name in names}\n"
        "if after != before: sys.exit('settings changed')\n"
        "if 'matplotlib.pyplot' in sys.modules: sys.exit('pyplot imported')\n"
    )
    folder = str(Path(tfp_flows.__file__).parent)
    arguments = [sys.executable, "-c", code, folder, str(tmp_path / "c.png")]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.png").stat().st_size > 1_000

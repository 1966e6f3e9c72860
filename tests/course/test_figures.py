"""The pictures of `assets/`: drawn by the code of today, and stale ones found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import bad, good, run
from PIL import Image

from tfp_flows import figures
from tfp_flows.errors import InputError
from tfp_flows.figures import store
from tfp_flows.figures.record import difference, record
from tfp_flows.plotting._style import new_figure

ASSETS = Path(__file__).parents[2] / "assets"


def panel(shift=0.0, label="one", colour="#123456", points=50):
    figure = new_figure(3, 2, "title")
    axes = figure.subplots()
    x = np.linspace(0, 1, points)
    axes.plot(x, np.sin(6 * x) + shift * (x > 0.9), color=colour)
    axes.text(0.5, 0.5, label)
    axes.imshow(np.outer(x, x) + shift)
    axes.scatter(x, x**2)
    axes.fill_between(x, x, color="#ff0000")
    return record(figure)


# They fit a flow.
SLOW = {"two_moons", "table_columns"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.deep if n in SLOW else []) for n in figures.FIGURES],
)
def test_assets_are_fresh(name):
    assert store.stale(ASSETS, [name]) == {}


def test_assets_hold_nothing_else():
    assert store.strangers(ASSETS) == {}


def test_records_agree_up_to_rounding():
    assert difference(panel(), panel(), 0) is None
    assert difference(panel(), panel(shift=1e-5), 2e-3) is None


@pytest.mark.parametrize(
    "change", [{"shift": 0.05}, {"label": "two"}, {"colour": "#123457"}, {"points": 51}]
)
def test_records_tell_changes(change):
    assert difference(panel(), panel(**change), 2e-3) is not None


def test_a_moved_point_is_told():
    def points(order):
        figure = new_figure(3, 2, None)
        figure.subplots().plot(np.arange(30), np.arange(30)[order])
        return record(figure)

    order = np.arange(30)
    swapped = order.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    # Mean and spread are the same; the weighted sums are not.
    assert difference(points(order), points(swapped), 2e-3) is not None


def test_stale_files_are_told(tmp_path):
    name = "coupling"
    assert store.stale(tmp_path, [name]) == {name: "there is no such file"}
    path = store.write(tmp_path, name)
    assert store.stale(tmp_path, [name]) == {}

    with Image.open(path) as image:
        pixels, about = np.array(image), image.info
    assert pixels.shape[2] == 3
    assert (pixels[[0, -1]] == 255).all()
    assert (pixels[:, [0, -1]] == 255).all()
    Image.fromarray(pixels).save(path)
    assert store.stale(tmp_path, [name]) == {name: "the file was not written by this command"}

    from PIL.PngImagePlugin import PngInfo

    kept = PngInfo()
    for key in ("tfp-flows:shows", "tfp-flows:pixels"):
        kept.add_text(key, about[key])
    pixels[5, 5] = 0
    Image.fromarray(pixels).save(path, pnginfo=kept)
    assert store.stale(tmp_path, [name]) == {name: "the file was changed by something else"}
    path.write_bytes(b"no picture")
    assert store.stale(tmp_path, [name]) == {name: "the file was not written by this command"}


def test_changed_code_makes_a_file_stale(tmp_path, monkeypatch):
    def changed():
        figure = picture.draw()
        words = next(text for axes in figure.axes for text in axes.texts)
        words.set_text(words.get_text() + "!")
        return figure

    picture = figures.FIGURES["coupling"]
    store.write(tmp_path, "coupling")
    now = {**figures.FIGURES, "coupling": replace(picture, draw=changed)}
    monkeypatch.setattr(store, "FIGURES", now)
    assert "coupling" in store.stale(tmp_path, ["coupling"])


def test_another_picture_is_told(tmp_path):
    store.write(tmp_path, "coupling").rename(tmp_path / "permutations.png")
    assert "permutations" in store.stale(tmp_path, ["permutations"])
    (tmp_path / "old.png").write_bytes(b"")
    assert store.strangers(tmp_path) == {"old": "no code draws it"}


def test_command(tmp_path, monkeypatch):
    few = {name: figures.FIGURES[name] for name in ("coupling", "multiscale")}
    monkeypatch.setattr(figures, "FIGURES", few)
    monkeypatch.setattr(store, "FIGURES", few)
    out = tmp_path / "pictures"
    assert "no folder" in bad("figures", "--out", out, "--check")
    assert "multiscale.png" in good("figures", "--out", out).stdout
    assert "All 2 pictures" in good("figures", "--out", out, "--check").stdout
    (out / "coupling.png").unlink()
    result = run("figures", "--out", out, "--check")
    assert result.exit_code == 1
    assert "coupling.png: there is no such file" in result.stdout.replace("\n", "")
    assert "multiscale" not in result.stdout


def test_names_are_checked():
    with pytest.raises(InputError, match="coupling"):
        figures.draw("couplin")

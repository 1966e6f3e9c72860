"""An inspector: trained, calibrated, saved; and pictures in folders."""

import json

import numpy as np
import pytest
import tensorflow as tf
from commands import bad, good
from kind_rows import _parts
from PIL import Image

import tfp_flows as tff
from tfp_flows.anomaly import Backbone, Inspector
from tfp_flows.anomaly.backbones import batches_of
from tfp_flows.anomaly.pictures import good_pictures, labelled_pictures, read_mask


def network(path):
    layers = tf.keras.layers
    options = {"strides": 2, "padding": "same", "activation": "tanh"}
    tf.keras.utils.set_random_seed(0)
    tf.keras.Sequential(
        [
            tf.keras.Input([16, 16, 3]),
            layers.Rescaling(1 / 64, -2),
            layers.Conv2D(4, 3, name="first", **options),
            layers.Conv2D(6, 3, name="second", **options),
        ]
    ).save(path)
    return str(path)


@pytest.mark.deep
@pytest.mark.keras(quick=True)
def test_saved_with_backbone_and_held_out_scores(tmp_path):
    place = network(tmp_path / "tiny.keras")
    backbone = Backbone(place, ["first", "second"], normalise="place")
    pictures = np.random.default_rng(0).integers(90, 140, (60, 16, 16, 3)).astype(np.uint8)
    features = backbone.features_of(batches_of(pictures), 60)
    flow = tff.flows.fastflow(event_shape=backbone.shapes, num_layers=1, seed=0)
    model = Inspector(flow, backbone)
    model.compile(tf.keras.optimizers.Adam(1e-3), jit_compile=False)
    with pytest.raises(tff.InputError, match="call calibrate first"):
        model.threshold(0.1)
    model.fit(features[:40], epochs=1, batch_size=8, verbose=0)
    model.calibrate(features[40:])
    with pytest.raises(tff.InputError, match="Unknown score"):
        model.threshold(0.1, "latents")
    odd = pictures[:3].copy()
    odd[:, 4:10, 4:10] = 250
    judged = model.judge(odd)
    assert judged.maps["latents"].shape == (3, 16, 16)
    for i, score in enumerate(tff.anomaly.SCORES):
        assert (judged.scores[:, i] > model.threshold(0.1, score)).all()
        np.testing.assert_allclose(model.p_values(judged.scores[:, i], score), 1 / 21)
    model.save(tmp_path / "a.keras")
    (tmp_path / "tiny.keras").unlink()
    loaded = tff.load(tmp_path / "a.keras")
    np.testing.assert_array_equal(loaded.judge(odd).scores, judged.scores)
    assert loaded.threshold(0.1) == model.threshold(0.1)
    with pytest.raises(tff.InputError, match="build it with event_shape"):
        Inspector(tff.flows.fastflow(event_shape=(4, 4, 6), num_layers=1), backbone)


def test_trees_and_folders(tmp_path):
    data = tmp_path / "parts"
    _parts(tmp_path)
    found = good_pictures(data)
    assert len(found.files) == 40
    assert found.remarks == [f"Only train/good of {data} is read: good parts alone."]
    (data / "train" / "bent").mkdir()
    assert "not train/bent" in good_pictures(data).remarks[0]
    (data / "train" / "bent").rmdir()
    assert "Only good of" in good_pictures(data / "train").remarks[0]
    assert good_pictures(data / "train" / "good").remarks == []
    labelled = labelled_pictures(data)
    assert labelled.kinds == ["good"] * 4 + ["spot"] * 4
    assert [mask is not None for mask in labelled.masks] == [False] * 4 + [True] * 3 + [False]
    facts = labelled.pictures.facts[labelled.pictures.files[4]]
    mask = read_mask(labelled.masks[4], facts, (20, 24))
    assert (mask.sum(), mask[5, 8], mask[4, 8]) == (49, True, False)
    thin = np.zeros((20, 24), np.uint8)
    thin[3, 3] = 1
    Image.fromarray(thin).save(tmp_path / "thin.png")
    assert read_mask(tmp_path / "thin.png", facts, (5, 6)).sum() == 1
    Image.fromarray(thin[:10]).save(tmp_path / "half.png")
    with pytest.raises(tff.InputError, match="24 x 10 pixels, its picture of 24 x 20"):
        read_mask(tmp_path / "half.png", facts, (5, 6))
    (tmp_path / "half.png").write_bytes(b"x")
    with pytest.raises(tff.InputError, match="Cannot read the mask"):
        read_mask(tmp_path / "half.png", facts, (5, 6))
    for place, message in (
        (data / "test" / "spot", "no folders of types"),
        (tmp_path / "nothing", "There is no folder"),
    ):
        with pytest.raises(tff.InputError, match=message):
            labelled_pictures(place)
    with pytest.raises(tff.InputError, match="give the one with the masks"):
        labelled_pictures(data, tmp_path / "nothing")
    (data / "train").rename(data / "learn")
    with pytest.raises(tff.InputError, match="no train/good"):
        good_pictures(data)


@pytest.mark.deep
def test_the_commands_on_mixed_and_damaged_pictures(tmp_path):
    data = tmp_path / "parts"
    _parts(tmp_path)
    train = data / "train" / "good"
    (train / "00.png").write_bytes(b"no picture")
    colours = np.random.default_rng(1).integers(90, 140, (30, 30, 3), dtype=np.uint8)
    Image.fromarray(colours).save(train / "01.png")
    place, out = network(tmp_path / "tiny.keras"), tmp_path / "run"
    options = ["--backbone", place, "--feature-layers", "first,second", "--layers", "1"]
    options += ["--epochs", "2", "--false-alarms", "0.2", "--batch-size", "8"]
    flow = ["--flow", "cflow", "--flow-option", "position_size=4"]
    done = good("fit", data, *flow, *options, "--out", out)
    for text in ("Only train/good", "2 sizes", "Grey, and read as colours", "00.png is left out"):
        assert text in done.stderr, text
    assert "it stands on 8 held-out pictures" in " ".join(done.stdout.split())
    assert {path.name for path in out.iterdir()} >= {"held_out.png", "training_curve.png"}
    metrics = tff.open_run(out).metrics
    assert metrics["splits"] == {"held_out": 8, "train": 31}
    (data / "test" / "good" / "z.png").write_bytes(b"no picture")
    scores, maps = tmp_path / "scores.csv", tmp_path / "maps"
    done = good("score", out, data / "test", "-o", scores, "--maps", maps)
    assert "z.png is kept as a row without numbers" in done.stderr
    rows = scores.read_text().splitlines()
    assert rows[0] == "file,density_top,p_value,alarm,latents_max,latents_top,density_max"
    assert len(rows) == 10
    assert [row.split(",")[3] for row in rows if row.startswith("spot")] == ["1"] * 4
    assert Image.open(maps / "spot" / "00.png").size == (24, 20)
    assert len(list(maps.rglob("*.png"))) == 8
    # One picture alone, another rate.
    one = data / "test" / "spot" / "00.png"
    done = good("score", out, one, "-o", scores, "--false-alarms", "0.5")
    assert "1 of 1 pictures are called bad" in " ".join(done.stdout.split())
    assert "needs 99 held-out normal cases" in bad(
        "score", out, data / "test", "-o", scores, "--false-alarms", "0.01"
    )
    figures = tmp_path / "figures.json"
    done = good("evaluate", out, data, "-o", tmp_path / "page.png", "--figures", figures)
    assert "1 of 4 pictures of defects have no mask" in done.stderr
    values = json.loads(figures.read_text())
    assert values["types"]["spot"]["image_auroc"]["value"] == 1.0
    assert values["types"]["all"]["pixel_auroc"]["value"] > 0.8
    assert values["pictures"] == {"good": 4, "spot": 4}
    assert (tmp_path / "page.png").stat().st_size > 0
    assert "give a .json file" in bad(
        "evaluate", out, data, "-o", tmp_path / "page.png", "--figures", tmp_path / "a.txt"
    )
    said = bad("fit", data / "test" / "good", "--flow", "fastflow", "--out", tmp_path / "b")
    assert "can be read; give 8 or more" in said
    (tmp_path / "empty").mkdir()
    said = bad("fit", tmp_path / "empty", "--flow", "fastflow", "--out", tmp_path / "b")
    assert "holds no pictures" in said

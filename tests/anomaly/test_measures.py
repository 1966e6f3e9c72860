"""AUROC, AU-PRO and their intervals, beside scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import tfp_flows as tff
from tfp_flows.anomaly import Pixels, auroc, image_auroc, picture_scores


def test_auroc_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    defect = generator.random(200) < 0.3
    scores = (generator.normal(size=200) + defect).round(1)  # with ties
    assert auroc(scores, defect) == pytest.approx(roc_auc_score(defect, scores))
    measured = image_auroc(scores, defect)
    assert measured.low < measured.value < measured.high
    assert np.isnan(auroc(scores, np.zeros(200, bool)))
    assert np.isnan(image_auroc(scores, np.ones(200, bool)).low)


def scene():
    generator = np.random.default_rng(1)
    masks = np.zeros((20, 16, 16), bool)
    masks[:8, 3:9, 4:8] = True
    masks[:4, 12:14, 12:15] = True
    return generator.normal(size=masks.shape) + 1.5 * masks, masks


def test_pixels_are_those_of_scikit_learn():
    maps, masks = scene()
    pixels = Pixels(maps, masks)
    every = np.ones(20, bool)
    found = pixels.auroc(every)
    assert found.value == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=2e-3)
    assert found.low < found.value < found.high
    few = np.arange(20) < 6
    expected = roc_auc_score(masks[few].ravel(), maps[few].ravel())
    assert pixels.auroc(few).value == pytest.approx(expected, abs=2e-3)


def test_overlap_of_regions_by_hand():
    maps, masks = scene()
    regions = [(i, np.s_[3:9, 4:8]) for i in range(8)] + [
        (i, np.s_[12:14, 12:15]) for i in range(4)
    ]
    good = np.sort(maps[~masks])[::-1]
    rates = np.linspace(0, 0.3, 400)
    levels = good[np.minimum((rates * len(good)).astype(int), len(good) - 1)]
    overlap = [
        np.mean([(maps[i][place] >= level).mean() for i, place in regions]) for level in levels
    ]
    found = Pixels(maps, masks).au_pro(np.ones(20, bool))
    assert found.value == pytest.approx(np.mean(overlap), abs=0.02)
    perfect = Pixels(masks.astype(float) + 1e-6 * maps, masks).au_pro(np.ones(20, bool))
    assert perfect.value > 0.99
    assert np.isnan(Pixels(maps, np.zeros_like(masks)).au_pro(np.ones(20, bool)).value)


def test_scores_of_pictures():
    maps = np.zeros((1, 10, 10))
    maps[0, 0, :4] = [4.0, 3.0, 2.0, 1.0]
    scores = picture_scores({"latents": maps, "density": -maps})
    assert scores.tolist() == [[4.0, 3.5, 0.0, 0.0]]  # two places are 2 %
    assert tff.anomaly.SCORES == ("latents_max", "latents_top", "density_max", "density_top")

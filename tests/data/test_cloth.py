"""Drawn cloth, with and without defects."""

import numpy as np
import pytest
from PIL import Image

import tfp_flows as tff
from tfp_flows.anomaly.pictures import labelled_pictures
from tfp_flows.datasets import cloth, write_cloth
from tfp_flows.datasets.cloth import DEFECTS


def test_defects_are_where_the_masks_are_and_nowhere_else():
    good, none = cloth(4, size=64, seed=5)
    assert good.shape == (4, 64, 64, 1)
    assert good.dtype == np.uint8
    assert not none.any()
    np.testing.assert_array_equal(good, cloth(4, size=64, seed=5)[0])
    assert (good != cloth(4, size=64, seed=6)[0]).mean() > 0.9
    signs = {"scratch": 1, "stain": -1}
    for defect in DEFECTS:
        bad, masks = cloth(4, size=64, defect=defect, seed=5)
        assert masks.any(axis=(1, 2)).all()
        assert masks.mean() < 0.2
        change = bad[..., 0].astype(float) - good[..., 0]
        # The edge of a defect reaches a little beyond its mask.
        share = (change**2)[masks].sum() / (change**2).sum()
        assert share > 0.8
        if defect in signs:
            assert signs[defect] * change[masks].mean() > 15
        else:
            assert bad[masks].std() < good[masks].std() / 2


def test_a_tree_that_the_commands_read(tmp_path):
    tree = write_cloth(tmp_path / "cloth", train=3, test=2, size=32, seed=1)
    assert len(list((tree / "train" / "good").iterdir())) == 3
    labelled = labelled_pictures(tree)
    assert sorted(labelled.kinds) == sorted(2 * ["good", *DEFECTS])
    masks = [mask for mask in labelled.masks if mask is not None]
    assert len(masks) == 2 * len(DEFECTS)
    assert set(np.unique(Image.open(masks[0]))) == {0, 255}
    with pytest.raises(tff.InputError, match="is there already"):
        write_cloth(tree)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 20}, "size is 20; give a whole number of at least 32"),
        ({"defect": "stian"}, "stain"),
        ({"num_samples": 0}, "num_samples is 0"),
    ],
)
def test_bad_arguments(wrong, message):
    with pytest.raises(tff.InputError, match=message):
        cloth(**{"num_samples": 1, **wrong})

"""Drawn shapes: their areas, places and factors."""

import numpy as np
import pytest

from tfp_flows.datasets import SPRITE_FACTORS, sprites
from tfp_flows.errors import InputError

COUNTS = (3, 2, 3, 3, 2)


def test_areas_and_places_follow_the_factors():
    pictures, factors = sprites(values=COUNTS)
    assert pictures.shape == (108, 32, 32, 1)
    assert pictures.dtype == np.uint8
    assert len(np.unique(pictures, axis=0)) == 108
    assert len(SPRITE_FACTORS) == factors.shape[1] == 5
    np.testing.assert_array_equal(factors.max(0) + 1, COUNTS)
    assert len(np.unique(factors, axis=0)) == 108
    shares = pictures[..., 0] / 255
    areas, extent = shares.sum((1, 2)), 0.2 * 32 * np.array([0.5, 1])[factors[:, 1]]
    exact = np.array([(2 * 0.85) ** 2, np.pi * 0.6])
    for shape in (0, 1):
        own = factors[:, 0] == shape
        np.testing.assert_allclose(areas[own], exact[shape] * extent[own] ** 2, rtol=0.04)
    # Symmetric shapes lie about their centres.
    pixels = np.arange(32) + 0.5
    across = (shares.sum(1) * pixels).sum(-1) / areas
    down = (shares.sum(2) * pixels).sum(-1) / areas
    even = factors[:, 0] < 2
    np.testing.assert_allclose(across[even], (16 + 8 * (factors[:, 3] - 1))[even], atol=0.1)
    np.testing.assert_allclose(down[even], (8 + 16 * factors[:, 4])[even], atol=0.1)
    # A heart that is not turned has two sides that are one, and its tip below.
    heart = shares[(factors == [2, 1, 0, 1, 0]).all(-1)][0]
    np.testing.assert_allclose(heart, heart[:, ::-1], atol=0.07)
    rows = heart.sum(1)[heart.sum(1) > 0]
    assert rows[0] > 2 * rows[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 4}, "at least 8 pixels"),
        ({"values": (4, 1, 1, 1, 1)}, "the first 3 at most"),
        ({"values": (3, 1, 1, 1)}, "the number of values of shape, scale"),
        ({"values": (3, 1, 1, 0, 1)}, "each 1 at least"),
    ],
)
def test_what_will_not_do(options, message):
    with pytest.raises(InputError, match=message):
        sprites(**options)

"""The drawn pictures: deterministic, of the right kind, and what daylight changes."""

import numpy as np
import pytest

from tfp_flows.datasets import landscapes
from tfp_flows.errors import InputError


def test_they_are_bytes_and_seeded():
    pictures = landscapes(300, size=16, seed=3)
    assert pictures.shape == (300, 16, 16, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, landscapes(300, size=16, seed=3))
    assert (landscapes(300, size=16, seed=4) != pictures).mean() > 0.5


@pytest.mark.deep
def test_no_two_are_alike():
    pictures = landscapes(200, seed=0).reshape(200, -1).astype(float)
    distance = np.abs(pictures[:, None] - pictures[None]).mean(axis=-1)
    assert distance[~np.eye(200, dtype=bool)].min() > 2


def test_daylight_brightens_the_same_scene():
    night, day = (landscapes(50, daylight=value, seed=1).astype(float) for value in (0.0, 1.0))
    assert (day.mean(axis=(1, 2, 3)) > 2 * night.mean(axis=(1, 2, 3))).all()
    # The discs stand where they stood.
    sky = [part[:, :12].mean(axis=-1) for part in (night, day)]
    brightest = [part.reshape(50, -1).argmax(axis=1) for part in sky]
    places = [np.stack(np.unravel_index(flat, (12, 32)), axis=-1) for flat in brightest]
    assert np.median(np.abs(places[0] - places[1]).max(axis=1)) <= 3


def test_sky_above_and_ground_below():
    pictures = landscapes(100, daylight=1.0, seed=2).astype(float)
    top, bottom = pictures[:, 0].mean(axis=(0, 1)), pictures[:, -1].mean(axis=(0, 1))
    assert top.argmax() == 2
    assert bottom.argmax() == 1


@pytest.mark.parametrize(
    "wrong", [{"size": 4}, {"size": 8.5}, {"daylight": 1.5}, {"seed": -1}, {"num_samples": 0}]
)
def test_bad_input(wrong):
    with pytest.raises(InputError):
        landscapes(**{"num_samples": 3, **wrong})

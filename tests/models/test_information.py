"""The gap of mutual information: of latents whose information is planted, and of noise."""

import numpy as np
import pytest

import tfp_flows as tff

COUNTS = (3, 4, 8)


@pytest.fixture(scope="module")
def factors():
    return np.random.default_rng(0).integers(COUNTS, size=(6000, 3))


def test_one_latent_a_factor(factors):
    random = np.random.default_rng(1)
    latents = np.concatenate([-10.0 * factors, np.zeros([6000, 2])], axis=1)
    latents += random.standard_normal(latents.shape)
    found = tff.models.mutual_information_gap(latents[:, [4, 2, 0, 1, 3]], factors)
    assert found.gap > 0.95
    assert found.information.argmax(0).tolist() == [2, 3, 1]
    np.testing.assert_allclose(np.max(found.information, 0), np.log(COUNTS), rtol=0.05)


def test_noise_and_shared_factors(factors):
    random = np.random.default_rng(1)
    noise = random.standard_normal((6000, 5))
    found = tff.models.mutual_information_gap(noise, factors)
    assert found.gap < 0.01
    # What a table of so many cells has anyway.
    np.testing.assert_allclose(
        found.information.mean(0), 19 * (np.array(COUNTS) - 1) / 12000, rtol=0.4
    )
    twice = np.concatenate([10 * factors, 10 * factors], axis=1) + random.standard_normal((6000, 6))
    assert tff.models.mutual_information_gap(twice, factors).gap < 0.01


def test_half_of_the_information():
    """A latent that tells the upper two of four values from the lower, beside noise."""
    values = np.arange(8000) % 4
    latents = np.stack([values // 2, np.random.default_rng(0).uniform(size=8000)], axis=1)
    found = tff.models.mutual_information_gap(latents, values)
    np.testing.assert_allclose(found.gap, 0.5, atol=0.01)
    np.testing.assert_allclose(found.information[0], np.log(2))


@pytest.mark.parametrize(
    ("latents", "factors", "message"),
    [
        (np.zeros([5, 1]), np.arange(5), r"latents \[n, 2 or more\]"),
        (np.zeros([5, 2]), np.arange(4), "the same rows, got 5 and 4"),
        (np.full([5, 2], np.nan), np.arange(5), "finite latents"),
        (np.zeros([5, 2]), np.linspace(0, 1, 5), "integers, got float64"),
        (np.zeros([5, 2]), np.ones(5, int), "Factor 0 has one value alone"),
    ],
)
def test_what_will_not_do(latents, factors, message):
    with pytest.raises(tff.InputError, match=message):
        tff.models.mutual_information_gap(latents, factors)

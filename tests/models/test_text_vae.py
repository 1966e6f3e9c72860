"""Autoencoders of counted words: where the preset begins, files, perplexity."""

import numpy as np
import pytest

import tfp_flows as tff

pytestmark = pytest.mark.keras


def test_a_preset_begins_at_the_shares_of_words(tmp_path):
    totals = np.array([60, 30, 9, 0, 0])
    vae = tff.models.text_vae(
        5, totals=totals, latent_size=2, hidden_units=[4], posterior="diagonal", dropout=0.2, seed=0
    )
    shares = (totals + 1) / 104
    np.testing.assert_allclose(vae.decode(np.zeros([1, 2], np.float32))[0], shares, rtol=1e-5)
    counts = np.random.default_rng(0).multinomial(8, shares, size=30).astype(np.float32)
    # Dropout is of training alone.
    np.testing.assert_array_equal(vae.encode(counts), vae.encode(counts))
    vae.save(tmp_path / "vae.keras")
    loaded = tff.load(tmp_path / "vae.keras")
    np.testing.assert_array_equal(loaded.bound(counts, draws=3), vae.bound(counts, draws=3))


def test_perplexity_counts_documents_or_words():
    counts = np.array([[1, 1, 0], [4, 0, 4]])
    log_probs = np.log([0.5**2, 0.1**8])
    found = tff.models.perplexity(log_probs, counts)
    np.testing.assert_allclose(found, np.sqrt(2 * 10))
    found = tff.models.perplexity(log_probs, counts, by_word=True)
    np.testing.assert_allclose(found, (2**2 * 10**8) ** 0.1)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: tff.models.text_vae(5, dropout=1.0), "a share from 0 to below 1"),
        (lambda: tff.models.text_vae(5, totals=[1, 2]), r"5 counts .* got \(2,\)"),
        (lambda: tff.models.text_vae(5, posterior="ifa"), "did you mean 'iaf'"),
        (lambda: tff.models.perplexity([0.0], np.ones([2, 3])), r"got \(1,\) and \(2, 3\)"),
        (lambda: tff.models.perplexity([0.0], np.zeros([1, 3])), "Document 0 has no words"),
    ],
)
def test_what_will_not_do(act, message):
    with pytest.raises(tff.InputError, match=message):
        act()

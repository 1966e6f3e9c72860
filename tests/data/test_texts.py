"""Texts as counts: which words and documents count, and Python's own documentation."""

import numpy as np
import pytest

from tfp_flows.datasets import count_words, library_texts
from tfp_flows.errors import InputError

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


def documents(n=200, seed=0):
    """Each begins with "document"; later names are in fewer of them."""
    random = np.random.default_rng(seed)
    drawn = (random.choice(NAMES, 6, p=[0.5, 0.25, 0.15, 0.07, 0.03]) for _ in range(n))
    return ["Document x " + " ".join(names) for names in drawn]


def test_counts_are_those_of_the_documents():
    given = documents()
    found = count_words([*given, *given[:50]], words=3, common=0.99, shortest=2, seed=1)
    assert found.words == NAMES[:3]  # "document" is in all, "x" is no word
    every = np.concatenate(found[:3])
    told = {text.lower() for text in given}
    counted = np.array([[text.split().count(name) for name in NAMES[:3]] for text in told])
    counted = counted[counted.sum(1) >= 2]
    assert every.dtype == np.float32
    np.testing.assert_array_equal(sorted(every.tolist()), sorted(counted.tolist()))
    assert len(found.test) == pytest.approx(len(told) / 10, abs=3)
    again = count_words(given, words=3, common=0.99, shortest=2, seed=1)
    for part, same in zip(found[:3], again[:3], strict=True):
        np.testing.assert_array_equal(part, same)


def test_the_vocabulary_is_of_the_training_documents():
    given = [f"{name} same words here" for name in NAMES]
    found = count_words(given, common=1.0, shortest=3, fractions=(0.6, 0.2, 0.2))
    assert len(set(found.words) & set(NAMES)) == 3
    assert found.test.sum() == 3  # its own name is unknown


def test_the_documentation_of_python():
    found = library_texts(docstrings=False)
    assert found == library_texts(docstrings=False)
    assert len(found) > 1500
    assert any("assert" in text and "statement" in text for text in found)
    assert all(text.strip() for text in found)


@pytest.mark.deep
def test_docstrings_are_read_from_files():
    found = library_texts()
    assert len(found) > 10_000
    assert "Shuffle list x in place, and return None." in found


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("one text", {}, "a list of texts"),
        ([1, 2], {}, "a list of texts"),
        (documents(), {"common": 0}, "a share of the documents above 0"),
        (documents(), {"shortest": 50}, "No training document has 50 words of a vocabulary of"),
        (documents(), {"words": 0}, "at least 1"),
        (documents(5), {}, "too few to split"),
    ],
)
def test_what_will_not_do(given, options, message):
    with pytest.raises(InputError, match=message):
        count_words(given, **options)

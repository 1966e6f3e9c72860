"""Texts as counts of words, and a corpus that every Python has: its own documentation."""

import ast
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfp_flows.datasets._checks import checked_count
from tfp_flows.datasets.splits import split
from tfp_flows.errors import InputError

_WORD = re.compile(r"[^\W\d_]{2,}")
# Packages that are no part of the library, or that test it.
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo"}


class WordCounts(NamedTuple):
    """Documents as bags of words.

    Attributes:
        train: How often each word stands in each document, float32 ``[documents, words]``.
        validation: Likewise.
        test: Likewise.
        words: The vocabulary, most widespread first.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    words: tuple[str, ...]


def library_texts(*, docstrings: bool = True) -> list[str]:
    """Paragraphs of the documentation that comes inside Python, always in the same order.

    The language's reference as ``help()`` has it, and the docstrings of the library's modules,
    classes and functions, read from its files without importing them. Another version of Python
    has somewhat other texts.

    Args:
        docstrings: Whether docstrings are read too, which takes some seconds; the reference alone
            has about 2,600 paragraphs.
    """
    from pydoc_data.topics import topics

    texts = [topics[name] for name in sorted(topics)]
    if docstrings:
        root = Path(sysconfig.get_path("stdlib"))
        for path in sorted(root.rglob("*.py")):
            if not _LEFT_OUT & set(path.relative_to(root).parts):
                texts += _docstrings(path)
    return [part for text in texts for part in re.split(r"\n\s*\n", text) if part.strip()]


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # templates are no Python
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def count_words(
    documents: Sequence[str],
    *,
    words: int = 2000,
    common: float = 0.1,
    shortest: int = 10,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> WordCounts:
    """Splits documents into three parts, none in two of them, and counts their words.

    A word is two letters or more, in small letters. Documents of the same words in the same order
    count once. The vocabulary is that of the training documents alone: the words that most of them
    have, but for those that a large share has. What is not in it is not counted.

    Args:
        documents: Texts.
        words: Size of the vocabulary, at most.
        common: Words that more than this share of the training documents have are left out.
        shortest: Documents with fewer words of the vocabulary are left out.
        fractions: See `split`.
        seed: Of the shuffle.

    Raises:
        InputError: If an argument is out of range, or no words or documents are left.
    """
    checked_count(words)
    if isinstance(documents, str) or not all(isinstance(text, str) for text in documents):
        raise InputError("Documents are a list of texts, one string each.")
    if not 0 < common <= 1:
        raise InputError(f"common is {common!r}; give a share of the documents above 0.")
    told = list(dict.fromkeys(tuple(_WORD.findall(text.lower())) for text in documents))
    parts = split(np.arange(len(told)), fractions=fractions, seed=seed)
    having = Counter(word for place in parts.train for word in set(told[place]))
    most = common * len(parts.train)
    chosen = sorted((-n, word) for word, n in having.items() if n <= most)[:words]
    places = {word: place for place, (_, word) in enumerate(chosen)}
    counted = [_counts([told[i] for i in part], places, shortest) for part in parts]
    if not len(counted[0]):
        raise InputError(
            f"No training document has {shortest} words of a vocabulary of {len(places)}; give "
            "longer ones, more words, a larger common or a smaller shortest."
        )
    return WordCounts(*counted, tuple(places))


def _counts(texts: Sequence[tuple[str, ...]], places: dict[str, int], shortest: int) -> np.ndarray:
    rows = [[places[word] for word in text if word in places] for text in texts]
    rows = [row for row in rows if len(row) >= shortest]
    counts = np.zeros([len(rows), len(places)], np.float32)
    for own, row in zip(counts, rows, strict=True):
        np.add.at(own, row, 1)
    return counts

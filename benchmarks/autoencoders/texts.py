"""Autoencoders of words in the documentation that comes inside Python."""

from collections.abc import Iterator

import numpy as np

from benchmarks import reports
from benchmarks.autoencoders.fits import trained
from tfp_flows.datasets import WordCounts, count_words, library_texts
from tfp_flows.models import perplexity, text_vae

_WORDS, _DROPOUT, _WARM_UP, _REPEATS = 2000, 0.3, 500, 10


def each(
    record, posteriors: list[str], counts: WordCounts | None = None
) -> Iterator[dict[str, object]]:
    """Fits one model after the other, and puts into the record what it is.

    Args:
        record: With ``settings``; ``corpus``, ``unigram`` and ``models`` are added.
        posteriors: Of `text_vae`.
        counts: Of words in documents; by default of Python's documentation.
    """
    settings = record["settings"]
    counts = count_words(library_texts(), words=_WORDS) if counts is None else counts
    lengths = counts.test.sum(axis=1, dtype=float)
    record["corpus"] = {
        "documents": [len(part) for part in counts[:3]],
        "words": len(counts.words),
        "length": float(counts.train.sum(axis=1).mean()),
    }
    shares = (counts.train.sum(0, dtype=float) + 1) / (counts.train.sum() + len(counts.words))
    record["unigram"] = _judged(counts.test @ np.log(shares), counts.test, lengths)
    for posterior in posteriors:
        model = text_vae(
            len(counts.words),
            totals=counts.train.sum(0),
            posterior=posterior,
            dropout=_DROPOUT,
            warm_up=_WARM_UP,
            seed=settings["seed"],
        )
        minutes, seed = settings["minutes"], settings["seed"]
        about = trained(model, counts.train, counts.validation, minutes, seed)
        many = np.repeat(counts.test, _REPEATS, axis=0)
        elbo = model.predict(many, verbose=0).reshape(-1, _REPEATS).mean(axis=1)
        about["elbo"] = perplexity(elbo, counts.test)
        about |= _judged(model.bound(counts.test, draws=settings["draws"]), counts.test, lengths)
        about["kl"] = model.evaluate(counts.test, verbose=0)[2]
        about["active_units"] = int(model.active_units(counts.test).sum())
        record["models"][posterior] = about
        yield about


def _judged(bounds, counts, lengths) -> dict[str, object]:
    return {
        "perplexity": perplexity(bounds, counts),
        "by_word": perplexity(bounds, counts, by_word=True),
        "nats_a_word": (bounds / lengths).tolist(),
    }


def report(record) -> str:
    """The table, in Markdown."""
    corpus, settings = record["corpus"], record["settings"]
    header = ["posterior", "by the ELBO", "perplexity", "by word", "nats a word above the first"]
    header += ["above unigrams", "KL", "active", "epochs (best)", "parameters"]
    unigram, first = record["unigram"], None
    lines = [["unigrams", "", *_figures(unigram), "", "", "", "", "", ""]]
    base = np.array(unigram["nats_a_word"])
    for name, about in record["models"].items():
        own = np.array(about["nats_a_word"])
        first = own if first is None else first
        gain = "" if own is first else _difference(own - first)
        figures = [f"{about['elbo']:.0f}", *_figures(about), gain, _difference(own - base)]
        figures += [f"{about['kl']:.2f}", str(about["active_units"])]
        figures += [f"{about['epochs']} ({about['best_epoch']})", f"{about['parameters']:,}"]
        lines.append([name, *figures])
    train, validation, test = corpus["documents"]
    machine = record["machine"]
    return "\n".join(
        [
            *reports.pipes(header, lines),
            "",
            f"Paragraphs of Python's own documentation: {train:,} to train on, {validation:,} to "
            f"choose the epoch, {test:,} to judge; {corpus['words']:,} words, those of more than a "
            f"tenth of the paragraphs left out; {corpus['length']:.1f} words each. Perplexity "
            "exp(-mean over documents of bound / words), by importance-weighted bounds of "
            f"{settings['draws']:,} draws; by the ELBO, by {_REPEATS} draws of one; by word, "
            "exp(-sum of bounds / sum of words). Differences document by document, ± 2 standard "
            f"errors. {settings['minutes']:g} minutes a model, compilation included, seed "
            f"{settings['seed']}. {machine['processor']}, Python {machine['python']}.",
            "",
        ]
    )


def _figures(about) -> list[str]:
    return [f"{about['perplexity']:.0f}", f"{about['by_word']:.0f}"]


def _difference(values) -> str:
    error = 2 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.3f} ± {error:.3f}"

"""What a figure shows, as text and numbers that can be compared with those of a later drawing.

Pixels cannot serve: another version of matplotlib or FreeType moves labels by a pixel and smooths
edges otherwise, which is why matplotlib itself pins FreeType for its image tests. Nor can a hash
of the drawn numbers: processors round their last digits differently. So each drawn thing is
recorded with its words and colours, compared exactly, and a few weighted sums of its numbers,
compared within a tolerance.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUMS = 4
_DIGITS = 6

Record = list[dict[str, Any]]


def record(figure: "Figure") -> Record:
    """Lists what a figure shows: one entry a drawn thing, ready for JSON.

    Ticks are left out, because matplotlib chooses them.
    """
    size = figure.get_size_inches()
    entries = [_entry("figure", figure.get_suptitle(), size, [])]
    for axes in figure.axes:
        entries.extend(_entry(*parts) for parts in _things(axes))
    return entries


def difference(old: Record, new: Record, tolerance: float) -> str | None:
    """Says where two records differ first.

    Args:
        old: One record.
        new: Another one.
        tolerance: How far numbers may be apart, relative to the spread of what they sum up.

    Returns:
        One phrase, or None where they agree.
    """
    if len(old) != len(new):
        return f"it showed {len(old)} things and now shows {len(new)}"
    for before, after in zip(old, new, strict=True):
        if before["what"] != after["what"]:
            return f"{before['what']!r} is now {after['what']!r}"
        if len(before["numbers"]) != len(after["numbers"]):
            return f"{before['what']!r} has another number of points"
        for one, other in zip(before["numbers"], after["numbers"], strict=True):
            if not _close(one, other, tolerance):
                return f"{before['what']!r} has other numbers"
    return None


def _close(one: list[float], other: list[float], tolerance: float) -> bool:
    """Compares two summaries ``[count, mean, spread, sums...]``."""
    one, other = np.asarray(one), np.asarray(other)
    # Constant arrays have no spread: there, the size of the number itself is the measure.
    scale = max(one[2], other[2], 1e-3 * abs(one[1]), 1e-6)
    return one[0] == other[0] and bool(np.all(np.abs(one[1:] - other[1:]) <= tolerance * scale))


def _entry(kind: str, words: str, numbers: Any, colours: Any) -> dict[str, Any]:
    from matplotlib.colors import to_hex

    tints = [to_hex(colour, keep_alpha=True) for colour in colours]
    what = " ".join(part for part in (kind, words, *sorted(set(tints))) if part)
    columns = np.atleast_2d(np.ma.filled(np.ma.asarray(numbers, np.float64), np.nan).T)
    return {"what": what, "numbers": [_summary(column) for column in columns.reshape(-1, 1).T]}


def _summary(values: np.ndarray) -> list[float]:
    """Count, mean, spread, and sums with fixed weights, which see where a value stands."""
    finite = np.isfinite(values)
    values = np.where(finite, values, 0.0)
    weights = np.cos(np.outer(np.arange(1, _SUMS + 1), np.arange(values.size)) * np.sqrt(2))
    numbers = [values.mean(), values.std(), *(weights @ values / np.sqrt(values.size))]
    return [int(finite.sum()), *(float(f"{number:.{_DIGITS}g}") for number in numbers)]


def _things(axes) -> Iterator[tuple]:
    words = " | ".join((axes.get_title(), axes.get_xlabel(), axes.get_ylabel()))
    yield "axes", words, [*axes.get_xlim(), *axes.get_ylim()], []
    for line in axes.lines:
        yield f"line {line.get_linestyle()}", "", line.get_xydata(), [line.get_color()]
    for patch in axes.patches:
        path = patch.get_path().transformed(patch.get_patch_transform())
        yield "patch", "", path.vertices, [patch.get_facecolor(), patch.get_edgecolor()]
    for collection in axes.collections:
        yield from _collection(collection)
    for image in axes.images:
        yield "image", image.get_cmap().name, image.get_array(), []
    for text in axes.texts:
        place = np.concatenate([text.get_position(), getattr(text, "xy", ())])
        yield "text", text.get_text(), place, [text.get_color()]


def _collection(collection) -> Iterator[tuple]:
    kind, values = type(collection).__name__, collection.get_array()
    if values is not None:
        yield kind, collection.get_cmap().name, values, []
        return
    colours = [*collection.get_facecolor(), *collection.get_edgecolor()]
    offsets = collection.get_offsets()
    if len(offsets) > 1:
        yield kind, "", offsets, colours
        return
    vertices = [path.vertices for path in collection.get_paths()]
    yield kind, "", np.concatenate(vertices) if vertices else [], colours

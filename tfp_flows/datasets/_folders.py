"""A folder of pictures as people have them: which files are read, and what is to be said."""

import collections
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tfp_flows.datasets._pictures import SUFFIXES, Facts, facts_of
from tfp_flows.errors import InputError

_SHOWN = 3


class Found(NamedTuple):
    """The pictures of a folder.

    Attributes:
        files: Paths of all pictures, in order.
        facts: What is known of those that can be opened.
        skipped: By name, why others cannot be.
        remarks: What was left out, a sentence each.
    """

    files: list[Path]
    facts: dict[Path, Facts]
    skipped: dict[str, str]
    remarks: list[str]


def find_pictures(source: Path) -> Found:
    """Looks for pictures in a folder, at any depth, through links, or takes one file.

    Raises:
        InputError: If there are none, or the one cannot be read.
    """
    if source.is_file():
        return Found([source], {source: facts_of(source)}, {}, [])
    files, others, hidden, skipped = [], [], [], {}
    for file in _files_below(source, skipped):
        name = file.relative_to(source)
        picture = file.suffix.lower() in SUFFIXES
        if any(part.startswith(".") or part == "__MACOSX" for part in name.parts):
            hidden.extend([name] if picture else [])
        else:
            (files if picture else others).append(file if picture else name)
    remarks = []
    if others:
        kinds = collections.Counter(name.suffix.lower() or "without suffix" for name in others)
        counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(5))
        more = " and others" if len(kinds) > 5 else ""
        remarks.append(f"Left out as no pictures known here: {counts}{more} ({_shown(others)}).")
    if hidden:
        remarks.append(f"Left out as hidden, {len(hidden):,} in all: {_shown(hidden)}.")
    if not files:
        raise InputError(
            f"{source} holds no pictures ({', '.join(SUFFIXES)}); give a folder of them."
            + "".join(f" {remark}" for remark in remarks)
        )
    facts = {}
    for file in files:
        try:
            if not file.is_file():
                raise InputError(f"Cannot read {file}: it is no file, or a link to none.")
            facts[file] = facts_of(file)
        except InputError as error:
            skipped[name_in(source, file)] = str(error)
    return Found(files, facts, skipped, remarks)


def name_in(folder: Path, file: Path) -> str:
    """The name of a file in a folder, with its subfolders, as text that can be written."""
    name = file.name if folder == file else file.relative_to(folder).as_posix()
    return os.fsencode(name).decode("utf-8", "replace")


def remarks_on(facts: Iterable[Facts], *, size: int | None, channels: int, background: str):
    """What is done to pictures and could have been meant otherwise, a sentence each."""
    facts = list(facts)
    few = 0 if size is None else size
    of_colour = channels == 3 and not all(fact.grey for fact in facts)
    kinds = {
        "Grey, and read as colours, {}; grey=True (--grey) turns all to grey.": [
            of_colour and fact.grey for fact in facts
        ],
        f"Perhaps transparent, {{}}; {background} is laid behind, background= (--background) "
        "chooses another colour.": [fact.transparent for fact in facts],
        "Of more than 8 bits, of which the upper 8 are kept, {}.": [fact.deep for fact in facts],
        "Of several frames, of which the first is taken, {}.": [fact.moving for fact in facts],
        f"Smaller than {size}, and enlarged, {{}}.": [
            min(fact.height, fact.width) < few for fact in facts
        ],
    }
    return [
        text.format(f"{sum(found):,} of {len(facts):,} pictures")
        for text, found in kinds.items()
        if any(found)
    ]


def _files_below(folder: Path, skipped: dict[str, str]) -> list[Path]:
    """All files below a folder, through links, each folder once."""

    def note(error: OSError) -> None:
        skipped[name_in(folder, Path(error.filename))] = (
            f"Cannot open the folder {error.filename}: {error.strerror}."
        )

    seen, files = set(), []
    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        files.extend(Path(place, name) for name in names)
    return sorted(files)


def _shown(names: list[Path]) -> str:
    texts = [os.fsencode(name).decode("utf-8", "replace") for name in names[:_SHOWN]]
    return ", ".join(texts) + (", ..." if len(names) > _SHOWN else "")

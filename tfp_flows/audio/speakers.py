"""Who speaks, as names of files and folders tell it."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from tfp_flows.audio.clips import Clip

_BETWEEN = re.compile(r"[\s_\-]+")


def speakers_of(clips: Iterable[Clip]) -> list[Clip]:
    """The clips with their speakers, by sub-folders or by the names of files.

    Where all recordings lie in sub-folders, the highest ones whose names differ are the speakers:
    ``anna`` of ``corpus/anna/3.wav``. Otherwise a name is taken apart at underscores, dashes and
    blanks, and its first part with a letter is the speaker: ``p225`` of ``p225_003.wav``,
    ``jackson`` of ``7_jackson_32.wav``.

    Args:
        clips: Named by their paths within the source.
    """
    clips = list(clips)
    folders = [PurePosixPath(clip.name).parts[:-1] for clip in clips]
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            return [dataclasses.replace(c, speaker=s) for c, s in zip(clips, level, strict=True)]
    return [dataclasses.replace(clip, speaker=_of_name(clip.name)) for clip in clips]


def _of_name(name: str) -> str | None:
    parts = _BETWEEN.split(PurePosixPath(name).stem)
    return next((part for part in parts if any(map(str.isalpha, part))), None)

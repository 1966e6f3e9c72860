"""Recordings in memory, and those of an .npz file of clips laid end to end."""

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

from tfp_flows.errors import InputError


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording.

    Attributes:
        name: Of its file, or its place.
        samples: ``[T]`` float32 in [-1, 1).
        rate: Samples a second.
        channels: Channels that were mixed to one.
        speaker: Who speaks, where that is known.
    """

    name: str
    samples: np.ndarray
    rate: int
    channels: int = 1
    speaker: str | None = None


@dataclasses.dataclass
class Clips:
    """Recordings of one rate.

    Attributes:
        rate: Samples a second.
        train: Clips to train on; all there are, where the source has no parts of its own.
        test: Clips held out by the source itself; None if it holds out none.
        skipped: By name, why others were left out.
        remarks: What was done and could have been meant otherwise, a sentence each.
    """

    rate: int
    train: list[Clip]
    test: list[Clip] | None
    skipped: dict[str, str]
    remarks: list[str]


def clips_of_arrays(path: Path) -> dict[str, list[Clip]]:
    """The clips of an .npz file, by part; see `tfp_flows.audio.read_clips`.

    Raises:
        InputError: If it is none, or lacks an array.
    """
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"Cannot read {path}: {error}.") from error
    needed = ("train_audio", "train_offsets", "sample_rate")
    if lacking := [name for name in needed if name not in arrays]:
        raise InputError(
            f"{path} holds no {', '.join(lacking)}; clips in an .npz file are train_audio "
            "(integers of 16 bits, end to end), train_offsets and sample_rate."
        )
    parts, rate = {}, int(arrays["sample_rate"])
    for part in ("train", "test"):
        if f"{part}_audio" not in arrays:
            continue
        audio, offsets = arrays[f"{part}_audio"], arrays.get(f"{part}_offsets")
        if audio.dtype != np.int16 or audio.ndim != 1:
            raise InputError(
                f"{part}_audio of {path} is {audio.dtype} of shape {audio.shape}; give one row of "
                "integers of 16 bits."
            )
        if offsets is None or offsets.ndim != 1 or offsets.dtype.kind not in "iu":
            raise InputError(f"{part}_offsets of {path} are no row of whole numbers.")
        if (np.diff(offsets.astype(np.int64)) < 0).any() or offsets[-1] > len(audio):
            raise InputError(f"{part}_offsets of {path} do not rise, or pass the end of the audio.")
        speakers = _speakers(path, arrays, part, len(offsets) - 1)
        parts[part] = [
            Clip(f"{part} {i}", audio[begin:end].astype(np.float32) / 2**15, rate, speaker=speaker)
            for i, (begin, end, speaker) in enumerate(
                zip(offsets, offsets[1:], speakers, strict=False)
            )
        ]
    return parts


def _speakers(path: Path, arrays, part: str, count: int) -> list[str | None]:
    """Names of the speakers of a part's clips, as the file tells them; None where it does not."""
    found = arrays.get(f"{part}_speaker")
    if found is None:
        return [None] * count
    names = arrays.get("speakers")
    if found.shape != (count,):
        raise InputError(
            f"{part}_speaker of {path} has shape {found.shape}; give one entry for each of the "
            f"{count:,} clips."
        )
    if found.dtype.kind in "iu" and names is not None:
        if len(found) and not 0 <= found.min() <= found.max() < len(names):
            raise InputError(
                f"{part}_speaker of {path} reaches from {found.min()} to {found.max()}; give "
                f"places in speakers, which has {len(names)}."
            )
        found = names[found]
    return [str(name) for name in found]

"""Recordings from files: one, a folder, a zip of them, or an .npz of clips laid end to end."""

import dataclasses
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import numpy as np

from tfp_flows.audio.clips import Clip, Clips, clips_of_arrays
from tfp_flows.audio.speakers import speakers_of
from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

SUFFIXES = (".wav", ".flac", ".ogg")
# A share of samples at the ends of the range above which a recording counts as clipped.
_CLIPPED = 1e-3
# The largest number below 1 of 16 bits.
HIGHEST = 1 - 2.0**-15


def read_clips(
    source: str | os.PathLike[str], *, rate: int | None = None, shortest: int = 1
) -> Clips:
    """Reads all recordings of a source.

    Channels are mixed to one. Recordings of another rate than most, or than ``rate``, are
    resampled (polyphase). All are rounded to 16 bits.

    Args:
        source: A recording, a folder of .wav, .flac or .ogg files at any depth, a .zip of them, or
            an .npz file with ``train_audio`` (integers of 16 bits, all clips end to end),
            ``train_offsets`` and ``sample_rate``, and perhaps ``test_audio`` and ``test_offsets``;
            and, to tell who speaks, ``train_speaker`` and ``test_speaker`` (places in
            ``speakers``, or names). Of files, `speakers_of` says who speaks.
        rate: Samples a second; by default that of most recordings.
        shortest: Fewest samples of a clip; shorter ones are left out.

    Raises:
        InputError: If there is nothing that can be read.
    """
    path, skipped = Path(source), {}
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    if path.suffix.lower() == ".npz":
        parts = clips_of_arrays(path)
    else:
        parts = {"train": speakers_of(_readable(path, skipped))}
    found = [clip for clips in parts.values() for clip in clips]
    if not found:
        raise InputError(
            f"{path} holds no recordings that can be read ({', '.join(SUFFIXES)})."
            + "".join(f" {reason}" for reason in list(skipped.values())[:3])
        )
    rates = [clip.rate for clip in found]
    rate = max(sorted(set(rates)), key=rates.count) if rate is None else rate
    remarks = []
    if mixed := sum(clip.channels > 1 for clip in found):
        remarks.append(f"Several channels, mixed to one: {mixed:,} of {len(found):,} recordings.")
    if others := sum(other != rate for other in rates):
        remarks.append(f"Resampled to {rate} Hz: {others:,} of {len(rates):,} recordings.")
    good = {
        name: [clip for each in clips if (clip := _checked(each, rate, shortest, skipped))]
        for name, clips in parts.items()
    }
    if not good["train"]:
        raise InputError(
            f"{path} holds no recordings that can be used: " + " ".join(list(skipped.values())[:3])
        )
    clipped = [clip.name for clips in good.values() for clip in clips if _is_clipped(clip.samples)]
    if clipped:
        remarks.append(f"Clipped, and read as they are: {len(clipped):,} ({_shown(clipped)}).")
    return Clips(rate, good["train"], good.get("test"), skipped, remarks)


def read_clip(
    path: str | os.PathLike[str], rate: int | None = None, shortest: int = 1
) -> tuple[Clip, list[str]]:
    """Reads one recording, and what there is to say about it; arguments as of `read_clips`.

    Raises:
        InputError: If it cannot be read.
    """
    found = read_clips(path, rate=rate, shortest=shortest)
    if len(found.train) != 1 or found.test:
        raise InputError(f"{path} holds {len(found.train)} recordings; give one.")
    return found.train[0], found.remarks


def write_clip(path: str | os.PathLike[str], samples: np.ndarray, rate: int) -> Path:
    """Writes a recording of 16 bits, as a whole or not at all.

    Args:
        path: File to write; its suffix says the format: .wav, .flac or .ogg.
        samples: ``[T]``; what lies outside of [-1, 1) is clipped.
        rate: Samples a second.

    Raises:
        InputError: If the suffix is another one.
    """
    path = check_sound(path)
    kind = path.suffix.lower().lstrip(".")
    options = {"subtype": "VORBIS" if kind == "ogg" else "PCM_16", "format": kind.upper()}
    with atomic_path(path) as temporary:
        soundfile().write(temporary, np.clip(samples, -1, HIGHEST), rate, **options)
    return path


def check_sound(path: str | os.PathLike[str]) -> Path:
    """Checks that a path names a recording that can be written.

    Raises:
        InputError: If its suffix is another one.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"Cannot write {path}: its suffix is {path.suffix!r}; use one of {', '.join(SUFFIXES)}."
        )
    return path


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A recording at another rate, ``[T * wanted / rate]`` rounded up, by a polyphase filter."""
    if rate == wanted:
        return samples
    try:
        from scipy.signal import resample_poly
    except ImportError:
        raise _missing("scipy", f"Resampling from {rate} to {wanted} Hz") from None
    shared = int(np.gcd(rate, wanted))
    changed = resample_poly(samples.astype(np.float64), wanted // shared, rate // shared)
    return np.clip(changed, -1, HIGHEST).astype(np.float32)


def soundfile() -> ModuleType:
    """The package that reads and writes recordings.

    Raises:
        InputError: If it is missing.
    """
    try:
        import soundfile as package
    except (ImportError, OSError):  # the latter without its library
        raise _missing("soundfile", "Reading and writing recordings") from None
    return package


def _missing(package: str, what: str) -> InputError:
    return InputError(f'{what} needs {package}, which is missing: pip install "tfp-flows[audio]".')


def _readable(path: Path, skipped: dict[str, str]) -> Iterator[Clip]:
    for name, file in _named(path):
        try:
            yield Clip(name, *_samples(file, name))
        except InputError as error:
            skipped[name] = str(error)


def _named(path: Path) -> Iterator[tuple[str, Path | BinaryIO]]:
    """Names and files of all recordings, in the order of names."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path)
            hidden = any(part.startswith(".") for part in name.parts)
            if file.suffix.lower() in SUFFIXES and not hidden:
                yield name.as_posix(), file
    elif path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    known = Path(name).suffix.lower() in SUFFIXES
                    if known and not name.startswith("__MACOSX"):
                        yield name, io.BytesIO(archive.read(name))
        except zipfile.BadZipFile as error:
            raise InputError(f"Cannot read {path}: {error}.") from error
    else:
        yield path.name, path


def _samples(file, name: str) -> tuple[np.ndarray, int, int]:
    package = soundfile()
    try:
        samples, rate = package.read(file, dtype="float32", always_2d=True)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"Cannot read {name}: {reason}.") from error
    return samples.mean(axis=1), int(rate), samples.shape[1]


def _checked(clip: Clip, rate: int, shortest: int, skipped: dict[str, str]) -> Clip | None:
    samples = resampled(clip.samples, clip.rate, rate)
    if not np.isfinite(samples).all():
        reason = "holds numbers that are not finite"
    elif len(samples) < shortest:
        reason = f"has {len(samples):,} samples at {rate} Hz, fewer than {shortest:,}"
    elif samples.min() == samples.max():
        reason = "is silent: all samples are the same"
    else:
        # To 16 bits, as what is resampled, mixed or finer is not.
        whole = np.clip(np.round(samples * 2**15) / 2**15, -1, HIGHEST)
        return dataclasses.replace(clip, samples=whole.astype(np.float32), rate=rate)
    skipped[clip.name] = f"{clip.name} {reason}."
    return None


def _is_clipped(samples: np.ndarray) -> bool:
    return bool((np.abs(samples) >= HIGHEST).mean() > _CLIPPED)


def _shown(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")

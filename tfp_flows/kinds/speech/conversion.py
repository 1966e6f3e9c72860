"""The verb that turns one voice into another."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.kinds.speech.records import mel_settings, one_clip
from tfp_flows.kinds.speech.settings import given_speakers
from tfp_flows.options import OUTPUT, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Options of `convert`."""

    clip: Path = option(argument=True, metavar="CLIP", help="A recording of one speaker.")
    to: str = option(metavar="SPEAKER", help="Who is to speak, a speaker of the fit.")
    source: str | None = option(
        None,
        names=("--from",),
        metavar="SPEAKER",
        shown="as its name says, or the likeliest",
        help="Who speaks in it.",
    )
    output: Path = option(**OUTPUT, help="Recording to write: .wav, .flac or .ogg.")


def convert(run: Run, options: ConvertOptions) -> None:
    """Turn the voice of a recording into that of another speaker of the fit (blow).

    The recording goes to the latent as what its own speaker says, and back as the other one's.
    """
    from tfp_flows.audio.files import check_sound

    check_sound(options.output)
    names = speakers(run)
    target = place_of(names, options.to)
    source = None if options.source is None else place_of(names, options.source)
    settings = mel_settings(run)
    from tfp_flows import audio

    clip, flow = one_clip(options.clip, settings), run.model.flow
    if source is None and clip.speaker in names:
        source = names.index(clip.speaker)
    elif source is None:
        source = int(audio.speaker_scores(flow, clip.samples).argmax())
        note(f"{names[source]} is the likeliest speaker of {options.clip}; --from sets another.")
    made = audio.convert(flow, clip.samples, source, target)
    audio.write_clip(options.output, made, settings.rate)


def speakers(run: Run) -> list[str]:
    """Names of the speakers of a run.

    Raises:
        InputError: If its flow is not given who speaks, or the record is damaged.
    """
    if not given_speakers(run.settings.flow):
        raise InputError(
            f"{run.path} is of {run.settings.flow}, which knows no speakers; fit with --flow blow."
        )
    names = run.metrics["data"].get("speakers")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"The record of {run.path} is damaged: it names no speakers.")
    return names


def place_of(names: Sequence[str], name: str | None) -> int:
    """Place of a speaker.

    Raises:
        InputError: If no name is known, or there is none of that name; the nearest is suggested.
    """
    if name is None:
        raise InputError("Nothing says who speaks; give --speaker.")
    if name not in names:
        raise unknown_name("speaker", name, names)
    return names.index(name)


CONVERT = Verb(convert, ConvertOptions, "tfp-flows convert run clip.wav --to anna -o out.wav")

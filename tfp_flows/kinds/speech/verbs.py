"""What a flow of recordings is for: recordings from spectrograms, and scores."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.kinds.speech.conversion import place_of, speakers
from tfp_flows.kinds.speech.records import mel_settings, one_clip
from tfp_flows.kinds.speech.settings import SpeechSettings, given_speakers
from tfp_flows.options import OUTPUT, TABLES, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    like: Path = option(
        metavar="CLIP",
        help="Recording whose spectrogram is spoken, or a spectrogram of tfp_flows.audio.save_mel.",
    )
    output: Path = option(**OUTPUT, help="Recording to write: .wav, .flac or .ogg.")
    seed: int = again(SpeechSettings, "seed")
    temperature: float = option(1.0, min=0.0, help="Factor on the spread of the latents.")
    denoise: float = option(
        0.0,
        metavar="[STRENGTH]",
        min=0.0,
        bare=1.0,
        help="How much of the flow's bias, what it says to silence, is taken away: all of it, or "
        "STRENGTH times as much.",
    )
    latents_of: Path | None = option(
        None,
        metavar="OTHER",
        shown="drawn at random",
        help="Recording whose latents are used: what the spectrogram of it does not tell, its "
        "style, goes to that of CLIP.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(
        argument=True, metavar="DATA", help="Recordings, as fit takes them, or one recording."
    )
    output: Path = option(**OUTPUT, help=TABLES)
    speaker: str | None = option(
        None,
        metavar="SPEAKER",
        shown="as names say",
        help="Who speaks in all of them, for a flow that is given who speaks.",
    )
    seed: int = again(SpeechSettings, "seed", help="Seed of the noise of dequantisation.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CleanOptions:
    """Options of `clean`."""

    noisy: Path = option(argument=True, metavar="NOISY", help="A recording with white noise.")
    output: Path = option(**OUTPUT, help="Recording to write: .wav, .flac or .ogg.")
    noise: float | None = option(
        None,
        metavar="DEVIATION",
        min=1e-6,
        shown="that of the quietest frames",
        help="Deviation of the noise, where the range of samples is -1 to 1.",
    )
    steps: int = option(60, metavar="N", min=1, help="Steps of the search.")


def sample(run: Run, options: SampleOptions) -> None:
    """Make a recording from the spectrogram of another one (copy-synthesis)."""
    from tfp_flows.audio.files import check_sound

    check_sound(options.output)
    _given_spectrograms(run)
    if not options.like.is_file():
        raise InputError(f"There is no file {options.like}.")
    settings = mel_settings(run)
    from tfp_flows.audio import BiasRemover, Framed, carry_latents, load_mel, write_clip

    if options.like.suffix.lower() == ".npz":
        mel, theirs = load_mel(options.like)
        settings.check_same(theirs, str(options.like))
    else:
        mel = Framed.of(one_clip(options.like, settings).samples, settings).mel
    flow, temperature = run.model.flow, options.temperature
    if options.latents_of is None:
        made = flow.sample(context=mel[None], seed=options.seed, temperature=temperature)
        samples = made[0, :, 0].numpy()
    else:
        style = one_clip(options.latents_of, settings).samples
        samples = carry_latents(flow, style, mel, settings, temperature)
    if options.denoise:
        samples = BiasRemover(flow, settings)(samples, options.denoise)
    write_clip(options.output, samples, settings.rate)


def clean(run: Run, options: CleanOptions) -> None:
    """Take white noise from a recording, by the flow as prior.

    The likeliest recording under flow and noise is sought, from a Wiener filter's estimate on.
    """
    from tfp_flows.audio.files import check_sound

    check_sound(options.output)
    _given_spectrograms(run)
    settings = mel_settings(run)
    from tfp_flows import audio

    samples = one_clip(options.noisy, settings).samples
    level = options.noise or audio.noise_level(samples, settings)
    if not level > 0:
        raise InputError(
            f"{options.noisy} has frames without noise, so its level is not found; give --noise."
        )
    if options.noise is None:
        note(f"noise of deviation {level:.2g} is taken away; --noise sets another.")
    cleaned = audio.clean(run.model.flow, samples, settings, noise=level, steps=options.steps)
    audio.write_clip(options.output, cleaned, settings.rate)


def score(run: Run, options: ScoreOptions) -> None:
    """Write the nats and bits a sample of each recording given its spectrogram, with its name.

    Blow is given who speaks instead, as the names say. Nats are of the density over [-1, 1), bits
    of samples of 16 bits with uniform noise, on average an upper bound on those of the samples.
    What cannot be read is named and left out.
    """
    from tfp_flows import datasets

    datasets.check_output(options.output)
    settings = mel_settings(run)
    if options.speaker is not None:
        place_of(speakers(run), options.speaker)
    from tfp_flows.audio import Framed, Spoken, read_clips

    clips = read_clips(options.data, rate=settings.rate, shortest=settings.window)
    from tfp_flows.kinds.speech.scoring import nats_a_sample
    from tfp_flows.kinds.speech.source import skipped_remarks
    from tfp_flows.kinds.speech.work import bits

    for remark in [*clips.remarks, *skipped_remarks(clips.skipped)]:
        note(remark)
    every = [*clips.train, *(clips.test or ())]
    if given_speakers(run.settings.flow):
        names = speakers(run)
        who = [place_of(names, options.speaker or clip.speaker) for clip in every]
        conditioned: list[Framed | Spoken] = [
            Spoken.of(clip.samples, place, len(names), settings.hop)
            for clip, place in zip(every, who, strict=True)
        ]
    else:
        conditioned = [Framed.of(clip.samples, settings) for clip in every]
    nats = nats_a_sample(run.model.flow, conditioned, options.seed)
    import numpy as np

    datasets.save_table(
        options.output,
        np.stack([nats, bits(nats)], axis=1),
        ["nats_a_sample", "bits_a_sample"],
        labels=[clip.name for clip in every],
        label_column="clip",
    )


def _given_spectrograms(run: Run) -> None:
    """Refuses a run whose flow is given something else."""
    if given_speakers(run.settings.flow):
        raise InputError(
            f"{run.path} is of {run.settings.flow}, which is given no spectrogram but who speaks; "
            "convert is what it is for."
        )


SAMPLE = Verb(sample, SampleOptions, "tfp-flows sample run --like clip.wav -o out.wav")
CLEAN = Verb(clean, CleanOptions, "tfp-flows clean run noisy.wav -o out.wav")
SCORE = Verb(score, ScoreOptions, "tfp-flows score run recordings -o scores.csv")

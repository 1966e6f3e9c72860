"""The command: ``python -m benchmarks.speech``."""

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import reports
from benchmarks.command import Command
from benchmarks.speech import report
from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, result_console

TEMPERATURE, STRENGTH = 0.6, 1.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class _Speech(Command):
    lists = ()
    interrupted = "Interrupted; what was done is in --out."


@app.command(cls=_Speech, epilog="Example: python -m benchmarks.speech --data recordings")
def main(
    data: Annotated[
        Path | None, typer.Option(help="Recordings, as tfp-flows fit takes them.")
    ] = None,
    run: Annotated[
        Path, typer.Option(help="Folder of the fit, which is begun if it is not there.")
    ] = Path("runs/speech"),
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time.")] = 30.0,
    convert: Annotated[
        bool,
        typer.Option(
            "--convert", help="Fit Blow instead, to an .npz file with speakers and digits."
        ),
    ] = False,
    music: Annotated[
        bool,
        typer.Option("--music", help="Fit to chords of plucked strings, drawn beside --run."),
    ] = False,
    measured: Annotated[bool, typer.Option(help="Whether recordings are made, and judged.")] = True,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/speech.json"),
) -> None:
    """Fit WaveGlow to recordings; report nats a sample beside simpler densities.

    And what is made from held-out spectrograms beside Griffin-Lim and shaped noise. With --convert,
    in how many held-out clips that Blow converts the other speaker is heard, and the digit kept.
    """
    reports.prepare(out)
    if (data is None) != music:
        raise InputError("Give what to fit to by --data, or --music, which draws it.")
    if measured and not convert:
        _need_listeners()
    if data is None:
        from benchmarks.speech.music import draw

        data = run.parent / "music.npz"
        draw(data)
    import_tensorflow()
    import tfp_flows as tff
    from tfp_flows import kinds
    from tfp_flows.runs.devices import Devices
    from tfp_flows.runs.engine import fit

    if not run.exists():
        kind = kinds.get("speech")
        flow = "blow" if convert else "waveglow"
        fit(kind, kind.settings(data=str(data), flow=flow, minutes=minutes).check(), Devices(run))
    opened = tff.open_run(run)
    if convert:
        record, table = conversion(opened, data), report.converted
    else:
        source = opened.source()
        record, table = measure(opened, source), report.markdown
        if measured:
            record["vocoders"] = vocoders(opened.model.flow, source)
    record["machine"] = reports.machine()
    reports.write(out, record, table(record))
    console = result_console()
    console.print(table(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)


def _need_listeners() -> None:
    """Raises an `InputError` if the measures of recordings are not installed."""
    missing = [name for name in ("pesq", "pystoi") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"Recordings are judged by {' and '.join(missing)}; pip install "
            '"tfp-flows[bench]", or leave that out with --no-measured.'
        )


def measure(opened: Any, source: Any) -> dict[str, Any]:
    """Nats a sample of the run of WaveGlow and of the baselines, on the same clips."""
    from benchmarks.speech.baselines import baselines

    test = opened.metrics["test"]
    densities = baselines(source.train, source.test, source.mel)
    figure = test["headline"]
    densities["WaveGlow"] = {"nats": figure["value"], "standard_error": figure["standard_error"]}
    if "with_another_mel" in test:
        other = {"nats": test["with_another_mel"], "standard_error": None}
        densities["WaveGlow, another clip's mel"] = other
    return {"densities": densities, "run": _about(opened)}


def conversion(opened: Any, data: Path) -> dict[str, Any]:
    """Speakers and digits that are heard in converted clips, by Blow and by simpler ways."""
    from benchmarks.speech.conversion import by_average_spectrum, clips_of, judge, unchanged
    from tfp_flows.audio import convert

    train, test, rate, names = clips_of(data)
    flow, known = opened.model.flow, opened.metrics["data"]["speakers"]
    place = [known.index(name) for name in names]

    def blow(samples, source, targets):
        return convert(flow, samples, place[source], [place[target] for target in targets])

    ways = {
        "not converted": unchanged,
        "filtered to the average spectrum": by_average_spectrum(train, len(names)),
        "Blow": blow,
    }
    pairs = zip(test.samples, test.speakers, strict=True)
    own = max(float(np.abs(blow(clip, who, [who])[0] - clip).max()) for clip, who in pairs)
    judged = judge(ways, train, test, rate, len(names))
    return {"converted": judged, "to_oneself": own, "run": _about(opened)}


def _about(opened: Any) -> dict[str, Any]:
    training = opened.metrics["training"]
    return {
        "clips": opened.metrics["data"]["clips"],
        "parameters": opened.metrics["flow"]["trainable_parameters"],
        "epochs": training["epochs"],
        "seconds": training["seconds"],
        "nats": opened.metrics["test"]["headline"],
    }


def vocoders(flow: Any, source: Any) -> dict[str, dict[str, float]]:
    """Measures of recordings from held-out spectrograms, means over the clips."""
    from benchmarks.speech.vocoders import griffin_lim, measures, shaped_noise, tones
    from tfp_flows.audio import BiasRemover

    mel, remove = source.mel, BiasRemover(flow, source.mel)
    squeeze = flow.bijector.latent_shape[-1]

    def waveglow(clip):
        made = flow.sample(context=clip.mel[None], seed=0, temperature=TEMPERATURE)
        return made[0, :, 0].numpy()

    ways = {
        f"WaveGlow, temperature {TEMPERATURE}": waveglow,
        "the same without its bias": lambda clip: remove(waveglow(clip), STRENGTH),
        "Griffin-Lim, 100 iterations": lambda clip: griffin_lim(clip.mel, mel),
        "noise, shaped by the bands": lambda clip: shaped_noise(clip.mel, mel),
    }
    results = {}
    for name, way in ways.items():
        made = [way(clip) for clip in source.test]
        each = [measures(m, clip, mel) for m, clip in zip(made, source.test, strict=True)]
        results[name] = {key: float(np.mean([e[key] for e in each])) for key in each[0]}
        if "WaveGlow" in name or "same" in name:
            results[name]["tones"] = tones(np.concatenate(made), mel.rate, squeeze)
    return results


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.speech")

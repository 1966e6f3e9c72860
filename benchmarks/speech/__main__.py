"""The command: ``python -m benchmarks.speech``."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import reports
from benchmarks.command import Command
from benchmarks.speech import report
from tfp_flows.terminal import import_tensorflow, result_console

TEMPERATURE, STRENGTH = 0.6, 1.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class _Speech(Command):
    lists = ()
    interrupted = "Interrupted; what was done is in --out."


@app.command(cls=_Speech, epilog="Example: python -m benchmarks.speech --data recordings")
def main(
    data: Annotated[Path, typer.Option(help="Recordings, as tfp-flows fit takes them.")],
    run: Annotated[
        Path, typer.Option(help="Folder of the fit, which is begun if it is not there.")
    ] = Path("runs/speech"),
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time.")] = 30.0,
    measured: Annotated[bool, typer.Option(help="Whether recordings are made, and judged.")] = True,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/speech.json"),
) -> None:
    """Fit WaveGlow to recordings; report nats a sample beside simpler densities.

    And what is made from held-out spectrograms beside Griffin-Lim and shaped noise.
    """
    reports.prepare(out)
    import_tensorflow()
    import tfp_flows as tff
    from tfp_flows import kinds
    from tfp_flows.runs.engine import fit

    if not run.exists():
        kind = kinds.get("speech")
        fit(kind, kind.settings(data=str(data), minutes=minutes).check(), run)
    opened = tff.open_run(run)
    source = opened.source()
    record = measure(opened, source)
    record["machine"] = reports.machine()
    if measured:
        record["vocoders"] = vocoders(opened.model.flow, source)
    reports.write(out, record, report.markdown(record))
    console = result_console()
    console.print(report.markdown(record), markup=False, highlight=False)
    console.print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)


def measure(opened: Any, source: Any) -> dict[str, Any]:
    """Nats a sample of the run of WaveGlow and of the baselines, on the same clips."""
    from benchmarks.speech.baselines import baselines

    test, training = opened.metrics["test"], opened.metrics["training"]
    densities = baselines(source.train, source.test, source.mel)
    figure = test["headline"]
    densities["WaveGlow"] = {"nats": figure["value"], "standard_error": figure["standard_error"]}
    if "with_another_mel" in test:
        other = {"nats": test["with_another_mel"], "standard_error": None}
        densities["WaveGlow, another clip's mel"] = other
    return {
        "densities": densities,
        "run": {
            "clips": opened.metrics["data"]["clips"],
            "parameters": opened.metrics["flow"]["trainable_parameters"],
            "epochs": training["epochs"],
            "seconds": training["seconds"],
        },
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

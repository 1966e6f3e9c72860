"""The command: ``python -m benchmarks.gpu``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import isolated, reports
from benchmarks.command import Command
from benchmarks.gpu import report
from benchmarks.gpu.cases import CASES
from tfp_flows.errors import InputError, unknown_name
from tfp_flows.terminal import note, progress_console, result_console, silent_stderr

FAILED = 1


class _Gpu(Command):
    lists = ("--flows",)
    interrupted = "Interrupted; what was done is in --out."


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(cls=_Gpu, epilog="Example: python -m benchmarks.gpu --flows maf glow")
def main(
    flows: Annotated[
        list[str] | None, typer.Option(metavar="NAME...", help=f"Among {', '.join(CASES)}.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, help="Time of each measurement.")] = 1.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the CPU's part.")] = 8,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Tiny flows, on the CPU alone where there is no GPU.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/gpu.json"),
) -> None:
    """Measure training, densities and samples on the GPU and beside it on the CPU.

    Each with and without XLA, in float32 and with products in bfloat16; about five minutes.
    """
    chosen = list(dict.fromkeys(flows or CASES))
    for name in chosen:
        if name not in CASES:
            raise unknown_name("flow", name, CASES)
    there = gpus()
    if not there and not smoke:
        raise InputError(
            "TensorFlow sees no GPU on this machine; run this where it does, with "
            "pip install 'tensorflow[and-cuda]', or try it with --smoke."
        )
    reports.prepare(out)
    devices = ["CPU", "GPU"] if there else ["CPU"]
    record: dict[str, Any] = {
        "settings": {"seconds": seconds, "threads": threads, "smoke": smoke},
        "machine": reports.machine(),
        "devices": {device: {} for device in devices},
    }
    failed = False
    for flow in chosen:
        for device in reversed(devices):
            job = {"flow": flow, "device": device, "seconds": seconds, "smoke": smoke}
            with progress_console().status(f"{flow}, {device}"):
                result, _ = isolated.launch(
                    "benchmarks.gpu.worker",
                    job,
                    ("tensorflow", "tfp_flows"),
                    threads,
                    accelerator=device == "GPU",
                )
            record["devices"][device][flow] = result
            reports.write(out, record, report.markdown(record))
            if result["status"] != "ok":
                failed = True
                note(f"{flow}, {device}: {result['status']}: {result['message']}")
    result_console().print(report.markdown(record), markup=False, highlight=False)
    result_console().print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)
    if failed:
        raise typer.Exit(FAILED)


def gpus() -> list:
    """The GPUs that TensorFlow sees."""
    with silent_stderr():
        import tensorflow as tf

        return tf.config.list_physical_devices("GPU")


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.gpu")

"""The command: ``python -m benchmarks.autoencoders``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks import reports
from benchmarks.command import Command
from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, result_console

OF_PICTURES, OF_TEXT = ["diagonal", "iaf", "naf"], ["diagonal", "planar", "iaf", "naf"]
# Test pictures that say which latents tell most.
_TOLD = 500

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class _Autoencoders(Command):
    lists = ("--posteriors",)
    interrupted = "Interrupted; what was done is in --out."


@app.command(
    cls=_Autoencoders, epilog="Example: python -m benchmarks.autoencoders --data mnist.npz"
)
def main(
    data: Annotated[
        Path | None,
        typer.Option(help="An .npz with x_train, y_train, x_test, y_test: bytes, labels."),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Fit to the documentation inside Python instead.")
    ] = False,
    shapes: Annotated[
        bool, typer.Option("--shapes", help="Drawn shapes instead: does each latent say one thing?")
    ] = False,
    posteriors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME...",
            help=f"Of tff.models.VAE; by default {', '.join(OF_PICTURES)}, of text planar too.",
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Training time of each.")] = 20.0,
    rows: Annotated[int, typer.Option(min=2, help="Test pictures for the bound.")] = 2000,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Draws of the bound; by default 5,000, of text 500.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for each model, its samples, traversals and so on.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and order.")] = 0,
    out: Annotated[
        Path, typer.Option(help="JSON file to write; a .md file with the table goes beside it.")
    ] = Path("runs/autoencoders.json"),
) -> None:
    """Fit autoencoders to pictures in black and white, static by a half, or others."""
    if (data is not None) + text + shapes != 1:
        raise InputError("Give one of --data FILE with pictures, --text and --shapes.")
    if text and pictures is not None:
        raise InputError("Texts are not drawn; leave --pictures out.")
    if shapes and posteriors:
        raise InputError("Drawn shapes are for diagonal posteriors; leave --posteriors out.")
    reports.prepare(out)
    import_tensorflow()
    draws = draws or (500 if text else 5000)
    settings = {"minutes": minutes, "draws": draws, "seed": seed}
    record = {"machine": reports.machine(), "settings": settings, "models": {}}
    if text:
        from benchmarks.autoencoders import texts

        for _ in texts.each(record, posteriors or OF_TEXT):
            reports.write(out, record, texts.report(record))
        shown = texts.report(record)
    elif shapes:
        from benchmarks.autoencoders import disentangling

        for _ in disentangling.each(record, pictures):
            reports.write(out, record, disentangling.report(record))
        shown = disentangling.report(record)
    else:
        shown = _of_pictures(record, data, posteriors or OF_PICTURES, rows, pictures, out)
    result_console().print(shown, markup=False)
    result_console().print(f"Written to {out} and {out.with_suffix('.md')}", markup=False)


def _of_pictures(record, data, posteriors, rows, pictures, out) -> str:
    from benchmarks.autoencoders import fits
    from tfp_flows.models import binarise

    try:
        with np.load(data) as archive:
            found = [archive[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"Cannot read pictures and labels of {data}: {error}.") from error
    x_train, x_test = (binarise(x).reshape(*x.shape[:3], -1) for x in (found[0], found[2]))
    given = fits.Pictures(x_train, found[1], x_test, found[3])
    settings = record["settings"]
    settings["rows"], seed = min(rows, len(x_test)), settings["seed"]
    text = ""
    for posterior in posteriors:
        model, about = fits.fit(given, posterior, settings["minutes"], seed)
        about |= fits.judge(model, given, rows, settings["draws"])
        about["probe"] = fits.probes(model, given, seed)
        record["models"][posterior] = about
        record.setdefault("pca", fits.probes_of_pca(given, model.layer.latent_shape[0], seed))
        if pictures is not None:
            _draw(model, given, pictures, posterior)
        text = report(record)
        reports.write(out, record, text)
    return text


def _draw(model, given, folder: Path, name: str) -> None:
    from tfp_flows.plotting import image_grid, plot_traversals, save_figure, save_image

    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / f"{name}.keras")
    some = given.test[:32]
    pairs = np.stack([some, model.reconstruct(some)], axis=1).reshape(-1, *some.shape[1:])
    for what, images in (("samples", model.sample(64)), ("reconstructions", pairs)):
        grid = image_grid(np.round(255 * images).astype(np.uint8), columns=8)
        save_image(grid, folder / f"{name}_{what}.png")
    save_figure(plot_traversals(model, given.test[:_TOLD]), folder / f"{name}_traversals.png")


def report(record) -> str:
    """The tables, in Markdown."""
    settings, first = record["settings"], None
    header = ["posterior", "ELBO", f"bound of {settings['draws']:,}", "above the first"]
    header += ["KL", "active", "probe 100", "probe 1,000", "epochs", "parameters"]
    lines = []
    for name, about in record["models"].items():
        bounds = np.array(about["bounds"])
        first = bounds if first is None else first
        gain = "" if bounds is first else _mean(bounds - first)
        probe = [_share(about["probe"].get(count)) for count in ("100", "1000")]
        figures = (f"{about['kl']:.2f}", str(about["active_units"]), *probe, str(about["epochs"]))
        figures = (_mean(bounds), gain, *figures, f"{about['parameters']:,}")
        lines.append([name, f"{about['elbo']:.2f}", *figures])
    pca = [_share(record["pca"].get(count)) for count in ("100", "1000")]
    lines.append(["principal components", *[""] * 5, *pca, "", ""])
    machine = record["machine"]
    return "\n".join(
        [
            *reports.pipes(header, lines),
            "",
            f"Nats on {settings['rows']:,} test pictures (ELBO and KL on all), "
            f"{settings['minutes']:g} minutes a model, seed {settings['seed']}; ± 2 standard "
            "errors over pictures, of differences picture by picture. Probe: share of test labels "
            "that a linear classifier of so many labelled latents gets right, mean of 5 subsets "
            f"and their range. {machine['processor']}, Python {machine['python']}.",
            "",
        ]
    )


def _mean(values) -> str:
    return f"{values.mean():.2f} ± {2 * values.std(ddof=1) / np.sqrt(len(values)):.2f}"


def _share(values) -> str:
    if not values:
        return ""
    low, high = 100 * min(values), 100 * max(values)
    return f"{100 * np.mean(values):.1f} % [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    app()

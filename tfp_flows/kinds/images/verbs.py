"""What a flow of images is for: samples, scores, images between two others."""

import dataclasses
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.kinds.images.settings import ImageSettings
from tfp_flows.options import COUNT, OUTPUT, TABLES, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

_MOST_IN_A_GRID = 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """Options of `sample`."""

    output: Path = option(**OUTPUT, help="Picture or .npy file to write.")
    count: int = option(1000, **COUNT, min=1, help="Number of samples.")
    seed: int = again(ImageSettings, "seed")
    temperature: float = option(1.0, min=0.0, help="Factor on the spread of the latents.")
    label: int | None = option(
        None, names=("--class",), min=0, shown="all in turn", help="Class of the samples."
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Options of `score`."""

    data: str = option(
        argument=True, metavar="DATA", help="Images, as fit takes them, or one picture."
    )
    output: Path = option(**OUTPUT, help=TABLES)
    key: str | None = again(ImageSettings, "key")
    seed: int = again(ImageSettings, "seed", help="Seed of the noise of dequantisation.")
    draws: int = option(
        1,
        metavar="K",
        min=1,
        help="Draws of that noise to average over, for a bound that depends on it less.",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class InterpolateOptions:
    """Options of `interpolate`."""

    first: Path = option(argument=True, metavar="A", help="An image.")
    last: Path = option(argument=True, metavar="B", help="Another image.")
    output: Path = option(**OUTPUT, help="Picture to write: .png, .jpg or .webp.")
    count: int = option(8, **COUNT, min=2, help="Images, ends included.")


def sample(run: Run, options: SampleOptions) -> None:
    """Draw samples from a fitted flow of images: a grid of them, or an array of bytes."""
    from tfp_flows import plotting

    output, count = options.output, options.count
    if plotting.check_picture(output, ".npy") and count > _MOST_IN_A_GRID:
        raise InputError(
            f"{count} samples are too many for one picture; write an .npy file, or at most "
            f"{_MOST_IN_A_GRID}."
        )
    _refuse_enlarging(run, "enlarge a picture by tfp-flows upscale")
    classes, label = run.work.classes(run.metrics), options.label
    if label is not None and not classes:
        raise InputError(f"The flow in {run.path} has no classes; leave --class out.")
    if label is not None and label >= classes:
        raise InputError(f"--class is {label}; the flow has classes 0 to {classes - 1}.")
    flow = run.model.flow
    from tfp_flows.kinds.images.work import BATCH, contexts_of
    from tfp_flows.models.evaluation import draw

    values = draw(
        flow,
        count,
        options.seed,
        contexts=contexts_of(classes, count, label),
        temperature=options.temperature,
        batch=BATCH,
    )
    plotting.save_images(values, output)


def score(run: Run, options: ScoreOptions) -> None:
    """Write the bits per dimension of each image, in order, with the names of files.

    They are of bytes with uniform noise, and so on average an upper bound on those of the bytes.
    What cannot be read keeps its row, without a number.
    """
    from tfp_flows import datasets

    datasets.check_output(options.output)
    if run.work.classes(run.metrics):
        raise InputError(
            f"The flow in {run.path} is conditioned on classes, which are not known of "
            f"{options.data}; score with tfp_flows.load in Python."
        )
    flow, shape = run.model.flow, _shape(run)
    size = run.settings.size or (shape[0] if shape[0] == shape[1] else None)
    images = datasets.load_images(
        options.data,
        size=size,
        key=options.key,
        channels=shape[2],
        background=run.settings.background,
        whole=True,
    )
    for remark in images.remarks:
        note(remark)
    if images.shape != shape:
        raise InputError(
            f"{options.data} holds images of shape {images.shape}, the flow in {run.path} is of "
            f"{shape}."
        )
    from tfp_flows.kinds.images.source import note_skipped
    from tfp_flows.kinds.images.upscaling import with_smaller
    from tfp_flows.kinds.images.work import BATCH
    from tfp_flows.models.evaluation import bits_per_dim

    batches = images.batches("test", BATCH, keep=True)
    if run.settings.upscale is not None:
        batches = with_smaller(batches, run.settings.upscale)
    bits = bits_per_dim(flow, batches, seed=options.seed, draws=options.draws)
    note_skipped(images, "kept as a row without a number")
    if options.draws > 1:
        note(
            f"each figure is the mean over {options.draws} draws of noise: on average an upper "
            "bound on the bits per dimension of the bytes themselves."
        )
    names = images.names("test")
    if names is not None and options.output.suffix.lower() == ".npy":
        note(f"{options.output} holds no names; its rows are the files in the order of names.")
    datasets.save_table(
        options.output, bits[:, None], ["bits_per_dim"], labels=names, label_column="file"
    )


def interpolate(run: Run, options: InterpolateOptions) -> None:
    """Draw the images between A and B, along the line between their latents."""
    from tfp_flows import datasets, plotting

    plotting.check_picture(options.output)
    _refuse_enlarging(run, "interpolate in Python")
    if run.work.classes(run.metrics):
        raise InputError(
            f"The flow in {run.path} is conditioned on classes; interpolate in Python."
        )
    ends = [
        datasets.read_image(image, _shape(run), background=run.settings.background)
        for image in (options.first, options.last)
    ]
    flow = run.model.flow
    from tfp_flows.flows import interpolate as between

    strip = between(flow, *(end.astype("float32")[None] for end in ends), num=options.count)[
        :, 0
    ].numpy()
    plotting.save_images(strip, options.output, columns=options.count)


def _refuse_enlarging(run: Run, instead: str) -> None:
    if run.settings.upscale is not None:
        raise InputError(f"The flow in {run.path} is conditioned on small pictures; {instead}.")


def _shape(run: Run) -> tuple[int, int, int]:
    return tuple(run.metrics["data"]["shape"])


SAMPLE = Verb(sample, SampleOptions, "tfp-flows sample run -n 64 -o grid.png")
SCORE = Verb(score, ScoreOptions, "tfp-flows score run photos -o scores.csv")
INTERPOLATE = Verb(
    interpolate, InterpolateOptions, "tfp-flows interpolate run a.png b.png -o between.png"
)

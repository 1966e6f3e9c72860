"""Large images given small ones: the pairs that are learned from, the measures, and the verb."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets import Images, facts_of, read_image
from tfp_flows.errors import InputError
from tfp_flows.kinds.images.settings import ImageSettings
from tfp_flows.options import COUNT, OUTPUT, again, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import tensorflow as tf

    from tfp_flows.flows import Flow

BATCH = 64
# Samples from which the deviation at each place is estimated, at the least.
_FOR_DEVIATIONS = 16
_FOR_QUANTILES = 64
_MOST_MEASURED = 1024


def smaller(images, factor: int) -> "tf.Tensor":
    """Means over blocks: ``[n, height, width, c]`` to a factor less along both axes."""
    import tensorflow as tf

    return tf.nn.avg_pool2d(tf.cast(images, tf.float32), factor, factor, "VALID")


def with_smaller(stream: "tf.data.Dataset", factor: int) -> "tf.data.Dataset":
    """A stream of images as pairs with their small ones, which are the context."""
    return stream.map(lambda images: (images, smaller(images, factor)))


def examples(images: Images, count: int, part: str) -> np.ndarray:
    """The first images of a part, ``[count, *shape]``, from the beginning again if it has fewer."""
    batches, found = images.batches(part, min(count, BATCH)), []
    for batch in batches:
        found.append(batch.numpy())
        if sum(map(len, found)) >= count:
            break
    whole = np.concatenate(found)
    return whole[np.arange(count) % len(whole)]


def figures(flow: "Flow", images: Images, factor: int, seed: int) -> dict[str, float | int]:
    """What is measured beside the density, of at most 1,024 test images; see `measured`."""
    from tfp_flows.models.evaluation import draw

    true = examples(images, min(images.sizes.test, _MOST_MEASURED), "test")

    def samples(contexts, temperature):
        options = {"contexts": contexts, "temperature": temperature, "batch": BATCH}
        return draw(flow, len(contexts), seed, **options)

    return measured(samples, true, factor)


def measured(
    samples: Callable[[np.ndarray, float], np.ndarray], true: np.ndarray, factor: int
) -> dict[str, float | int]:
    """How near to the true images samples are, how near to the small ones, and how sure.

    Args:
        samples: Function of small images ``[n, height, width, channels]``, in values of a byte,
            and a temperature, which returns a large one for each.
        true: The large images ``[n, height * factor, width * factor, channels]``.
        factor: How many times smaller the small ones are.

    Returns:
        ``psnr``: mean peak signal-to-noise ratio in dB of the sample at temperature 0;
        ``consistency``: root mean square difference, in values of a byte, between a small image and
        samples at temperature 0.8 made small; ``coverage``: share of pixels between the 5 and 95 %
        quantiles of 64 samples at temperature 1, of at most 64 images. Quantiles are such that it
        is 0.9 where the samples are from the true distribution, however few they are;
        ``measured``: how many images.
    """
    small = smaller(true, factor).numpy()
    errors = np.square(samples(small, 0.0).clip(0, 255) - true).mean(axis=(1, 2, 3))
    back = smaller(samples(small, 0.8).clip(0, 255), factor).numpy()
    few = min(len(true), BATCH)
    many = samples(np.repeat(small[:few], _FOR_QUANTILES, axis=0), 1.0).clip(0, 255)
    many = many.reshape(few, _FOR_QUANTILES, *true.shape[1:])
    # Those of NumPy's default lie nearer to the middle: of 64 right samples the band holds 0.87.
    low, high = np.quantile(many, [0.05, 0.95], axis=1, method="weibull")
    inside = (true[:few] >= low) & (true[:few] <= high)
    return {
        "psnr": float(np.mean(10 * np.log10(255**2 / np.maximum(errors, 1e-9)))),
        "consistency": math.sqrt(np.square(back - small).mean()),
        "coverage": float(inside.mean()),
        "measured": len(true),
    }


def comparison(flow: "Flow", images: Images, factor: int, rows: int, seed: int) -> np.ndarray:
    """Rows of four: the small image, the sample at temperature 0, one at 0.8, and the true one."""
    from tfp_flows.models.evaluation import draw

    true = examples(images, rows, "test")
    small = smaller(true, factor).numpy()
    drawn = [
        draw(flow, rows, seed, contexts=small, temperature=temperature, batch=BATCH)
        for temperature in (0.0, 0.8)
    ]
    return np.stack([blown_up(small, factor), *drawn, true], axis=1).reshape(-1, *true.shape[1:])


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """Options of `upscale`."""

    picture: Path = option(
        argument=True,
        metavar="PICTURE",
        help="A small picture, or a large one, which is made small first.",
    )
    output: Path = option(**OUTPUT, help="Picture to write, or .npy file of the samples.")
    count: int = option(3, **COUNT, min=1, help="Number of samples.")
    seed: int = again(ImageSettings, "seed")
    temperature: float = option(0.8, min=0.0, help="Factor on the spread of the latents.")


def upscale(run: Run, options: UpscaleOptions) -> None:
    """Enlarge a picture: the small one, what is expected, samples, and where they differ.

    The first of the large pictures is the sample at temperature 0, the last the standard deviation
    of the samples at each pixel, white where it is largest: there the small picture does not tell.
    A .npy file holds the samples alone.
    """
    from tfp_flows import plotting

    as_picture, factor = plotting.check_picture(options.output, ".npy"), run.settings.upscale
    if factor is None:
        raise InputError(
            f"The flow in {run.path} enlarges no pictures; fit one with --upscale FACTOR."
        )
    height, width, channels = run.metrics["data"]["shape"]
    large, small = (height, width), (height // factor, width // factor)
    facts = facts_of(options.picture)
    size = (facts.height, facts.width)
    if size not in (large, small):
        raise InputError(
            f"{options.picture} is {size[1]} x {size[0]} pixels; the flow in {run.path} enlarges "
            f"{small[1]} x {small[0]} to {width} x {height}; cut or resize the picture."
        )
    picture = read_image(
        options.picture, (*size, channels), background=run.settings.background
    ).astype(np.float32)[None]
    if size == large:
        note(f"{options.picture} is made {factor} times smaller first.")
        picture = smaller(picture, factor).numpy()
    from tfp_flows.models.evaluation import draw

    flow = run.model.flow
    count = max(options.count, _FOR_DEVIATIONS) if as_picture else options.count
    samples = draw(
        flow,
        count,
        options.seed,
        contexts=np.repeat(picture, count, axis=0),
        temperature=options.temperature,
        batch=min(count, BATCH),
    )
    if not as_picture:
        plotting.save_images(samples, options.output)
        return
    expected = draw(flow, 1, options.seed, contexts=picture, temperature=0.0, batch=1)
    deviations = samples.clip(0, 255).std(axis=0, keepdims=True)
    shown = deviations * (255 / max(deviations.max(), 1e-6))
    row = [blown_up(picture, factor), expected, samples[: options.count], shown]
    plotting.save_images(np.concatenate(row), options.output, columns=options.count + 3)


def blown_up(small: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel of ``[n, height, width, c]`` as a block."""
    return np.repeat(np.repeat(small, factor, axis=1), factor, axis=2)


UPSCALE = Verb(upscale, UpscaleOptions, "tfp-flows upscale run small.png -n 3 -o grid.png")

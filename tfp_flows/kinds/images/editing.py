"""Pictures moved along an attribute, which two folders of examples define."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import datasets
from tfp_flows.datasets import read_image
from tfp_flows.errors import InputError
from tfp_flows.options import COUNT, OUTPUT, option
from tfp_flows.runs.kind import Verb
from tfp_flows.runs.opened import Run
from tfp_flows.terminal import note

if TYPE_CHECKING:
    import tensorflow as tf

    from tfp_flows.flows import Flow

_BATCH = 64
_MOST_EXAMPLES = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class EditOptions:
    """Options of `edit`."""

    picture: Path = option(argument=True, metavar="PICTURE", help="The picture to change.")
    towards: Path = option(
        metavar="FOLDER", help="Pictures, or an array, with what it is to get more of."
    )
    away: Path = option(metavar="FOLDER", help="Pictures, or an array, without it.")
    output: Path = option(**OUTPUT, help="Picture to write: .png, .jpg or .webp; or .npy.")
    count: int = option(7, **COUNT, min=2, help="Steps, from none to the whole.")
    strength: float = option(
        1.0, help="The last step, in differences between both folders' means; negative: away."
    )


def edit(run: Run, options: EditOptions) -> None:
    """Change a picture along the direction from some examples to others, in steps.

    The direction is the difference of the mean latents of both folders. The first picture is the
    one that was given, as the flow gives it back.
    """
    from tfp_flows import plotting

    plotting.check_picture(options.output, ".npy")
    if run.work.classes(run.metrics) or run.settings.upscale is not None:
        raise InputError(
            f"The flow in {run.path} is conditional; edit with tfp_flows.flows.attribute_direction "
            "in Python."
        )
    shape = tuple(run.metrics["data"]["shape"])
    picture = read_image(options.picture, shape, background=run.settings.background)
    sets = [
        _examples(place, shape, run.settings.background)
        for place in (options.towards, options.away)
    ]
    flow = run.model.flow
    shares = np.linspace(0, options.strength, options.count)
    strip = edited(flow, picture[None].astype(np.float32), direction(flow, *sets), shares)
    plotting.save_images(strip[:, 0], options.output, columns=options.count)


def direction(flow: "Flow", towards: np.ndarray, away: np.ndarray) -> "tf.Tensor":
    """The difference of the mean latents of two sets of images, in batches: ``[*latent_shape]``."""
    import tensorflow as tf

    to_latent = tf.function(flow.to_latent, autograph=False, reduce_retracing=True)

    def mean(images):
        parts = range(0, len(images), _BATCH)
        sums = [tf.reduce_sum(to_latent(images[i : i + _BATCH]), axis=0) for i in parts]
        return tf.add_n(sums) / len(images)

    return mean(towards) - mean(away)


def edited(flow: "Flow", images: np.ndarray, direction, shares: np.ndarray) -> np.ndarray:
    """Images with shares of a direction added to their latents, ``[shares, *images.shape]``."""
    import tensorflow as tf

    from_latent = tf.function(flow.from_latent, autograph=False)
    start = flow.to_latent(images)
    steps = tf.cast(shares, start.dtype)
    return np.stack([from_latent(start + step * direction).numpy() for step in steps])


def _examples(place: Path, shape: tuple[int, int, int], background: str) -> np.ndarray:
    size = shape[0] if shape[0] == shape[1] else None
    images = datasets.load_images(
        place, size=size, channels=shape[2], background=background, whole=True
    )
    if images.shape != shape:
        raise InputError(f"{place} holds images of shape {images.shape}, the flow is of {shape}.")
    found = np.concatenate([batch.numpy() for batch in images.batches("test", _BATCH)])
    if len(found) > _MOST_EXAMPLES:
        note(f"Of the {len(found):,} images in {place} the first {_MOST_EXAMPLES:,} are used.")
    return found[:_MOST_EXAMPLES]


EDIT = Verb(
    edit, EditOptions, "tfp-flows edit run photo.png --towards smiling --away serious -o strip.png"
)

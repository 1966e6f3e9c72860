"""A fit to images: maximum likelihood of bytes with uniform noise, in bits per dimension."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows import plotting
from tfp_flows.errors import InputError
from tfp_flows.kinds.images.settings import ImageSettings
from tfp_flows.kinds.images.source import ImageSource, load, note_skipped
from tfp_flows.kinds.images.upscaling import (
    comparison,
    examples,
    figures,
    smaller,
    with_smaller,
)
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import plus_minus

GRID = 64
BATCH = 64
_PICTURE = "samples.png"
_GRADIENT_NORM = 100.0


class ImageWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: ImageSettings):
        self.settings = settings

    def source(self) -> ImageSource:
        """Finds the images."""
        return load(self.settings)

    def build(self, source: ImageSource):
        """A flow over bytes."""
        from tfp_flows.models import FlowModel

        shape, factor = source.images.shape, self.settings.upscale
        if factor is not None:
            if shape[0] % factor or shape[1] % factor:
                raise InputError(
                    f"--upscale is {factor}, which does not divide images of {shape[1]} x "
                    f"{shape[0]} pixels; give --size."
                )
            enlarging = dataclasses.replace(self.settings, flow="super_resolution")
            return FlowModel(enlarging.build_flow(shape, factor=factor))
        # One-hot classes are what they should be.
        context = {"context_shape": source.classes or None, "standardize_context": False}
        return FlowModel(self.settings.build_flow(shape, **context))

    def trainer(self, model, source: ImageSource):
        """Adam, whose rate rises at first and falls along a cosine to 0."""
        import tensorflow as tf

        from tfp_flows.models import ResumableTraining, SampleGrid
        from tfp_flows.runs.keras_trainer import KerasTrainer, warm_up

        settings, images = self.settings, source.images
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=_GRADIENT_NORM),
            accumulate=settings.accumulate,
        )
        stream = {"full": True, "labels": bool(source.classes), "seed": settings.seed}
        size, flip, factor = settings.batch_size, settings.flip, settings.upscale

        def pairs(batches):
            return batches if factor is None else with_smaller(batches, factor)

        def contexts():
            if factor is None:
                return contexts_of(source.classes, GRID)
            return smaller(examples(images, GRID, "validation"), factor).numpy()

        def callbacks(rounds):
            yield warm_up(settings.learning_rate, rounds)
            if settings.plots:
                yield SampleGrid(
                    rounds.place / _PICTURE,
                    count=GRID,
                    context=contexts(),
                    seed=settings.seed,
                    show=None
                    if rounds.logs is None
                    else lambda grid: rounds.logs.write(rounds.state.epoch, {}, samples=grid),
                )

        training = ResumableTraining(seed=settings.seed)
        order = {"shuffle": True, "flip": flip, "epoch": training.epoch_number}
        return KerasTrainer(
            model,
            training,
            data=lambda: {
                "x": pairs(images.batches("train", size, **order, **stream)),
                "validation_data": pairs(images.batches("validation", size, **stream)),
            },
            callbacks=callbacks,
        )

    def measure(self, model, source: ImageSource) -> dict[str, Any]:
        """Bits per dimension of the test images."""
        from tfp_flows.models.evaluation import bits_per_dim

        images = source.images
        batches = images.batches("test", BATCH, labels=bool(source.classes))
        factor, more = self.settings.upscale, {}
        if factor is not None:
            batches = with_smaller(batches, factor)
            more = figures(model.flow, images, factor, self.settings.seed)
        bits = bits_per_dim(model.flow, batches, seed=self.settings.seed)
        note_skipped(images)
        mean = float(bits.mean(dtype=np.float64))
        error = float(bits.std(ddof=1) / math.sqrt(len(bits)))
        figure = headline("bits per dimension", "bits", mean, error)
        return {
            "splits": images.sizes._asdict(),
            "test": figure | {"bits_per_dim": mean, "standard_error_bits": error} | more,
        }

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """A grid of samples; those of classes in turn, if the flow has them."""
        from tfp_flows.models.evaluation import draw

        if self.settings.upscale is not None:
            source = find()
            if source is None:
                return
            options = {"rows": GRID // 4, "seed": self.settings.seed}
            compared = comparison(model.flow, source.images, self.settings.upscale, **options)
            grid = plotting.image_grid(compared, columns=8)
            yield _PICTURE, lambda path: plotting.save_image(grid, path, zoom=3)
            return
        contexts = contexts_of(self.classes(metrics), GRID)
        samples = draw(model.flow, GRID, self.settings.seed, contexts=contexts, batch=BATCH)
        grid = plotting.image_grid(samples)
        yield _PICTURE, lambda path: plotting.save_image(grid, path, zoom=3)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Bits per dimension."""
        splits, test, shape = metrics["splits"], metrics["test"], metrics["data"]["shape"]
        yield first_line(metrics, f"{splits['train']:,} training images")
        figure = plus_minus(test["bits_per_dim"], test["standard_error_bits"])
        yield (
            f"{splits['test']:,} held-out images: {figure} bits per dimension (8 bits, uniform "
            f"noise, {' x '.join(map(str, shape))})."
        )
        if self.settings.upscale is not None:
            yield (
                f"Given images {self.settings.upscale} times smaller; of {test['measured']:,}: "
                f"{test['psnr']:.2f} dB from the true one at temperature 0 (PSNR); samples at 0.8 "
                f"made small differ from the small image by {test['consistency']:.1f} of 255; "
                f"{100 * test['coverage']:.0f} % of pixels lie in the samples' 5 to 95 % band."
            )

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """Height, width and channels."""
        return metrics["data"]["shape"]

    def classes(self, metrics: Mapping[str, Any]) -> int:
        """Number of classes on which the flow is conditioned; 0 for none."""
        return metrics["data"]["classes"] if self.settings.by_class else 0


def contexts_of(classes: int, count: int, label: int | None = None) -> np.ndarray | None:
    """One-hot classes for samples: one class, or all in turn; None without classes."""
    if not classes:
        return None
    labels = np.arange(count) % classes if label is None else np.full(count, label)
    return np.eye(classes, dtype=np.float32)[labels]

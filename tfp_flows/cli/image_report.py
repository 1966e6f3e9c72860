"""What a finished fit on images leaves: model, bits per dimension, samples."""

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfp_flows import plotting
from tfp_flows.cli import folder
from tfp_flows.cli.image_settings import ImageSettings
from tfp_flows.cli.pictures import draw_curve
from tfp_flows.cli.report import versions
from tfp_flows.files import atomic_path
from tfp_flows.terminal import result_console, tracked

if TYPE_CHECKING:
    from tfp_flows.datasets import Images
    from tfp_flows.flows import Flow
    from tfp_flows.models import FlowModel, ResumableTraining

GRID = 64
_BATCH = 64


def write(
    model: "FlowModel",
    settings: ImageSettings,
    run: Path,
    images: "Images",
    training: "ResumableTraining",
) -> None:
    """Measures the model on the test images, writes the files of the run and prints the result.

    Raises:
        InputError: If a file cannot be written.
    """
    bits = bits_per_dim(model.flow, images.batches("test", _BATCH, labels=settings.by_class))
    metrics = _metrics(model, settings, images, training, bits)
    with atomic_path(run / folder.MODEL) as temporary:
        model.save(temporary)
    if settings.plots:
        contexts = contexts_of_grid(images.classes) if settings.by_class else None
        samples = draw(model.flow, GRID, settings.seed, contexts=contexts)
        plotting.save_image(plotting.image_grid(samples), run / folder.SAMPLES, zoom=3)
        title = f"{settings.flow} on {Path(settings.data).name}"
        draw_curve(run, metrics["training"]["history"], title)
    # Last: a folder with metrics is a folder with everything.
    folder.write_json(run / folder.METRICS, metrics)
    console, test = result_console(), metrics["test"]
    console.print(
        f"{settings.flow}: {metrics['flow']['trainable_parameters']:,} parameters, "
        f"{images.sizes.train:,} training images, {training.epoch} epochs in "
        f"{metrics['training']['seconds']:.0f} s, best epoch {training.best_epoch}."
    )
    console.print(
        f"{images.sizes.test:,} held-out images: {test['bits_per_dim']:.3f} ± "
        f"{2 * test['standard_error_bits']:.3f} bits per dimension (8 bits, uniform noise, "
        f"{images.shape[0]} x {images.shape[1]} x {images.shape[2]})."
    )
    console.print(f"Written to {run}", markup=False)


def bits_per_dim(flow: "Flow", batches) -> np.ndarray:
    """Bits per dimension of each image, in the order of the stream."""
    scale = -math.log(2) * math.prod(flow.event_shape)

    @tf.function(reduce_retracing=True)
    def compiled(x, context):
        return flow.log_prob(x, context) / tf.cast(scale, flow.dtype)

    results = []
    for batch in tracked(batches, "Scoring", int(batches.cardinality())):
        x, context = batch if isinstance(batch, tuple) else (batch, None)
        results.append(compiled(x, context).numpy())
    return np.concatenate(results)


def draw(
    flow: "Flow", count: int, seed: int, *, contexts=None, temperature: float = 1.0
) -> np.ndarray:
    """Samples ``[count, height, width, channels]``, the same for the same count and seed."""

    @tf.function
    def compiled(pair, context):
        shape = min(count, _BATCH) if context is None else ()
        return flow.sample(shape, context, seed=pair, temperature=temperature)

    parts = []
    for i, start in enumerate(range(0, count, _BATCH)):
        context = None
        if contexts is not None:
            context = tf.constant(np.resize(contexts[start:], (_BATCH, contexts.shape[1])))
        parts.append(compiled(tf.constant([seed, i], tf.int32), context).numpy())
    return np.concatenate(parts)[:count]


def contexts_of_grid(classes: int) -> np.ndarray:
    """One-hot classes in turn, one for each image of a grid."""
    return np.eye(classes, dtype=np.float32)[np.arange(GRID) % classes]


def _metrics(model, settings, images, training, bits) -> dict:
    history = {
        name: [value if math.isfinite(value) else None for value in values]
        for name, values in training.history.items()
    }
    return {
        "settings": dataclasses.asdict(settings),
        "data": {
            "source": settings.data,
            "shape": list(images.shape),
            "classes": images.classes,
            "skipped": len(getattr(images, "skipped", {})),
        },
        "splits": images.sizes._asdict(),
        "flow": {
            "name": settings.flow,
            "trainable_parameters": sum(math.prod(v.shape) for v in model.flow.trainable_variables),
        },
        "test": {
            "bits_per_dim": float(bits.mean(dtype=np.float64)),
            "standard_error_bits": float(bits.std(ddof=1) / math.sqrt(len(bits))),
        },
        "training": {
            "epochs": training.epoch,
            "best_epoch": training.best_epoch,
            "stopped_early": training.stopped,
            "seconds": sum(training.history["seconds"]),
            "history": history,
        },
        "versions": versions(),
    }

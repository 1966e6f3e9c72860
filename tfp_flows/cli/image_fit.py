"""The command `fit` on images: from pictures to a folder with model, samples and measures."""

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_flows import datasets
from tfp_flows.cli import folder
from tfp_flows.cli.fit import say_how_to_resume
from tfp_flows.cli.image_settings import ImageSettings, same
from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, note

if TYPE_CHECKING:
    from tfp_flows.datasets import Images
    from tfp_flows.flows import Flow


def new_fit(settings: ImageSettings, run: Path, *, overwrite: bool) -> None:
    """Fits a flow to images and writes the folder of the run.

    Raises:
        InputError: If the images, an option or the folder is not usable.
    """
    folder.check_new(run, overwrite)
    import_tensorflow()
    images = load(settings)
    flow = build_flow(settings, images)
    try:
        folder.start(run, {"settings": dataclasses.asdict(settings), "digest": digest(images)})
        _train_and_report(flow, settings, run, images)
    except InputError:
        folder.abandon(run)
        raise
    except KeyboardInterrupt:
        say_how_to_resume(run)


def resumed_fit(given: dict[str, Any], run: Path, record: dict) -> None:
    """Goes on with a fit that was interrupted.

    Args:
        given: Settings that the user has repeated.
        run: Folder of the run.
        record: What the fit wrote when it began.

    Raises:
        InputError: If an option contradicts the saved ones, or the images have changed.
    """
    settings = ImageSettings.from_json(record["settings"], run / folder.SETTINGS)
    repeated = dataclasses.replace(settings, **given)
    for name in same(settings, repeated):
        raise InputError(
            f"The fit in {run} was begun with {name.replace('_', '-')} {getattr(settings, name)}, "
            f"not {getattr(repeated, name)}; leave that option out, or begin anew with "
            "--overwrite."
        )
    import_tensorflow()
    images = load(settings)
    if digest(images) != record.get("digest"):
        raise InputError(
            f"{settings.data} has changed since the fit in {run} was begun; begin anew with "
            "--overwrite."
        )
    try:
        _train_and_report(build_flow(settings, images), settings, run, images)
    except KeyboardInterrupt:
        say_how_to_resume(run)


def load(settings: ImageSettings) -> "Images":
    """Finds the images that a fit was asked for.

    Raises:
        InputError: If there are none, or they do not fit together.
    """
    images = datasets.load_images(
        settings.data, size=settings.size, key=settings.key, grey=settings.grey, seed=settings.seed
    )
    if settings.by_class and not images.classes:
        raise InputError(f"{settings.data} has no labels; leave --by-class out.")
    return images


def build_flow(settings: ImageSettings, images: "Images") -> "Flow":
    """Builds the flow that was asked for, over bytes.

    Raises:
        InputError: If options are unknown or do not fit the images.
    """
    from tfp_flows import flows
    from tfp_flows.cli.recipe import checked_options

    recipe = flows.get(settings.flow)
    options = checked_options(recipe, settings.flow, settings.flow_option)
    if settings.hidden is not None:
        options["hidden_units"] = settings.hidden
    try:
        return recipe(
            event_shape=images.shape,
            context_shape=images.classes if settings.by_class else None,
            # One-hot classes are what they should be.
            standardize_context=False,
            seed=settings.seed,
            **options,
        )
    except InputError:
        raise
    except (TypeError, ValueError) as error:  # recipes check their arguments
        raise InputError(f"Cannot build {settings.flow}: {error}") from error


def digest(images: "Images") -> str:
    """A fingerprint of pixels, or of names and sizes of files, by which changes are noticed."""
    found = hashlib.sha256(f"{images.shape} {tuple(images.sizes)} {images.classes}".encode())
    for part in images.pixels if isinstance(images, datasets.ArrayImages) else ():
        found.update(np.ascontiguousarray(part))
    for part in getattr(images, "files", None) or ():
        for path in part:
            found.update(f"{path.name} {path.stat().st_size}".encode())
    return found.hexdigest()


def _train_and_report(flow, settings, run, images):
    from tfp_flows.cli import image_report

    model, training = _train(flow, settings, run, images)
    image_report.write(model, settings, run, images, training)
    folder.finish(run)
    note_skipped(images)


def note_skipped(images: "Images") -> None:
    """Names the files that were left out; some are found to be damaged only when they are read."""
    skipped = getattr(images, "skipped", {})
    for name, reason in skipped.items():
        note(f"{name} is left out. {reason}")
    if len(skipped) > 1:
        note(f"{len(skipped)} files were left out.")


def _train(flow, settings, run, images):
    import tensorflow as tf

    from tfp_flows.cli.image_report import contexts_of_grid
    from tfp_flows.cli.progress import TrainingProgress
    from tfp_flows.models import FlowModel, ResumableTraining, SampleGrid, WarmUpCosine

    model = FlowModel(flow)
    model.compile(tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=100.0))
    training = ResumableTraining(run / folder.STATE, patience=settings.patience, seed=settings.seed)
    begun = training.resume(model)
    stream = {"labels": settings.by_class, "seed": settings.seed}
    schedule = WarmUpCosine(
        settings.learning_rate,
        epochs=settings.epochs,
        seconds=None if settings.minutes is None else 60 * settings.minutes,
        epochs_done=begun,
        seconds_done=sum(training.history.get("seconds", [])),
    )
    progress = TrainingProgress(training, settings.epochs)
    callbacks = [schedule, training, progress]
    if settings.plots:
        contexts = contexts_of_grid(images.classes) if settings.by_class else None
        callbacks.append(
            SampleGrid(
                run / folder.SAMPLES,
                context=contexts,
                seed=settings.seed,
                log_dir=settings.tensorboard,
            )
        )
    batch_size = settings.batch_size
    train = images.batches(
        "train", batch_size, shuffle=True, flip=settings.flip, full=True, **stream
    )
    validation = images.batches("validation", batch_size, full=True, **stream)
    if begun < settings.epochs and not training.stopped:
        try:
            model.fit(
                train,
                validation_data=validation,
                epochs=settings.epochs,
                initial_epoch=begun,
                callbacks=callbacks,
                verbose=0,
            )
        finally:
            progress.close()
    else:
        training.restore_best(model)
    if not training.best_epoch or not np.isfinite(training.best):
        (run / folder.STATE).unlink(missing_ok=True)
        raise InputError(
            "Training diverged: no epoch ended with a finite loss; lower --learning-rate."
        )
    return model, training

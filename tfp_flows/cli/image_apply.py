"""The commands `sample`, `score` and `interpolate` for flows of images."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows import datasets, plotting
from tfp_flows.cli import folder
from tfp_flows.cli.image_settings import ImageSettings, is_record_of_images
from tfp_flows.errors import InputError
from tfp_flows.terminal import import_tensorflow, note

if TYPE_CHECKING:
    from tfp_flows.flows import Flow

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_MOST_IN_A_GRID = 1024


def is_run_of_images(path: Path) -> bool:
    """Whether a folder is the run of a fit to images; whoever opens it checks the rest."""
    try:
        return is_record_of_images(json.loads((path / folder.METRICS).read_text("utf-8")))
    except (OSError, ValueError, AttributeError):
        return False


class ImageRun:
    """A finished run on images.

    Args:
        path: Its folder.

    Raises:
        InputError: If record or model are missing or damaged.
    """

    def __init__(self, path: Path):
        record = path / folder.METRICS
        metrics = folder.read_json(record)
        self.path = path
        self.settings = ImageSettings.from_json(metrics["settings"], record)
        self.classes = metrics["data"]["classes"] if self.settings.by_class else 0
        self.shape = tuple(metrics["data"]["shape"])

    def flow(self) -> "Flow":
        """Loads the flow."""
        import_tensorflow()
        from tfp_flows import models

        path = self.path / folder.MODEL
        model = models.load(path, compile=False)
        if not isinstance(model, models.FlowModel) or model.flow.event_shape != list(self.shape):
            raise InputError(f"{path} is not the model that belongs to its {folder.METRICS}.")
        return model.flow

    def contexts(self, count: int, label: int | None) -> np.ndarray | None:
        """One-hot classes for samples: one class, or all in turn."""
        if not self.classes:
            if label is not None:
                raise InputError(f"The flow in {self.path} has no classes; leave --class out.")
            return None
        if label is not None and not 0 <= label < self.classes:
            raise InputError(f"--class is {label}; the flow has classes 0 to {self.classes - 1}.")
        labels = np.arange(count) % self.classes if label is None else np.full(count, label)
        return np.eye(self.classes, dtype=np.float32)[labels]


def sample(
    path: Path, count: int, output: Path, seed: int, *, temperature: float, label: int | None
) -> None:
    """Writes samples: a picture with a grid of them, or an array of bytes.

    Raises:
        InputError: If run or output are not usable.
    """
    run = ImageRun(path)
    _check_suffix(output, (*_PICTURES, ".npy"))
    if output.suffix.lower() in _PICTURES and count > _MOST_IN_A_GRID:
        raise InputError(
            f"{count} samples are too many for one picture; write an .npy file, or at most "
            f"{_MOST_IN_A_GRID}."
        )
    contexts = run.contexts(count, label)
    flow = run.flow()
    from tfp_flows.cli.image_report import draw

    values = draw(flow, count, seed, contexts=contexts, temperature=temperature)
    strange = int((~np.isfinite(values).all(axis=(1, 2, 3))).sum())
    if strange:
        note(f"{strange:,} of {count:,} samples are not finite.")
    _write(values, output)


def score(path: Path, data: str, output: Path, *, key: str | None) -> None:
    """Writes the bits per dimension of each image.

    Raises:
        InputError: If run, images or output are not usable.
    """
    run = ImageRun(path)
    datasets.check_output(output)
    import_tensorflow()
    settings = run.settings
    if run.classes:
        raise InputError(
            f"The flow in {path} is conditioned on classes, which are not known of {data}; score "
            "with tfp_flows.load in Python."
        )
    size = settings.size or (run.shape[0] if run.shape[0] == run.shape[1] else None)
    images = datasets.load_images(data, size=size, key=key, grey=run.shape[2] == 1, whole=True)
    if images.shape != run.shape:
        raise InputError(
            f"{data} holds images of shape {images.shape}, the flow in {path} is of {run.shape}."
        )
    flow = run.flow()
    from tfp_flows.cli.image_fit import note_skipped
    from tfp_flows.cli.image_report import bits_per_dim

    bits = bits_per_dim(flow, images.batches("test", 64))
    note_skipped(images)
    datasets.save_table(output, bits[:, None], ["bits_per_dim"])


def interpolate(path: Path, first: Path, last: Path, output: Path, count: int) -> None:
    """Writes a strip of images between two, along the line between their latents.

    Raises:
        InputError: If run, images or output are not usable.
    """
    run = ImageRun(path)
    _check_suffix(output, _PICTURES)
    if run.classes:
        raise InputError(f"The flow in {path} is conditioned on classes; interpolate in Python.")
    ends = [
        datasets.read_image(image, run.shape).astype(np.float32)[None] for image in (first, last)
    ]
    flow = run.flow()
    from tfp_flows.flows import interpolate as between

    _write(between(flow, *ends, num=count)[:, 0].numpy(), output, columns=count)


def _check_suffix(output: Path, allowed) -> None:
    if output.suffix.lower() not in allowed:
        raise InputError(
            f"Cannot write {output}: its suffix is {output.suffix!r}; use one of "
            f"{', '.join(allowed)}."
        )


def _write(values: np.ndarray, output: Path, columns: int | None = None) -> None:
    pixels = np.clip(np.nan_to_num(values), 0, 255).astype(np.uint8)
    if output.suffix.lower() in _PICTURES:
        plotting.save_image(plotting.image_grid(pixels, columns=columns), output, zoom=3)
        return
    from tfp_flows.files import atomic_path

    with atomic_path(output) as temporary, temporary.open("wb") as file:
        np.save(file, pixels)

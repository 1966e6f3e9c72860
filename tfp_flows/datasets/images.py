"""Images from arrays, folders and known data sets, divided into parts."""

import os
from pathlib import Path

import numpy as np

from tfp_flows.datasets._checks import generator
from tfp_flows.datasets._folders import find_pictures, name_in, remarks_on
from tfp_flows.datasets._image_arrays import KERAS_NAMES, checked, from_file, from_keras, from_tfds
from tfp_flows.datasets._image_streams import ArrayImages, FolderImages, Images
from tfp_flows.datasets._pictures import SUFFIXES, background_colour
from tfp_flows.datasets.splits import Splits, split
from tfp_flows.errors import InputError


def load_images(
    source: str | os.PathLike[str],
    *,
    size: int | None = None,
    key: str | None = None,
    grey: bool = False,
    channels: int | None = None,
    background: str = "white",
    whole: bool = False,
    seed: int = 0,
) -> Images:
    """Finds images and divides them into training, validation and test parts.

    Args:
        source: A folder of pictures (.jpg, .png, .webp, .tiff, .gif, .bmp and others), at any
            depth, of which hidden ones are left out; one picture, if ``whole``; a ``.npy`` or
            ``.npz`` file with bytes ``[n, height, width]`` or ``[n, height, width, channels]``;
            ``mnist``, ``fashion_mnist``, ``cifar10`` or ``cifar100``; or ``tfds:NAME`` for a data
            set of tensorflow_datasets. An ``.npz`` file may hold the parts as ``train`` (or
            ``x_train``), ``val`` and ``test``, with labels as ``y_train`` and so on; what is
            missing is split off.
        size: Height and width. Arrays are padded with zeros to it, files cropped and resized; by
            default arrays stay as they are, and files must agree.
        key: Which array of an ``.npz`` file to read.
        grey: Whether colours of files are turned to grey, which is ``channels=1``.
        channels: 1 or 3 of files: turns all to grey, or reads grey ones as colours. By default 3
            if any file has colours.
        background: Colour behind transparent places of files, by name or as ``#rrggbb``.
        whole: Whether all images form the test part, in their order, and the others are empty; of
            an ``.npz`` file with parts, those of the test. Files that cannot be read are then
            among them; see ``keep`` of `Images.batches`.
        seed: Seed of the split.

    Returns:
        The images. `Images.remarks` says what was left out or converted, `Images.names` names
        the files.

    Raises:
        InputError: If there are none, their sizes differ, or values are not bytes.
    """
    path = Path(source)
    if channels not in (None, 1, 3) or (grey and channels == 3):
        raise InputError(
            f"channels is {channels!r} and grey {grey}; give 1 for grey, 3 for colours."
        )
    if path.is_dir() or (path.suffix.lower() in SUFFIXES and path.exists()):
        return _from_pictures(path, size, 1 if grey else channels, whole, seed, background)
    name = str(source)
    if name in KERAS_NAMES and not path.exists():
        return _from_parts(from_keras(name), name, size, whole, seed)
    if name.startswith("tfds:"):
        return _from_parts(from_tfds(name.removeprefix("tfds:")), name, size, whole, seed)
    return _from_parts(from_file(path, key), name, size, whole, seed)


def _from_pictures(
    source: Path, size: int | None, channels: int | None, whole: bool, seed: int, background: str
) -> FolderImages:
    background_colour(background)
    if source.is_file() and not whole:
        raise InputError(f"{source} is one picture; give a folder of them.")
    found = find_pictures(source)
    facts = found.facts
    if not facts:
        raise InputError(f"None of the {len(found.files)} images in {source} can be read.")
    if channels is None:
        channels = 1 if all(fact.grey for fact in facts.values()) else 3
    shapes = {(fact.height, fact.width): file for file, fact in facts.items()}
    if size is None and len(shapes) > 1:
        (one, first), (other, second) = list(shapes.items())[:2]
        raise InputError(
            f"{name_in(source, first)} is {one[1]} x {one[0]} pixels and "
            f"{name_in(source, second)} {other[1]} x {other[0]}; give the size to bring all of "
            "them to."
        )
    shape = (*(next(iter(shapes)) if size is None else (size, size)), channels)
    remarks = remarks_on(facts.values(), size=size, channels=channels, background=background)
    # What cannot be read has no place in a fit, but keeps its place among scores.
    files = np.empty(len(found.files if whole else facts), object)
    files[:] = found.files if whole else list(facts)
    parts = _split(files, whole, seed)
    return FolderImages(
        shape,
        Splits(*map(len, parts)),
        remarks=(*found.remarks, *remarks),
        files=parts,
        skipped=found.skipped,
        root=source,
        background=background,
    )


def _from_parts(arrays: dict[str, np.ndarray], name: str, size, whole, seed) -> ArrayImages:
    pixels = {part: checked(a, name, size) for part, a in arrays.items() if part[:2] != "y_"}
    if len({values.shape[1:] for values in pixels.values()}) > 1:
        raise InputError(f"The parts of {name} have images of different sizes.")
    labels = {
        p: np.asarray(a).reshape(-1).astype(np.int32) for p, a in arrays.items() if p[:2] == "y_"
    }
    if "" in pixels:
        orders = _split(np.arange(len(pixels[""])), whole, seed)
        parts = Splits(*(pixels[""][order] for order in orders))
        return ArrayImages(parts.train.shape[1:], Splits(*map(len, parts)), pixels=parts)
    train, validation, test = (pixels.get(part) for part in ("train", "val", "test"))
    order = generator(seed).permutation(len(train))
    missing = [part for part, values in (("val", validation), ("test", test)) if values is None]
    cut = {part: len(train) // 10 for part in missing}
    own = {part: labels.get(f"y_{part}") for part in ("train", "val", "test")}
    for part in missing:
        taken, order = order[: cut[part]], order[cut[part] :]
        pixels[part] = train[taken]
        own[part] = None if own["train"] is None else own["train"][taken]
    pixels["train"] = train[order]
    own["train"] = None if own["train"] is None else own["train"][order]
    parts = Splits(*(pixels[part] for part in ("train", "val", "test")))
    if any(not len(part) for part in parts):
        raise InputError(f"{name} has too few images to split off {' and '.join(missing)}.")
    known = all(own[part] is not None for part in own)
    classes = int(max(values.max() for values in own.values())) + 1 if known else 0
    return ArrayImages(
        parts.train.shape[1:],
        Splits(*map(len, parts)),
        classes,
        pixels=parts,
        labels=Splits(*(own[part] for part in ("train", "val", "test"))) if known else None,
    )


def _split(values: np.ndarray, whole: bool, seed: int) -> Splits:
    return Splits(values[:0], values[:0], values) if whole else split(values, seed=seed)

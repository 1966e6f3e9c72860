"""Images from arrays, folders and known data sets, as streams of batches.

Arrays are kept as bytes and folders are read as they are needed, so that neither costs four bytes
a number before its batch is due.
"""

import abc
import dataclasses
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._checks import generator
from tfp_flows.datasets.splits import Splits, split
from tfp_flows.errors import InputError, unknown_name

if TYPE_CHECKING:
    import tensorflow as tf

SUFFIXES = (".jpg", ".jpeg", ".png")
KERAS_NAMES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
_PARTS = Splits._fields


@dataclasses.dataclass(frozen=True)
class Images(abc.ABC):
    """Images in three parts.

    Attributes:
        shape: ``(height, width, channels)``.
        sizes: Number of training, validation and test images.
        classes: Number of classes; 0 without labels.
    """

    shape: tuple[int, int, int]
    sizes: Splits
    classes: int = 0

    def batches(
        self,
        part: str,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        flip: bool = False,
        labels: bool = False,
        full: bool = False,
        epoch: "int | tf.Variable | None" = None,
    ) -> "tf.data.Dataset":
        """A stream of one part, for `FlowModel.fit`, `evaluate` and `predict`.

        Args:
            part: ``"train"``, ``"validation"`` or ``"test"``.
            batch_size: Images a batch; the last may have fewer.
            shuffle: Whether each pass has an order of its own, drawn from the seed.
            seed: Seed of orders and flips.
            flip: Whether images are flipped left to right, every other on average.
            labels: Whether batches are pairs with one-hot classes as context.
            full: Whether the last batch is filled up with images from the beginning. All batches
                then have one shape, for which one program is compiled, and their number is the
                same each time, even if files turn out to be damaged.
            epoch: Number of the pass, on which order and flips depend beside the seed: a variable
                is read when a pass begins, such as `ResumableTraining.epoch_number`, with which a
                resumed training sees what an uninterrupted one does. None counts the passes.

        Returns:
            Batches of float32 ``[n, height, width, channels]`` of integers 0 to 255, or pairs of
            these with ``[n, classes]``.

        Raises:
            InputError: If there is no such part, or there are no labels.
        """
        import tensorflow as tf

        if part not in _PARTS:
            raise unknown_name("part", part, _PARTS)
        if labels and not self.classes:
            raise InputError("These images have no labels; leave labels out.")
        index = _PARTS.index(part)
        batches = math.ceil(self.sizes[index] / batch_size)
        read, certain = self._reader(index)
        passed = tf.Variable(-1, dtype=tf.int64, trainable=False)

        def one_pass(_):
            number = passed.assign_add(1) if epoch is None else tf.cast(epoch, tf.int64)
            return tf.data.Dataset.from_tensors(number)

        def images_of(number):
            seeds = tf.stack([tf.constant(seed, tf.int64), number])
            order = tf.range(self.sizes[index])
            if shuffle:
                order = tf.random.experimental.stateless_shuffle(order, seeds)
            turned = tf.random.stateless_uniform(tf.shape(order), [seed + 1, number]) < 0.5
            stream = tf.data.Dataset.from_tensor_slices((order, turned))
            parallel = None if certain else tf.data.AUTOTUNE
            stream = stream.map(lambda i, turn: (*read(i), turn), num_parallel_calls=parallel)
            if not certain:
                stream = stream.filter(lambda image, *_: tf.size(image) > 0)
            stream = stream.map(finish)
            return stream.repeat() if full else stream

        def finish(image, label, turn):
            image = tf.ensure_shape(image, self.shape)
            if flip:
                image = tf.where(turn, image[:, ::-1], image)
            return image, label

        def converted(image, label):
            image = tf.cast(image, tf.float32)
            return (image, tf.one_hot(label, self.classes)) if labels else image

        stream = tf.data.Dataset.range(1).flat_map(one_pass).flat_map(images_of)
        stream = stream.batch(batch_size, drop_remainder=full).map(converted)
        if full:
            stream = stream.take(batches)
        if full or certain:
            stream = stream.apply(tf.data.experimental.assert_cardinality(batches))
        stream = stream.prefetch(2)
        # It lives as long as what reads it.
        stream._passed = passed
        return stream

    @abc.abstractmethod
    def _reader(self, part: int) -> tuple[Callable, bool]:
        """A function that reads the image at a place of a part, and whether it always can.

        The function returns bytes, ``[0, 0, 0]`` where it cannot, and a label.
        """


@dataclasses.dataclass(frozen=True)
class ArrayImages(Images):
    """Images that are in memory.

    Attributes:
        pixels: Bytes ``[n, *shape]`` of each part.
        labels: Integers ``[n]`` of each part, or None.
    """

    pixels: Splits | None = None
    labels: Splits | None = None

    def _reader(self, part):
        import tensorflow as tf

        pixels = self.pixels[part]
        labels = np.zeros(len(pixels)) if self.labels is None else self.labels[part]
        pixels, labels = tf.constant(pixels), tf.constant(labels, tf.int32)
        return lambda i: (pixels[i], labels[i]), True


@dataclasses.dataclass(frozen=True)
class FolderImages(Images):
    """Images in files, read batch by batch.

    Files that cannot be read are left out; `skipped` names them.

    Attributes:
        files: Paths of each part.
        skipped: Names of the files that could not be read, with the reason.
    """

    files: Splits | None = None
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)

    def _reader(self, part):
        import tensorflow as tf

        paths = tf.constant([str(path) for path in self.files[part]])

        def read(i):
            image = tf.numpy_function(self._read, [paths[i]], tf.uint8)
            return tf.ensure_shape(image, [None, None, None]), 0

        return read, False

    def _read(self, path: bytes) -> np.ndarray:
        path = Path(os.fsdecode(path))
        try:
            return read_image(path, self.shape)
        except InputError as error:
            self.skipped[path.name] = str(error)
            return np.zeros([0, 0, 0], np.uint8)


def read_image(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Reads an image, cropped to the middle in the ratio of ``shape`` and resized to it.

    Returns:
        Bytes of the given shape; one channel is grey, three are red, green and blue.

    Raises:
        InputError: If the file is damaged or no image.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            image = image.convert("L" if shape[2] == 1 else "RGB")
            image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling.BOX)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"Cannot read {path}: it is damaged or no image ({error}).") from error
    return np.asarray(image, np.uint8).reshape(shape)


def load_images(
    source: str | os.PathLike[str],
    *,
    size: int | None = None,
    key: str | None = None,
    grey: bool = False,
    whole: bool = False,
    seed: int = 0,
) -> Images:
    """Finds images and divides them into training, validation and test parts.

    Args:
        source: A folder of .jpg and .png files, at any depth; a ``.npy`` file or an ``.npz`` file
            with bytes ``[n, height, width]`` or ``[n, height, width, channels]``; ``mnist``,
            ``fashion_mnist``, ``cifar10`` or ``cifar100``; or ``tfds:NAME`` for a data set of
            tensorflow_datasets. An ``.npz`` file may hold the parts as ``train`` (or ``x_train``),
            ``val`` and ``test``, with labels as ``y_train`` and so on; what is missing is split
            off.
        size: Height and width. Arrays are padded with zeros to it, files cropped and resized; by
            default arrays stay as they are, and files must agree.
        key: Which array of an ``.npz`` file to read.
        grey: Whether colours of files are turned to grey.
        whole: Whether all images form the test part, in their order, and the others are empty; of
            an ``.npz`` file with parts, those of the test.
        seed: Seed of the split.

    Returns:
        The images.

    Raises:
        InputError: If there are none, their sizes differ, or values are not bytes.
    """
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, size, grey, whole, seed)
    name = str(source)
    if name in KERAS_NAMES and not path.exists():
        return _from_parts(_from_keras(name), name, size, whole, seed)
    if name.startswith("tfds:"):
        return _from_parts(_from_tfds(name.removeprefix("tfds:")), name, size, whole, seed)
    return _from_parts(_from_file(path, key), name, size, whole, seed)


def _from_folder(path: Path, size, grey, whole, seed) -> FolderImages:
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise InputError(f"{path} holds no {', '.join(SUFFIXES)} files; give a folder of images.")
    shapes, skipped, good = {}, {}, []
    for file in files:
        try:
            shapes.setdefault(_shape_of(file, grey), file)
            good.append(file)
        except InputError as error:
            skipped[file.name] = str(error)
    if not good:
        raise InputError(f"None of the {len(files)} images in {path} can be read.")
    channels = {shape[2] for shape in shapes}
    if len(channels) > 1:
        one, other = (next(f for s, f in shapes.items() if s[2] == c) for c in (1, 3))
        raise InputError(
            f"{one.name} is grey and {other.name} is in colour; make them alike, or turn all to "
            "grey."
        )
    if size is None and len(shapes) > 1:
        (one, first), (other, second) = list(shapes.items())[:2]
        raise InputError(
            f"{first.name} is {one[1]} x {one[0]} pixels and {second.name} {other[1]} x "
            f"{other[0]}; give the size to bring all of them to."
        )
    shape = next(iter(shapes)) if size is None else (size, size, channels.pop())
    parts = _split(np.array(good, object), whole, seed)
    return FolderImages(shape, Splits(*map(len, parts)), files=parts, skipped=skipped)


def _shape_of(path: Path, grey: bool) -> tuple[int, int, int]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            channels = 1 if grey or image.mode in ("1", "L", "LA", "I", "I;16", "F") else 3
            return image.height, image.width, channels
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"Cannot read {path}: it is damaged or no image ({error}).") from error


def _from_file(path: Path, key: str | None) -> dict[str, np.ndarray]:
    if path.suffix not in (".npy", ".npz"):
        raise InputError(
            f"Cannot read images from {path}: give a folder of images, an .npy or .npz file, "
            f"{', '.join(KERAS_NAMES)}, or tfds:NAME."
        )
    if not path.exists():
        raise InputError(f"Cannot read {path}: there is no such file; check the path.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        with loaded:
            return _named_arrays(path, loaded, key)
    except InputError:
        raise
    except Exception as error:  # NumPy and zipfile raise anything
        raise InputError(f"Cannot read {path}: it is damaged or no NumPy file.") from error


_NAMES = {
    "train": ("train", "x_train"),
    "val": ("val", "validation", "x_val"),
    "test": ("test", "x_test"),
}


def _named_arrays(path, archive, key):
    names = archive.files
    if key is not None:
        if key not in names:
            raise unknown_name("key", key, names)
        return {"": archive[key]}
    found = {}
    for part, choices in _NAMES.items():
        for name in (n for n in choices if n in names):
            found[part] = archive[name]
            label = f"y_{name.removeprefix('x_')}"
            if label in names:
                found[f"y_{part}"] = archive[label]
    if "train" in found:
        return found
    if len(names) != 1:
        raise InputError(
            f"{path} holds {len(names)} arrays ({', '.join(names)}); choose one by its key."
        )
    return {"": archive[names[0]]}


def _from_keras(name: str) -> dict[str, np.ndarray]:
    import tensorflow as tf

    module = getattr(tf.keras.datasets, name)
    return _downloaded(name, lambda: _of_pairs(*module.load_data()))


def _of_pairs(train, test):
    return {"train": train[0], "y_train": train[1], "test": test[0], "y_test": test[1]}


def _from_tfds(name: str) -> dict[str, np.ndarray]:
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise InputError(
            f"tfds:{name} needs tensorflow_datasets; pip install 'tfp-flows[images]'."
        ) from None

    def load():
        parts = tfds.as_numpy(tfds.load(name, batch_size=-1))
        arrays = {part: values["image"] for part, values in parts.items()}
        labels = {f"y_{p}": values["label"] for p, values in parts.items() if "label" in values}
        return arrays | labels

    return _downloaded(name, load)


def _downloaded(name: str, load: Callable[[], dict]) -> dict[str, np.ndarray]:
    try:
        return load()
    except Exception as error:  # urllib, ssl, tfds: anything between here and the server
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise InputError(
            f"Cannot download {name}: {reason}. Check the network, or give a file or a folder."
        ) from error


def _from_parts(arrays: dict[str, np.ndarray], name: str, size, whole, seed) -> ArrayImages:
    pixels = {part: _checked(a, name, size) for part, a in arrays.items() if part[:2] != "y_"}
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


def _checked(values, name: str, size: int | None) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[3] not in (1, 3) or not len(values):
        raise InputError(
            f"{name} holds an array of shape {values.shape}; images need [n, height, width] or "
            "[n, height, width, channels] with 1 or 3 channels."
        )
    if values.dtype != np.uint8:
        low, high = values.min(), values.max()
        if low >= 0 and high <= 1:
            raise InputError(
                f"{name} holds values from {low:g} to {high:g}, as of images scaled to [0, 1]; "
                "give the whole numbers from 0 to 255."
            )
        if not (low >= 0 and high <= 255 and np.array_equal(values, np.round(values))):
            raise InputError(
                f"{name} holds values from {low:g} to {high:g}; images need whole numbers from 0 "
                "to 255."
            )
        values = values.astype(np.uint8)
    return values if size is None else _padded(values, name, size)


def _padded(values: np.ndarray, name: str, size: int) -> np.ndarray:
    height, width = values.shape[1:3]
    if max(height, width) > size:
        raise InputError(
            f"{name} holds images of {width} x {height} pixels, larger than size {size}; give a "
            "size that holds them."
        )
    spare = [(0, 0), *(((size - n) // 2, size - n - (size - n) // 2) for n in (height, width))]
    return np.pad(values, [*spare, (0, 0)])

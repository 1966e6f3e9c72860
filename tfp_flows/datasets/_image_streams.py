"""Images in three parts, as streams of batches.

Arrays are kept as bytes and folders are read as they are needed, so that neither costs four bytes
a number before its batch is due.
"""

import abc
import dataclasses
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfp_flows.datasets._folders import name_in
from tfp_flows.datasets._pictures import read_image
from tfp_flows.datasets.splits import Splits
from tfp_flows.errors import InputError, unknown_name

if TYPE_CHECKING:
    import tensorflow as tf

_PARTS = Splits._fields


@dataclasses.dataclass(frozen=True)
class Images(abc.ABC):
    """Images in three parts.

    Attributes:
        shape: ``(height, width, channels)``.
        sizes: Number of training, validation and test images.
        classes: Number of classes; 0 without labels.
        remarks: What was done in reading and could have been meant otherwise, a sentence each.
    """

    shape: tuple[int, int, int]
    sizes: Splits
    classes: int = 0
    remarks: tuple[str, ...] = ()

    def names(self, part: str) -> list[str] | None:
        """Names of the images of a part, in their order, as of files; None if they have none.

        Raises:
            InputError: If there is no such part.
        """
        _index_of(part)
        return None

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
        keep: bool = False,
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
            keep: Whether files that cannot be read keep their place, as images of NaN; they are
                left out otherwise.

        Returns:
            Batches of float32 ``[n, height, width, channels]`` of integers 0 to 255, or pairs of
            these with ``[n, classes]``.

        Raises:
            InputError: If there is no such part, or there are no labels.
        """
        import tensorflow as tf

        index = _index_of(part)
        if labels and not self.classes:
            raise InputError("These images have no labels; leave labels out.")
        stream = self._stream(index, shuffle, seed, keep)
        if flip:
            stream = stream.map(
                lambda image, label: (_flipped(image, seed), label), num_parallel_calls=2
            )
        if full:
            stream = stream.repeat().batch(batch_size, drop_remainder=True)
            stream = stream.take(math.ceil(self.sizes[index] / batch_size))
        else:
            stream = stream.batch(batch_size)

        def finish(image, label):
            image = tf.cast(image, tf.float32)
            if keep:
                readable = tf.reshape(label >= 0, [-1, 1, 1, 1])
                image = tf.where(readable, image, np.float32(np.nan))
            return (image, tf.one_hot(label, self.classes)) if labels else image

        return stream.map(finish).prefetch(2)

    @abc.abstractmethod
    def _stream(self, part: int, shuffle: bool, seed: int, keep: bool) -> "tf.data.Dataset":
        """Images of bytes, one by one, each with its label, -1 of one that cannot be read."""


@dataclasses.dataclass(frozen=True)
class ArrayImages(Images):
    """Images that are in memory.

    Attributes:
        pixels: Bytes ``[n, *shape]`` of each part.
        labels: Integers ``[n]`` of each part, or None.
    """

    pixels: Splits | None = None
    labels: Splits | None = None

    def _stream(self, part, shuffle, seed, keep):
        import tensorflow as tf

        pixels = self.pixels[part]
        labels = np.zeros(len(pixels)) if self.labels is None else self.labels[part]
        pixels, labels = tf.constant(pixels), tf.constant(labels, tf.int32)
        order = tf.data.Dataset.range(len(pixels))
        if shuffle:
            order = order.shuffle(len(pixels), seed=seed, reshuffle_each_iteration=True)
        return order.map(lambda i: (pixels[i], labels[i]))


@dataclasses.dataclass(frozen=True)
class FolderImages(Images):
    """Images in files, read batch by batch; see `read_image`.

    Attributes:
        files: Paths of each part. Files that are known to be damaged are among them only if all
            files are one part.
        skipped: Names of the files that could not be read, with the reason; more may be found as
            they are read.
        root: The folder, or the one file.
        background: Colour behind transparent places.
    """

    files: Splits | None = None
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    root: Path = Path()
    background: str = "white"

    def names(self, part):
        """Names of the files of a part, with their subfolders, in their order.

        Raises:
            InputError: If there is no such part.
        """
        return [name_in(self.root, file) for file in self.files[_index_of(part)]]

    def _stream(self, part, shuffle, seed, keep):
        import tensorflow as tf

        # As bytes: names of files need not be text.
        files = tf.constant([os.fsencode(file) for file in self.files[part]], tf.string)
        paths = tf.data.Dataset.from_tensor_slices(files)
        if shuffle:
            paths = paths.shuffle(len(files), seed=seed, reshuffle_each_iteration=True)

        def read(path):
            image, label = tf.numpy_function(self._read, [path], (tf.uint8, tf.int32))
            return tf.ensure_shape(image, self.shape), tf.ensure_shape(label, [])

        images = paths.map(read, num_parallel_calls=tf.data.AUTOTUNE)
        return images if keep else images.filter(lambda _, label: label >= 0)

    def _read(self, path: bytes) -> tuple[np.ndarray, np.ndarray]:
        file = Path(os.fsdecode(path))
        try:
            return read_image(file, self.shape, background=self.background), np.int32(0)
        except InputError as error:
            self.skipped[name_in(self.root, file)] = str(error)
            return np.zeros(self.shape, np.uint8), np.int32(-1)


def _flipped(image, seed):
    import tensorflow as tf

    return tf.image.random_flip_left_right(image, seed=seed)


def _index_of(part: str) -> int:
    if part not in _PARTS:
        raise unknown_name("part", part, _PARTS)
    return _PARTS.index(part)

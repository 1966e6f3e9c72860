"""Images in three parts, as streams of batches.

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
            keep: Whether files that cannot be read keep their place, as images of NaN; they are
                left out otherwise.
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

        index = _index_of(part)
        if labels and not self.classes:
            raise InputError("These images have no labels; leave labels out.")
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
            stream = stream.map(one_image, num_parallel_calls=parallel)
            if not (certain or keep):
                stream = stream.filter(lambda _, label: label >= 0)
            return stream.repeat() if full else stream

        def one_image(i, turn):
            image, label = read(i)
            return (tf.where(turn, image[:, ::-1], image) if flip else image), label

        def finish(image, label):
            image = tf.cast(image, tf.float32)
            if keep:
                readable = tf.reshape(label >= 0, [-1, 1, 1, 1])
                image = tf.where(readable, image, np.float32(np.nan))
            return (image, tf.one_hot(label, self.classes)) if labels else image

        stream = tf.data.Dataset.range(1).flat_map(one_pass).flat_map(images_of)
        stream = stream.batch(batch_size, drop_remainder=full).map(finish)
        if full:
            stream = stream.take(batches)
        if full or certain or keep:
            stream = stream.apply(tf.data.experimental.assert_cardinality(batches))
        stream = stream.prefetch(2)
        # A variable lives no longer than who holds it.
        stream._passed = passed
        return stream

    @abc.abstractmethod
    def _reader(self, part: int) -> tuple[Callable, bool]:
        """A function of a place in a part, and whether all that it reads can be read.

        The function returns the bytes of the image there and its label, -1 if it cannot be read.
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

    def _reader(self, part):
        import tensorflow as tf

        # As bytes: names of files need not be text.
        files = tf.constant([os.fsencode(file) for file in self.files[part]], tf.string)

        def read(i):
            image, label = tf.numpy_function(self._read, [files[i]], (tf.uint8, tf.int32))
            return tf.ensure_shape(image, self.shape), tf.ensure_shape(label, [])

        return read, False

    def _read(self, path: bytes) -> tuple[np.ndarray, np.ndarray]:
        file = Path(os.fsdecode(path))
        try:
            return read_image(file, self.shape, background=self.background), np.int32(0)
        except InputError as error:
            self.skipped[name_in(self.root, file)] = str(error)
            return np.zeros(self.shape, np.uint8), np.int32(-1)


def _index_of(part: str) -> int:
    if part not in _PARTS:
        raise unknown_name("part", part, _PARTS)
    return _PARTS.index(part)

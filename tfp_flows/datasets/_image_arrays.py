"""Images in arrays: from files of NumPy and known data sets, checked to be bytes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfp_flows.errors import InputError, unknown_name

KERAS_NAMES = ("mnist", "fashion_mnist", "cifar10", "cifar100")


def from_file(path: Path, key: str | None) -> dict[str, np.ndarray]:
    """Arrays of a ``.npy`` or ``.npz`` file, by the name of their part.

    Raises:
        InputError: If it is missing, damaged or of another kind, or holds several arrays.
    """
    if path.suffix.lower() not in (".npy", ".npz"):
        archive = path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z")
        raise InputError(
            f"Cannot read images from {path}: "
            f"{'unpack it, and ' if archive else ''}give a folder of images, an .npy or .npz file, "
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


def from_keras(name: str) -> dict[str, np.ndarray]:
    """Arrays of a data set that Keras downloads, by the name of their part.

    Raises:
        InputError: If it cannot be downloaded.
    """
    import tensorflow as tf

    module = getattr(tf.keras.datasets, name)
    return _downloaded(name, lambda: _of_pairs(*module.load_data()))


def _of_pairs(train, test):
    return {"train": train[0], "y_train": train[1], "test": test[0], "y_test": test[1]}


def from_tfds(name: str) -> dict[str, np.ndarray]:
    """Arrays of a data set of tensorflow_datasets, by the name of their part.

    Raises:
        InputError: If the package is missing, or the data set cannot be downloaded.
    """
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


def checked(values: np.ndarray, name: str, size: int | None) -> np.ndarray:
    """Bytes ``[n, height, width, channels]``, padded to a size.

    Raises:
        InputError: If the values are no bytes, or images are larger than the size.
    """
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        raise InputError(
            f"{name} holds {values.dtype} values; images need whole numbers from 0 to 255."
        )
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
        if values.dtype == np.uint16 and high > 255:
            raise InputError(
                f"{name} holds 16-bit values from {low} to {high}; give the upper 8 bits, "
                "values >> 8 if 65535 is white."
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

"""Images as the densities of the literature see them: dequantised, and mapped to the real line.

Grey levels 0 to 255 become continuous by uniform noise in [0, 1). The noise is drawn once, from
the seed, for all parts: every model sees the same numbers. Each preparation says by how much it
stretches volume against grey levels, so that a density of its values is also one of the pixels.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfp_flows.datasets import Splits
from tfp_flows.errors import InputError

LOGIT_ALPHA = 1e-6
"""The MAF paper's for MNIST: pixels shrink into [alpha, 1 - alpha] before the logit."""

_LEVELS = 256
_MNIST_VALIDATION = 10_000
_CHUNK = 5_000


class Prepared(NamedTuple):
    """Values ``[n, D]``, float32, and log |d values / d grey levels| ``[n]``, in nats."""

    values: np.ndarray
    log_det: np.ndarray


def mean_free(grey: np.ndarray) -> Prepared:
    """Patches without their mean and without their last pixel, which then follows from the others.

    Source: Zoran and Weiss 2011; Uria, Murray and Larochelle 2013, arXiv:1306.0186, section 4.2.

    Args:
        grey: Dequantised patches ``[n, 64]`` in [0, 256).

    Returns:
        ``[n, 63]``, in units of 256 grey levels. The log-det is that of the change of units, so
        the density per grey level is one of the 63 remaining values, not of the whole patch.
    """
    scaled = grey / _LEVELS
    values = (scaled - scaled.mean(axis=1, keepdims=True))[:, :-1]
    log_det = np.full(len(values), -values.shape[1] * np.log(_LEVELS))
    return Prepared(values.astype(np.float32), log_det)


def logit(grey: np.ndarray) -> Prepared:
    """Pixels in logit space, ``logit(alpha + (1 - 2 alpha) grey / 256)``.

    Source: Papamakarios et al. 2017, arXiv:1705.07057, section 4.3.

    Args:
        grey: Dequantised images ``[n, D]`` in [0, 256).

    Returns:
        ``[n, D]``.
    """
    share = LOGIT_ALPHA + (1 - 2 * LOGIT_ALPHA) * grey / _LEVELS
    values = np.log(share) - np.log1p(-share)
    slope = np.log((1 - 2 * LOGIT_ALPHA) / _LEVELS) - np.log(share) - np.log1p(-share)
    return Prepared(values.astype(np.float32), slope.sum(axis=1))


def load_patches(path: Path, seed: int) -> tuple[Splits, Splits]:
    """Reads ``train``, ``val`` and ``test``, uint8 ``[n, 64]``, of a ``.npz`` file.

    Args:
        path: The file.
        seed: Seed of the noise.

    Returns:
        The parts after `mean_free`, and their log-dets.

    Raises:
        InputError: If the file is not of this form.
    """
    arrays = _read(path, ("train", "val", "test"))
    for name, array in arrays.items():
        _check(path, name, array, (64,))
    return _prepare(list(arrays.values()), mean_free, seed)


def load_mnist(path: Path, seed: int) -> tuple[Splits, Splits]:
    """Reads ``x_train`` and ``x_test``, uint8 ``[n, 28, 28]``, of a ``.npz`` file.

    The last 10,000 training images (or the last sixth, of fewer than 60,000) are for validation.

    Args:
        path: The file.
        seed: Seed of the noise.

    Returns:
        The parts after `logit`, and their log-dets.

    Raises:
        InputError: If the file is not of this form.
    """
    arrays = _read(path, ("x_train", "x_test"))
    for name, array in arrays.items():
        _check(path, name, array, (28, 28))
    train, test = (array.reshape(len(array), -1) for array in arrays.values())
    held_out = min(_MNIST_VALIDATION, -(-len(train) // 6))
    return _prepare([train[:-held_out], train[-held_out:], test], logit, seed)


def _read(path: Path, names: tuple[str, ...]) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive.files]
            if missing:
                raise InputError(
                    f"{path} lacks the arrays {', '.join(missing)}; it holds "
                    f"{', '.join(archive.files)}."
                )
            return {name: archive[name] for name in names}
    except InputError:
        raise
    except Exception as error:  # a damaged archive fails anywhere in the decoders
        raise InputError(f"Cannot read {path} as a .npz file of images ({error}).") from error


def _check(path: Path, name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.dtype != np.uint8 or array.shape[1:] != shape or len(array) < 2:
        expected = ", ".join(["n", *map(str, shape)])
        raise InputError(
            f"{name!r} of {path} is {array.dtype} of shape {array.shape}; it should be uint8 of "
            f"shape [{expected}] with n > 1."
        )


def _prepare(
    parts: list[np.ndarray], transform: Callable[[np.ndarray], Prepared], seed: int
) -> tuple[Splits, Splits]:
    rng = np.random.default_rng(seed)
    done = []
    for pixels in parts:
        # In chunks: the intermediate arrays are float64.
        chunks = [pixels[i : i + _CHUNK] for i in range(0, len(pixels), _CHUNK)]
        prepared = [transform(chunk + rng.random(chunk.shape)) for chunk in chunks]
        done.append(Prepared(*(np.concatenate(arrays) for arrays in zip(*prepared, strict=True))))
    return Splits(*(part.values for part in done)), Splits(*(part.log_det for part in done))

"""Weights of a legacy PyTorch file as arrays, without PyTorch and without running what is in it."""

import collections
import pickle
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from tfp_flows.errors import InputError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return _Tensor(storage, int(offset), tuple(shape), tuple(strides))


class _Restricted(pickle.Unpickler):
    """Accepts ordered dicts, tensors and storages of floats and integers: nothing that runs."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid):
        kind, dtype, key, _, size, *view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or any(view):
            raise pickle.UnpicklingError(f"it names a {kind!r} that is no plain storage")
        return _Storage(str(key), dtype, int(size))


def load(path: Path) -> dict[str, np.ndarray]:
    """Reads a state dict that ``torch.save`` wrote in the format from before PyTorch 1.6.

    Three pickles (a magic number, a version, facts of the machine), the pickle of the dict, in
    which tensors name storages by key, the pickle of all keys, and the storages in their order.

    Args:
        path: The file.

    Returns:
        Arrays by name: float32 and int64.

    Raises:
        InputError: If the file is missing, damaged, of another format, or holds anything but an
            ordered dict of tensors of floats and integers.
    """
    try:
        with path.open("rb") as file:
            if _plain(file) != _MAGIC or _plain(file) != _PROTOCOL:
                raise pickle.UnpicklingError("it is not of the legacy format")
            _plain(file)
            found = _Restricted(file).load()
            tensors = dict(found) if isinstance(found, dict) else {}
            if not tensors or not all(isinstance(one, _Tensor) for one in tensors.values()):
                raise pickle.UnpicklingError("it holds something else than named tensors")
            wanted = {one.storage.key: one.storage for one in tensors.values()}
            storages = {key: _storage(file, wanted[key]) for key in map(str, _plain(file))}
        return {name: _array(one, storages[one.storage.key]) for name, one in tensors.items()}
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except Exception as error:  # damaged pickles raise anything
        raise InputError(
            f"{path} is no legacy PyTorch file of named tensors, or is damaged ({error})."
        ) from error


def _plain(file: BinaryIO):
    return _Restricted(file).load()


def _storage(file: BinaryIO, storage: _Storage) -> np.ndarray:
    (size,) = struct.unpack("<q", file.read(8))
    if size != storage.size:
        raise ValueError(f"a storage of {size} numbers where {storage.size} were announced")
    return np.frombuffer(file.read(size * storage.dtype.itemsize), storage.dtype, count=size)


def _array(tensor: _Tensor, storage: np.ndarray) -> np.ndarray:
    steps = [(n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)]
    if min([tensor.offset, *tensor.strides, *tensor.shape, 0]) < 0:
        raise ValueError("a tensor with negative sizes")
    if 0 not in tensor.shape and tensor.offset + sum(steps) >= len(storage):
        raise ValueError("a tensor beyond its storage")
    whole = storage[tensor.offset :]
    strides = [step * storage.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(whole, tensor.shape, strides).copy()

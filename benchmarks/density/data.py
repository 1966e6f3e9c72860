"""The data: which kind a file is, and the three parts that every model gets."""

import dataclasses
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmarks.density import images
from tfp_flows.datasets import Splits, check_table, load_maf_table, load_table, split
from tfp_flows.errors import InputError, unknown_name


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """Data whose density is to be learned.

    Attributes:
        kind: A key of `KINDS`.
        path: The file.
        splits: float32 parts ``[rows, D]``; log-likelihoods are reported in their units.
        pixel_log_det: For images, log |d values / d grey levels| of each row, parts ``[rows]``.
    """

    kind: str
    path: Path
    splits: Splits
    pixel_log_det: Splits | None = None

    @property
    def size(self) -> int:
        """Number of dimensions D."""
        return self.splits.train.shape[1]

    def rows(self) -> dict[str, int]:
        """Number of rows of each part."""
        return {name: len(part) for name, part in self.splits._asdict().items()}


def load(path: Path, kind: str | None = None, *, seed: int = 0) -> Task:
    """Reads and prepares a file.

    Args:
        path: The file; see `KINDS`.
        kind: A key of `KINDS`; found from content and name if None.
        seed: Seed of dequantisation noise and splits.

    Raises:
        InputError: An unknown kind, or a file that is missing or not of the expected form.
    """
    if kind is not None and kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if not path.exists():
        raise InputError(f"There is no file {path}; check --data.")
    kind = kind or recognise(path)
    return KINDS[kind](kind, path, seed)


def recognise(path: Path) -> str:
    """The kind of an existing file, from the arrays in a ``.npz`` file or else from its name.

    Raises:
        InputError: If a ``.npz`` file holds several arrays, but not those of a known kind.
    """
    if path.suffix == ".npz" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            keys = {Path(name).stem for name in archive.namelist()}
        for kind, needed in _ARRAYS.items():
            if needed <= keys:
                return kind
        if len(keys) > 1:
            raise InputError(
                f"{path} holds {', '.join(sorted(keys))}; give one array, or train, val, test "
                "(patches), or x_train, x_test (MNIST)."
            )
    return next((kind for mark, kind in _NAMES.items() if mark in path.name.lower()), "table")


def standardised(splits: Splits) -> tuple[Splits, float]:
    """Columns of mean 0 and standard deviation 1, measured on the training part.

    Every flow is trained on these, so that none depends on a library's own scaling.

    Args:
        splits: Parts ``[rows, D]``.

    Returns:
        The parts, float32, and the log-det: what to add to their log-densities, in nats, to have
        those of the given values.

    Raises:
        InputError: If a column is constant.
    """
    mean = splits.train.mean(axis=0, dtype=np.float64)
    scale = splits.train.std(axis=0, dtype=np.float64)
    if not scale.all():
        column = int(np.flatnonzero(scale == 0)[0])
        raise InputError(
            f"Column {column} (from 0) holds the same value in every training row, which has no "
            "density; leave it out."
        )
    parts = Splits(*(((part - mean) / scale).astype(np.float32) for part in splits))
    return parts, -float(np.log(scale).sum())


def _patches(kind: str, path: Path, seed: int) -> Task:
    return Task(kind, path, *images.load_patches(path, seed))


def _mnist(kind: str, path: Path, seed: int) -> Task:
    return Task(kind, path, *images.load_mnist(path, seed))


def _maf_table(kind: str, path: Path, seed: int) -> Task:
    with warnings.catch_warnings():
        # It warns of sizes other than the published ones; the report says so in its own words.
        warnings.simplefilter("ignore")
        return Task(kind, path, load_maf_table(kind, path, seed=seed))


def _miniboone(kind: str, path: Path, seed: int) -> Task:
    return (_maf_table if path.suffix == ".txt" else _table)(kind, path, seed)


def _table(kind: str, path: Path, seed: int) -> Task:
    table = load_table(path)
    check_table(table)
    return Task(kind, path, standardised(split(table.values, seed=seed))[0])


KINDS: Mapping[str, Callable[[str, Path, int], Task]] = MappingProxyType(
    {
        "bsds": _patches,
        "mnist": _mnist,
        "power": _maf_table,
        "gas": _maf_table,
        "hepmass": _maf_table,
        "miniboone": _miniboone,
        "bsds300": _maf_table,
        "table": _table,
    }
)
"""Kind to its preparation: uint8 patches ``.npz``, ``mnist.npz``, the five tables of the MAF paper
(`tfp_flows.datasets.load_maf_table`; MINIBOONE also as a table), and any table of numbers, which is
split 80 : 10 : 10 and standardised."""

_ARRAYS = {"bsds": {"train", "val", "test"}, "mnist": {"x_train", "x_test"}}
_NAMES = {
    "power": "power",
    "ethylene": "gas",
    "hepmass": "hepmass",
    "miniboone": "miniboone",
    "bsds300": "bsds300",
}

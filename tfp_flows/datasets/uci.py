"""The five tables of Papamakarios, Pavlakou and Murray 2017 (arXiv 1705.07057), prepared again.

The steps follow the paper's description (section 4.2 and the appendix on the data) and its
published sizes (:data:`MAF_SIZES`), from the files that the sources distribute. The prepared
arrays behind the published figures are not at hand, so the following is not verified: the order
of the rows before splitting (here a shuffle by ``seed``), the noise draws of POWER, which quarter
of GAS was taken, and the exact rule for "too many reoccurring values" in HEPMASS and MINIBOONE.
A result whose size differs from the published one comes with a warning. Figures obtained here
compare with the published ones, but are not on identical rows.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from tfp_flows.datasets._checks import generator
from tfp_flows.datasets.splits import Splits
from tfp_flows.errors import InputError, unknown_name

MAF_SIZES: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "power": (6, 1_659_917, 184_435, 204_928),
        "gas": (8, 852_174, 94_685, 105_206),
        "hepmass": (21, 315_123, 35_013, 174_987),
        "miniboone": (43, 29_556, 3_284, 3_648),
        "bsds300": (63, 1_000_000, 50_000, 250_000),
    }
)
"""Name to the published number of columns and of training, validation and test rows."""

_HOUSEHOLD_COLUMNS = (0, 2, 4, 5, 6, 7)
# One step of the meter's resolution for each kept column: kW, V, Wh, Wh, Wh, minute.
_HOUSEHOLD_NOISE = (0.001, 0.01, 1.0, 1.0, 1.0, 1.0)
_MAX_CORRELATION = 0.98
_MAX_REPEATS = 5
_MINIBOONE_MISSING = -999.0  # the file's value; the paper rounds it to -1000


def load_maf_table(name: str, path: str | os.PathLike[str], *, seed: int = 0) -> Splits:
    """Reads a source's own file and prepares it as the MAF paper describes.

    ============  ===================================  =============================================
    name          path                                 steps
    ============  ===================================  =============================================
    ``power``     ``household_power_consumption.txt``  rows with missing values dropped;
                  or the 8 columns as ``.npy``         :func:`power_from_household`; shuffled
    ``gas``       ``ethylene_CO.txt``                  time and the two concentrations dropped; a
                                                       random quarter of the rows; of sensors with
                                                       a correlation above 0.98 all but one dropped
    ``hepmass``   folder with ``1000_train.csv`` and   signal rows only; label and features with
                  ``1000_test.csv`` (or ``.csv.gz``)   too many repeated values dropped
    ``miniboone`` ``MiniBooNE_PID.txt``                signal rows only; rows of -999 dropped;
                                                       features with too many repeated values
                                                       dropped
    ``bsds300``   ``BSDS300.hdf5``                     taken as it is: already split and prepared
    ============  ===================================  =============================================

    A tenth of the rows is for testing and a tenth of the rest for validation (HEPMASS has its own
    test file). All but BSDS300 are standardised, with mean and standard deviation of training and
    validation rows together. "Too many repeated values" is read as: the smallest value of the
    feature occurs more than five times, which finds cut-offs and discrete features.

    Args:
        name: A key of :data:`MAF_SIZES`.
        path: The source's file or folder, unpacked, as in the table above.
        seed: Seed of shuffle, noise and subsampling.

    Returns:
        float32 parts ``[rows, columns]``.

    Raises:
        InputError: an unknown name, or a file that is missing or not of the expected form.
    """
    if name not in _LOADERS:
        raise unknown_name("MAF table", name, _LOADERS)
    path = Path(path)
    if not path.exists():
        raise InputError(f"Cannot read {path}: it does not exist; give the {name} file.")
    rng = generator(seed)
    try:
        splits = _LOADERS[name](path, rng)
    except InputError:
        raise
    except Exception as error:  # a wrong file fails anywhere in the parsers
        raise InputError(
            f"Cannot read {path} as the {name} file ({type(error).__name__}: {error}); see "
            "load_maf_table for the expected one."
        ) from error
    _warn_of_size(name, splits)
    return splits


def power_from_household(values: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """The paper's POWER columns from household power measurements, with noise, not standardised.

    Reactive power (often exactly 0) and current (nearly proportional to active power) are
    dropped. Uniform noise of one step of the meter is added to each remaining column, so that no
    value repeats: 0.001 kW, 0.01 V, 1 Wh for each sub-meter, 1 minute. The paper mentions noise
    on the minute too; whether the published figures include it cannot be verified.

    Args:
        values: ``[rows, 8]``: active power (kW), reactive power (kW), voltage (V), current (A),
            three sub-meters (Wh), minute of the day.
        seed: Seed of the noise.

    Returns:
        float64 ``[rows, 6]``: active power, voltage, three sub-meters, minute of the day.

    Raises:
        InputError: values that do not have 8 columns.
    """
    return _power_columns(values, generator(seed))


def _power_columns(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 8:
        raise InputError(f"The household table has shape {values.shape}; give [rows, 8].")
    kept = values[:, _HOUSEHOLD_COLUMNS]
    return kept + rng.uniform(size=kept.shape) * np.array(_HOUSEHOLD_NOISE)


def _load_power(path: Path, rng: np.random.Generator) -> Splits:
    if path.suffix == ".npy":
        values = np.load(path, allow_pickle=False)
    else:
        import pandas as pd

        frame = pd.read_csv(path, sep=";", na_values=["?"]).dropna()
        clock = frame["Time"].str.split(":", expand=True).astype(int)
        measured = frame.drop(columns=["Date", "Time"]).to_numpy(np.float64)
        values = np.column_stack([measured, 60 * clock[0] + clock[1]])
    return _split_standardised(rng.permutation(_power_columns(values, rng)))


def _load_gas(path: Path, rng: np.random.Generator) -> Splits:
    import pandas as pd

    frame = pd.read_csv(path, sep=r"\s+", header=None, skiprows=1, dtype=np.float64)
    sensors = frame.to_numpy()[:, 3:]
    quarter = sensors[rng.permutation(len(sensors))[: len(sensors) // 4]]
    return _split_standardised(quarter[:, _uncorrelated(quarter)])


def _uncorrelated(values: np.ndarray) -> list[int]:
    """Drops the first column that is too correlated with another one, until there is none."""
    high = np.corrcoef(values, rowvar=False) > _MAX_CORRELATION
    kept = list(range(values.shape[1]))
    while (clashes := np.flatnonzero(high[np.ix_(kept, kept)].sum(axis=0) > 1)).size:
        del kept[clashes[0]]
    return kept


def _load_hepmass(path: Path, rng: np.random.Generator) -> Splits:
    train, test = (_hepmass_signal(path, part) for part in ("train", "test"))
    # The test file is said to have one more column than the training file, at the end.
    test = test[:, : train.shape[1]]
    kept = _varied(train)
    train, test = rng.permutation(train[:, kept]), test[:, kept]
    held_out = len(train) // 10
    if held_out < 1:
        raise InputError(f"Only {len(train)} signal rows are in {path}; give the whole files.")
    return _standardised(train[:-held_out], train[-held_out:], test)


def _hepmass_signal(folder: Path, part: str) -> np.ndarray:
    import pandas as pd

    for suffix in (".csv", ".csv.gz"):
        file = folder / f"1000_{part}{suffix}"
        if file.exists():
            values = pd.read_csv(file, header=None, skiprows=1).to_numpy(np.float64)
            return values[values[:, 0] == 1, 1:]
    raise InputError(f"There is no 1000_{part}.csv or 1000_{part}.csv.gz in {folder}; add it.")


def _load_miniboone(path: Path, rng: np.random.Generator) -> Splits:
    import pandas as pd

    with path.open(encoding="utf-8") as file:
        signal = int(file.readline().split()[0])
    frame = pd.read_csv(path, sep=r"\s+", header=None, skiprows=1, nrows=signal, dtype=np.float64)
    values = frame.to_numpy()
    values = values[(values > _MINIBOONE_MISSING).any(axis=1)]
    return _split_standardised(rng.permutation(values[:, _varied(values)]))


def _varied(values: np.ndarray) -> np.ndarray:
    """Which columns reach their smallest value at most ``_MAX_REPEATS`` times."""
    return (values == values.min(axis=0)).sum(axis=0) <= _MAX_REPEATS


def _load_bsds300(path: Path, _rng: np.random.Generator) -> Splits:
    import h5py

    with h5py.File(path, "r") as file:
        return Splits(*(np.float32(file[part][:]) for part in ("train", "validation", "test")))


def _split_standardised(values: np.ndarray) -> Splits:
    test = len(values) // 10
    validation = (len(values) - test) // 10
    if validation < 1:
        raise InputError(f"Only {len(values)} rows are left; give the whole file.")
    return _standardised(
        values[: -test - validation], values[-test - validation : -test], values[-test:]
    )


def _standardised(train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> Splits:
    seen = np.concatenate([train, validation])
    mean, std = seen.mean(axis=0), seen.std(axis=0)
    return Splits(*(np.float32((part - mean) / std) for part in (train, validation, test)))


def _warn_of_size(name: str, splits: Splits) -> None:
    got = (splits.train.shape[1], *(len(part) for part in splits))
    if got != MAF_SIZES[name]:
        warnings.warn(
            f"{name} has {got} columns and training, validation and test rows, the paper "
            f"{MAF_SIZES[name]}: figures do not compare with published ones.",
            stacklevel=3,
        )


_LOADERS: Mapping[str, Callable[[Path, np.random.Generator], Splits]] = MappingProxyType(
    {
        "power": _load_power,
        "gas": _load_gas,
        "hepmass": _load_hepmass,
        "miniboone": _load_miniboone,
        "bsds300": _load_bsds300,
    }
)

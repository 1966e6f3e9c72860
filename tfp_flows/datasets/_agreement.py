"""Whether the blocks and parts of a table mean the same by their cells and bytes."""

from collections.abc import Collection
from pathlib import Path

from tfp_flows.datasets._raw import RawTable, Reading
from tfp_flows.errors import InputError

_SIGNS = {".": "with decimal points", ",": "with decimal commas"}


class Agreement:
    """What the blocks read so far have decided, against which the next ones are held."""

    def __init__(self):
        self._readings: dict[str, tuple[Path, Reading]] = {}
        self._encodings: dict[Path, str] = {}

    def check(self, path: Path, raw: RawTable, names: Collection[str] | None = None) -> None:
        """Compares a block with those before it, and remembers it.

        Args:
            path: The file of the block.
            raw: The block, as it was read.
            names: The columns that are needed; all if None.

        Raises:
            InputError: If its decimal signs or units are not those of the others, or its encoding
                not that of the rest of the file: some of the values would be wrong by a factor.
        """
        self._check_encoding(path, raw.encoding)
        for name, new in zip(raw.names, raw.readings, strict=False):
            if new is None or (names is not None and name not in names):
                continue
            origin, old = self._readings.setdefault(name, (path, new))
            one, two = _difference(old, new)
            if one != two:
                where = f"in {origin.name}" if origin != path else "further up"
                raise InputError(
                    f"Column {name!r} of {path} is read {two}, and {where} {one}; write its "
                    "numbers in one way throughout, with decimal points and without units."
                )
            self._readings[name] = (origin, old._replace(sign=old.sign or new.sign))

    def _check_encoding(self, path: Path, encoding: str) -> None:
        known = self._encodings.get(path, "")
        if known and encoding and known != encoding:
            raise InputError(
                f"Some of {path} is UTF-8 text and some is not; save all of it as UTF-8."
            )
        self._encodings[path] = encoding or known


def _difference(old: Reading, new: Reading) -> tuple[str, str]:
    """In words what two readings do not share; equal words if they agree."""
    if old.numbers != new.numbers:
        words = {True: "as numbers", False: "as text, since its numbers are not all of one kind"}
        return words[old.numbers], words[new.numbers]
    if old.unit != new.unit:
        one, two = (f"in {unit}" if unit else "without a unit" for unit in (old.unit, new.unit))
        return one, two
    if old.sign and new.sign:
        return _SIGNS[old.sign], _SIGNS[new.sign]
    return "", ""

"""A folder of parts that a command writes: each is whole or not there, and none is made twice."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError
from tfp_flows.files import Claim, atomic_path

_RECORD = ".parts.json"


class PartFolder:
    """The parts in a folder, and by which command they were made.

    Args:
        folder: The folder; it is made if it does not exist.
        command: What decides what is in the parts, as JSON.

    Attributes:
        folder: The folder.

    Raises:
        InputError: If it is a file, or holds something else, or parts of another command.
    """

    def __init__(self, folder: Path, command: Mapping[str, Any]):
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise InputError(f"Cannot write into {folder}: it is a file; give a folder.")
        record = folder / _RECORD
        self._stamps: dict[str, Any] = {}
        if record.exists():
            try:
                found = json.loads(record.read_text(encoding="utf-8"))
                begun, self._stamps = found["command"], dict(found["parts"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise InputError(f"{record} is damaged; choose another folder.") from error
            if begun != json.loads(json.dumps(command)):
                raise InputError(
                    f"{folder} holds parts of another command, or of another fit; choose another "
                    "folder, or remove it."
                )
        elif folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder} holds other files; choose another folder, or remove it.")
        self._command = command

    @contextlib.contextmanager
    def left(self, stamps: Mapping[str, Any]) -> Iterator[list[str]]:
        """Yields the names of the parts that are still to be written, claimed for this process.

        Args:
            stamps: By the name of each part, what it is made of, as JSON: by it a part whose
                origin has changed is known.

        Raises:
            InputError: If the folder cannot be written, or another process writes into it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot write {self.folder}: {error.strerror}.") from error
        with Claim(self.folder):
            self._clear_temporaries(stamps)
            new = json.loads(json.dumps(dict(stamps)))
            for name in self._stamps:
                if self._stamps[name] != new.get(name):
                    (self.folder / name).unlink(missing_ok=True)
            with atomic_path(self.folder / _RECORD) as temporary:
                text = json.dumps({"command": self._command, "parts": new})
                temporary.write_text(text, encoding="utf-8")
            yield [name for name in new if not (self.folder / name).exists()]
            self._clear_temporaries(stamps)  # of processes that were lost

    def _clear_temporaries(self, names) -> None:
        """Removes what a killed process has left; see `files.atomic_path`."""
        for name in names:
            for left in self.folder.glob(f".????????-{name}"):
                left.unlink(missing_ok=True)


def stamp_of(path: Path) -> list[int]:
    """By what a changed file is known: its size and time."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]

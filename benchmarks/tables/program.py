"""The package's command in a process of its own: what it takes, in seconds and memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tfp_flows.errors import InputError

_MAIN = "import sys; sys.argv[0] = 'tfp-flows'; from tfp_flows.cli import main; main()"


def tfp_flows(*arguments: Any, folder: Path) -> dict[str, float]:
    """Runs ``tfp-flows ARGUMENTS`` in a folder.

    Args:
        arguments: Of the command.
        folder: Where it runs.

    Returns:
        ``seconds`` and ``gib``, the most memory that the process has had.

    Raises:
        InputError: If it fails, with the last line that it has said.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *map(str, arguments)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise InputError(
                f"tfp-flows {arguments[0]} ended with {process.returncode}: {lines[-1]}"
            )
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return {"seconds": time.perf_counter() - begun, "gib": usage.ru_maxrss / unit}

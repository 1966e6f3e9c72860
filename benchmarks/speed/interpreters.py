"""Which libraries can be measured, and with which interpreter."""

import difflib
import json
import shutil
import subprocess
import sys

from benchmarks.speed.peers import LIBRARIES
from benchmarks.speed.process import environment
from tfp_flows.errors import InputError


def known(kind: str, names: list[str], options) -> list[str]:
    """Returns the names without repetitions.

    Raises:
        InputError: If one is not among the options.
    """
    options = [str(option) for option in options]
    for name in names:
        if str(name) not in options:
            near = difflib.get_close_matches(str(name), options, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(options)}."
            raise InputError(f"Unknown {kind} {name!r}; {hint}")
    return list(dict.fromkeys(names))


def parse(assignments: list[str]) -> dict[str, str]:
    """Turns ``LIBRARY=INTERPRETER`` into a dictionary.

    Raises:
        InputError: If one has another form, or the library or the interpreter does not exist.
    """
    interpreters = {}
    for assignment in assignments:
        library, equals, interpreter = assignment.partition("=")
        if not equals:
            raise InputError(f"--python takes LIBRARY=INTERPRETER, got {assignment!r}.")
        known("library", [library], LIBRARIES)
        path = shutil.which(interpreter)
        if path is None:
            raise InputError(f"--python {assignment}: {interpreter!r} is not a program.")
        interpreters[library] = path
    return interpreters


def probe(libraries: list[str], interpreters: dict[str, str], threads: int) -> dict[str, dict]:
    """Asks each interpreter what it can import.

    Args:
        libraries: Names of libraries.
        interpreters: Interpreters other than this one, by library.
        threads: Threads of the workers.

    Returns:
        By library: ``missing`` modules, ``versions``, ``python``, and the ``interpreter``.

    Raises:
        InputError: If an interpreter does not run.
    """
    groups: dict[str, list[str]] = {}
    for library in libraries:
        groups.setdefault(interpreters.get(library, sys.executable), []).append(library)
    found = {}
    for interpreter, members in groups.items():
        answer = subprocess.run(
            [interpreter, "-m", "benchmarks.speed.probe", *members],
            capture_output=True,
            text=True,
            env=environment(threads),
        )
        if answer.returncode:
            reason = (answer.stderr.strip() or "no message").splitlines()[-1]
            raise InputError(f"{interpreter} cannot run the benchmark's workers: {reason}")
        for library, facts in json.loads(answer.stdout).items():
            found[library] = {**facts, "interpreter": interpreter}
    return {library: found[library] for library in libraries}

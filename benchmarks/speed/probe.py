"""`python -m benchmarks.speed.probe LIBRARY...`: what an interpreter can import, as JSON."""

import importlib.metadata
import importlib.util
import json
import platform
import sys

from benchmarks.speed.peers import LIBRARIES


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"


def main() -> None:
    """Prints, for each library that was named, what is missing and the versions of the rest."""
    found = {}
    for name in sys.argv[1:]:
        library = LIBRARIES[name]
        found[name] = {
            "missing": [m for m in library.top_level if importlib.util.find_spec(m) is None],
            "versions": {package: _version(package) for package in library.packages},
            "python": platform.python_version(),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

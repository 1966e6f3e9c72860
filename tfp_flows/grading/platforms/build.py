"""Builds a Docker recipe for Coursera and a zip for Gradescope, each with all that it needs."""

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path
from tfp_flows.grading.rubric import DEFAULT, Rubric, is_built_in, load_rubric

_PACKAGE = Path(__file__).parents[2]
_FILES = Path(__file__).parent / "files"
_SHARED = ("__init__.py", "_version.py", "errors.py", "files.py")
_SUFFIXES = {".py", ".toml"}
# As here, because old solutions depend on what they forgive; the others fit themselves to Python.
_PINNED = ("tensorflow", "tensorflow-probability", "tf_keras", "keras")
_LOOSE = ("numpy>=1.26", "matplotlib>=3.8", 'tomli>=2; python_version < "3.11"')
_DATE = (2020, 1, 1, 0, 0, 0)
COURSERA, GRADESCOPE = "coursera", "gradescope.zip"


def build(out: Path, rubric: str | Path = DEFAULT) -> tuple[Path, Path]:
    """Builds both.

    Args:
        out: Folder to make; it may exist if it is empty.
        rubric: Name or folder of the rubric.

    Returns:
        The folder with the Docker recipe, and the zip.

    Raises:
        InputError: The rubric is wrong, or the folder holds something.
    """
    loaded = load_rubric(rubric)
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} holds something; give --out a new or an empty folder.")
    common = dict(_common(rubric))
    recipe = out / COURSERA
    for name, content in sorted({**common, **_coursera(loaded, rubric)}.items()):
        path = recipe / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _zip(out / GRADESCOPE, {**common, **_gradescope(rubric)})
    return recipe, out / GRADESCOPE


def _common(rubric: str | Path) -> Iterator[tuple[str, bytes]]:
    for name in _SHARED:
        yield f"{_PACKAGE.name}/{name}", (_PACKAGE / name).read_bytes()
    yield from _tree(_PACKAGE / "grading", f"{_PACKAGE.name}/grading")
    if not is_built_in(rubric):
        yield from _tree(Path(rubric), "rubric")
    pins = [f"{name}=={metadata.version(name)}" for name in _PINNED]
    yield "requirements.txt", "\n".join([*pins, *_LOOSE, ""]).encode()


def _constraints() -> bytes:
    """Versions of all packages that the required ones bring along, as they are here."""
    waiting, found = [*_PINNED, "numpy", "matplotlib"], {}
    while waiting:
        name = re.split(r"[^\w.-]", waiting.pop(), maxsplit=1)[0]
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.version(name)
        except metadata.PackageNotFoundError:  # of another system, or of an extra
            continue
        needed = metadata.requires(name) or []
        waiting += [line for line in needed if "extra ==" not in line]
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found)).encode()


def _tree(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _SUFFIXES:
            yield f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _coursera(rubric: Rubric, given: str | Path) -> Mapping[str, bytes]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = [*rubric.parts, *rubric.graded]
    return {
        "Dockerfile": _filled("Dockerfile", rubric=_place(given, "/grader"), python=python),
        # The image has this Python, so these fit; Gradescope's may be another one.
        "constraints.txt": _constraints(),
        # The left side is to be replaced by the platform's identifiers of the parts.
        "parts.json": (json.dumps({name: name for name in names}, indent=2) + "\n").encode(),
    }


def _gradescope(given: str | Path) -> Mapping[str, bytes]:
    return {
        "setup.sh": _filled("setup.sh"),
        "run_autograder": _filled("run_autograder", rubric=_place(given, "/autograder/source")),
    }


def _place(rubric: str | Path, root: str) -> str:
    return str(rubric) if is_built_in(rubric) else f"{root}/rubric"


def _filled(name: str, **values: str) -> bytes:
    text = (_FILES / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", value)
    return text.encode()


def _zip(path: Path, contents: Mapping[str, bytes]) -> None:
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _DATE)  # the same bytes each time
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = name in ("setup.sh", "run_autograder")
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(entry, content)

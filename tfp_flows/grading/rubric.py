"""Rubrics: a folder with the items and their weights, the reference, and what checks them."""

import dataclasses
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.grading import generic

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT = "realnvp"
_BUILT_IN = Path(__file__).parent / "rubrics"
_FILE, _REFERENCE, _PROBES, _CHECKS = "rubric.toml", "reference.py", "probes.py", "checks.py"
_TOP = {"name", "title", "provided", "names", "parts", "items", "whole"}
_WHOLE = {"check", "root", "model", "pieces", "shares"}
_ITEM = {"id", "title", "points", "check", "deductions", "inherits", "settings"}


@dataclasses.dataclass(frozen=True)
class Item:
    """One graded name.

    Attributes:
        id: The name.
        title: A few words for people.
        points: Points it is worth.
        check: Judges it; takes a `Trial` and yields `Finding`s.
        deductions: Share of the points that each kind of finding costs; one that is not named
            costs all.
        settings: What the check reads besides, from the rubric file.
        inherits: Share of the points that each kind of finding of other items costs here, by the
            names of those.
    """

    id: str
    title: str
    points: float
    check: Callable
    deductions: Mapping[str, float]
    settings: Mapping[str, Any]
    inherits: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Whole:
    """How the pieces of a submission are judged together.

    Attributes:
        check: Judges them; takes a `Trial` and yields `Finding`s.
        pieces: Names without which there is nothing to be judged.
        root: The one of them that uses the others.
        model: Provided names that use the pieces, where a submission holds all of these; the
            first one is the root then.
        shares: Share of the points that it costs items if the pieces do not work together.
    """

    check: Callable
    pieces: tuple[str, ...]
    root: str
    model: tuple[str, ...]
    shares: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Rubric:
    """An assignment.

    Attributes:
        name: Its name.
        title: Its title.
        items: What is graded, in order.
        provided: Names that submissions hold but that are not graded.
        names: Names at hand, each with its "module" or "module:attribute".
        parts: Names of parts, each with the ids of its items.
        reference: Source of the reference solution; "" if there is none.
        probes: Source of what looks at a submission from inside its process.
        location: What loads it again: its name, or its folder.
        whole: How the pieces are judged together; None if they are not.
    """

    name: str
    title: str
    items: tuple[Item, ...]
    provided: tuple[str, ...]
    names: Mapping[str, str]
    parts: Mapping[str, tuple[str, ...]]
    reference: str
    probes: str
    location: str
    whole: Whole | None = None

    @property
    def folders(self) -> tuple[str, ...]:
        """The folder that holds it, if it is none of this package."""
        return () if is_built_in(self.location) else (self.location,)

    @property
    def graded(self) -> tuple[str, ...]:
        """The graded names."""
        return tuple(item.id for item in self.items)

    def part(self, name: str | None) -> tuple[Item, ...]:
        """The items of a part: of one named in the rubric, or a single item; all for None.

        Raises:
            InputError: There is no such part.
        """
        if name is None:
            return self.items
        if name not in self.parts and name not in self.graded:
            raise unknown_name("part", name, [*self.parts, *self.graded])
        wanted = self.parts.get(name, (name,))
        return tuple(item for item in self.items if item.id in wanted)


def load_rubric(rubric: str | Path = DEFAULT) -> Rubric:
    """Loads a rubric.

    Args:
        rubric: Name of one that comes with the package, or a folder that holds ``rubric.toml``
            and, as needed, ``reference.py``, ``probes.py`` and ``checks.py``. The last one is run
            by the grader itself: take it only from people you trust.

    Raises:
        InputError: There is no such rubric, or its file is wrong.
    """
    if is_built_in(rubric):
        folder, own = _BUILT_IN / str(rubric), True
    elif Path(rubric).is_dir():
        folder, own = Path(rubric), False
    else:
        raise unknown_name("rubric", str(rubric), _built_in())
    path = folder / _FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} holds no {_FILE}; give the folder of a rubric.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    checks = {**generic.CHECKS, **_own_checks(folder, own)}
    location = str(rubric) if own else str(folder.absolute())
    return _rubric(content, checks, folder, location)


def is_built_in(rubric: str | Path) -> bool:
    """Whether it is the name of a rubric that comes with the package."""
    return str(rubric) in _built_in()


def _built_in() -> set[str]:
    return {path.parent.name for path in _BUILT_IN.glob(f"*/{_FILE}")}


def _own_checks(folder: Path, built_in: bool) -> Mapping[str, Callable]:
    if not (folder / _CHECKS).exists():
        return {}
    if built_in:
        return importlib.import_module(f"{__package__}.rubrics.{folder.name}.checks").CHECKS
    specification = importlib.util.spec_from_file_location("rubric_checks", folder / _CHECKS)
    module: ModuleType = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.CHECKS


def _rubric(
    content: Mapping[str, Any], checks: Mapping[str, Callable], folder: Path, location: str
) -> Rubric:
    path = folder / _FILE
    _only_known(content, _TOP, path)
    entries = content.get("items")
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path} has no [[items]]; a rubric needs at least one.")
    items = tuple(_item(entry, checks, path) for entry in entries)
    ids = [item.id for item in items]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice:
        raise InputError(f"{path} has the item {twice!r} twice; remove one of them.")
    parts = {name: tuple(members) for name, members in content.get("parts", {}).items()}
    for item in items:
        for other in item.inherits:
            if other not in ids:
                raise InputError(f"{path}: {item.id} inherits from an unknown item {other!r}.")
    for name, members in parts.items():
        for member in members:
            if member not in ids:
                raise InputError(f"{path}: part {name!r} has an unknown item {member!r}.")
    return Rubric(
        name=str(content.get("name", folder.name)),
        title=str(content.get("title", folder.name)),
        items=items,
        provided=tuple(content.get("provided", ())),
        names=dict(content.get("names", {})),
        parts=parts,
        reference=_text(folder / _REFERENCE),
        probes=_text(folder / _PROBES),
        location=location,
        whole=_whole(content["whole"], checks, ids, path) if "whole" in content else None,
    )


def _whole(
    entry: Mapping[str, Any], checks: Mapping[str, Callable], ids: list[str], path: Path
) -> Whole:
    _only_known(entry, _WHOLE, path)
    check, shares = entry.get("check"), dict(entry.get("shares", {}))
    if check not in checks:
        raise InputError(f"{path}: {unknown_name('check', str(check), checks)}")
    _only_shares(shares, "whole", path)
    pieces = tuple(entry.get("pieces", ()))
    for name in (*shares, *pieces):
        if name not in ids:
            raise InputError(f"{path}: whole names an unknown item {name!r}.")
    root = entry.get("root")
    if root not in pieces:
        raise InputError(f"{path}: whole has root = {root!r}; give one of its pieces.")
    return Whole(checks[check], pieces, root, tuple(entry.get("model", ())), shares)


def _only_shares(shares: Mapping[str, Any], name: str, path: Path) -> None:
    for kind, share in shares.items():
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(f"{path}: {name}: {kind} = {share!r}; give a share from 0 to 1.")


def _item(entry: Mapping[str, Any], checks: Mapping[str, Callable], path: Path) -> Item:
    _only_known(entry, _ITEM, path)
    name, check = entry.get("id"), entry.get("check")
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{path}: the id {name!r} is no name of a function or class.")
    points = entry.get("points")
    if not isinstance(points, int | float) or isinstance(points, bool) or not points > 0:
        raise InputError(f"{path}: {name} has points = {points!r}; give a number above 0.")
    if check not in checks:
        raise InputError(f"{path}: {unknown_name('check', str(check), checks)}")
    inherits = {other: dict(shares) for other, shares in entry.get("inherits", {}).items()}
    deductions = dict(entry.get("deductions", {}))
    for shares in (deductions, *inherits.values()):
        _only_shares(shares, name, path)
    return Item(
        id=name,
        title=str(entry.get("title", name)),
        points=float(points),
        check=checks[check],
        deductions=deductions,
        settings=dict(entry.get("settings", {})),
        inherits=inherits,
    )


def _only_known(entry: Mapping[str, Any], known: set[str], path: Path) -> None:
    for key in entry:
        if key not in known:
            raise InputError(f"{path}: {unknown_name('key', key, known)}")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""

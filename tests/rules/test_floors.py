"""Imports run down the house: an upper floor may import a lower one, never the other way round."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tfp_flows"

# From the ground to the roof. What stands on one floor does not import its neighbour.
FLOORS = (
    {"_version", "errors"},
    {"noise", "real"},
    {"activations", "checks", "config", "files", "keras_worlds", "numerics", "ode", "penalties"}
    | {"chains", "conformal", "held_out", "options", "shapes", "spread", "terminal"},
    {"formats"},
    {"training_state"},
    {"serialization"},
    {"copies"},
    {"networks"},
    {"interop", "transformers"},
    {"embedding"},
    {"standardized_context"},
    {"bases", "bijectors"},
    {"flows"},
    # Beside the tower: for the floors above, never for those below.
    {"datasets", "grading", "plotting", "serving"},
    {"models"},
    {"anomaly", "audio", "rl", "sklearn", "testing", "vi"},
    {"tables"},
    {"figures", "runs"},
    {"kinds"},
    {"cli"},
)
HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}
GROUND = FLOORS[0] | FLOORS[1] | FLOORS[2]
# These know less of the package than their height allows.
KNOWS = {"datasets": GROUND, "grading": GROUND, "plotting": GROUND}


def imported(path: Path, package: str):
    """Line and dotted name of each import of the package in a file, also inside of functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            names = ["." * node.level]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith(".") or name.split(".")[0] == package:
                yield node.lineno, name


def wrong_imports(root: Path) -> list[str]:
    """What the rule forbids below ``root``, one line each."""
    package, wrong = root.name, []
    for path in sorted(root.rglob("*.py")):
        here = path.relative_to(root).with_suffix("").parts
        for line, name in imported(path, package):
            there = name.split(".")[1:]
            reason = _reason(here, there, relative=name.startswith("."))
            if reason:
                wrong.append(f"{'/'.join(here)}.py:{line} imports {name}: {reason}")
    return wrong


def _reason(here, there, relative) -> str | None:
    if here[:2] == ("grading", "confined"):
        # Started by path, behind the walls: a package of its own.
        return None if relative else "nothing of the package comes behind the walls"
    if relative:
        return "write the whole name"
    if here[0] == "__init__":
        return None if there and there[0] in FLOORS[0] else "the root loads what it names lazily"
    if here[0] not in HEIGHT:
        return f"{here[0]} stands on no floor; give it one in FLOORS"
    if not there:
        return "the root is for users; import from the module that defines it"
    if there[0] == here[0]:
        other_kind = here[0] == "kinds" and len(here) > 2 and len(there) > 1
        if other_kind and there[1] != here[1]:
            return "a kind of work does not import another"
        return None
    if there[0] not in HEIGHT:
        return f"{there[0]} stands on no floor; the root is for users"
    if HEIGHT[there[0]] >= HEIGHT[here[0]]:
        return f"{there[0]} does not stand below {here[0]}"
    if there[0] not in KNOWS.get(here[0], HEIGHT):
        return f"{here[0]} knows of the package the ground alone"
    return None


def test_imports_run_down():
    assert wrong_imports(PACKAGE) == []


@pytest.mark.parametrize(
    ("where", "text", "reason"),
    [
        ("bijectors/a.py", "from tfp_flows.flows import Flow", "flows does not stand below"),
        ("bijectors/a.py", "def f():\n    import tfp_flows.models", "models does not stand below"),
        ("networks/a.py", "from tfp_flows import flows", "flows does not stand below"),
        ("interop.py", "from tfp_flows.transformers import Affine", "does not stand below"),
        ("bijectors/a.py", "from tfp_flows import plotting", "plotting does not stand below"),
        ("datasets/a.py", "from tfp_flows.flows import maf", "the ground alone"),
        ("kinds/a/work.py", "from tfp_flows.kinds.b import work", "does not import another"),
        ("kinds/a/work.py", "from tfp_flows.kinds import b", "does not import another"),
        ("runs/a.py", "from tfp_flows.kinds import KINDS", "kinds does not stand below"),
        ("flows/a.py", "from . import maf", "write the whole name"),
        ("grading/confined/a.py", "from tfp_flows import errors", "behind the walls"),
        ("flows/a.py", "import tfp_flows as tff", "the root is for users"),
        ("flows/a.py", "from tfp_flows import Flow", "the root is for users"),
        ("stray.py", "import tfp_flows.errors", "stray stands on no floor"),
        ("__init__.py", "from tfp_flows.models import FlowModel", "lazily"),
    ],
)
def test_the_rule_finds(tmp_path, where, text, reason):
    path = tmp_path / "tfp_flows" / where
    path.parent.mkdir(parents=True)
    path.write_text(text + "\n")
    (found,) = wrong_imports(tmp_path / "tfp_flows")
    assert reason in found


def test_the_rule_allows(tmp_path):
    path = tmp_path / "tfp_flows" / "kinds" / "a" / "work.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import tensorflow\nfrom tfp_flows.kinds.a.settings import Settings\n"
        "from tfp_flows.runs import engine\nfrom tfp_flows.errors import InputError\n"
    )
    assert wrong_imports(tmp_path / "tfp_flows") == []

"""What is taken out of a file does what the file does in Python, however it is written."""

import builtins
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grading import ways
from tfp_flows.grading.confined import stage
from tfp_flows.grading.confined.namespace import run_statements
from tfp_flows.grading.confined.notebook import Cell, read_cells
from tfp_flows.grading.confined.statements import read_statements
from tfp_flows.grading.plan import Source

LOOK = "def look(k):\n    return F[k] * 10\n"
TOTAL = "def total(keys):\n    return sum(look(k) for k in keys)\n"
LAYER = """class Layer:
    def __init__(self, keys, **kwargs):
        self.keys = keys

    def value(self):
        return total(self.keys) + 1
"""
PIECES = {"look": LOOK, "total": TOTAL, "Layer": LAYER}
RIGHT = [10, 20, 30, 61]


@pytest.fixture(autouse=True)
def notebook_names(monkeypatch):
    """What `stage.set_up` does, undone after the test."""
    for name in ("display", "get_ipython"):
        monkeypatch.setattr(builtins, name, None, raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = set(sys.modules)
    stage.set_up()
    yield
    for name in set(sys.modules) - before:
        if isinstance(sys.modules[name], stage._Module):
            del sys.modules[name]


def source(cells):
    found, broken, skipped = (
        [part._asdict() for part in parts] for parts in read_statements(cells)
    )
    return Source(found, broken, skipped)


def extracted(cells, *names):
    """The namespace in which what some names need was run, each in its turn."""
    plan = source(cells).plan(names)
    namespace = {"__name__": "submission"}
    failed = run_statements(list(plan.own), namespace, "tf_keras")
    assert not [f for f in failed if set(f[0]["binds"]) & set(names)], failed
    return namespace


def answers(namespace):
    look, layer = namespace["look"], namespace["Layer"]
    return [*map(look, "abc"), layer("abc").value()]


def in_python(text):
    namespace = {"__name__": "__main__"}
    exec(compile(text, "file", "exec", dont_inherit=True), namespace)
    return answers(namespace)


@pytest.mark.parametrize("table", ways.TABLES)
def test_tables_are_filled_as_in_python(table):
    text = "\n".join([ways.TABLES[table], *PIECES.values()])
    assert answers(extracted([Cell("", text)], "look", "Layer")) == in_python(text) == RIGHT


@pytest.mark.parametrize("way", ways.PIECES, ids=lambda way: way.__name__)
def test_pieces_are_taken_as_in_python(way):
    pieces = [way(name, text) for name, text in PIECES.items()]
    text = "\n".join(["F = dict(a=1, b=2, c=3)", *pieces])
    assert answers(extracted([Cell("", text)], "look", "Layer")) == RIGHT
    if "Tensor" not in text:  # Python before 3.14 evaluates annotations
        assert in_python(text) == RIGHT


def test_a_class_that_is_only_looked_at_is_not_changed():
    """Else a model that is made at the top level would be made for each item."""
    text = """
class Layer(Base):
    def __init__(self):
        super(Layer, self).__init__()
        self.size = 1
        print(isinstance(self, Layer))


class Model:
    def __init__(self):
        self.layer = Layer()


model = Model()
"""
    statements = read_statements([Cell("", text)])[0]
    assert [(each.binds, each.changes) for each in statements] == [
        (["Layer"], []),
        (["Model"], []),
        (["model"], []),
    ]


def test_a_module_is_not_changed_by_what_is_made_of_it():
    """Else each use of a class from it would be run for all that reads the module."""
    text = """
import tensorflow as tf
import tensorflow_probability as tfp
tfd, tfb = tfp.distributions, tfp.bijectors
maker = Maker()


class Layer(tfb.Bijector):
    def __init__(self):
        super().__init__()
        self.size = 1


layer = Layer()
with tf.GradientTape() as tape:
    tape.watch(layer.x)
made = maker.Part()
made.size = 2
table, names = [], tfp.distributions
table.append(names)
"""
    statements = read_statements([Cell("", text)])[0]
    changes = [set(each.changes) for each in statements]
    assert not any(change & {"tf", "tfp", "tfd", "tfb", "names"} for change in changes)
    changed = {
        name: [i for i, one in enumerate(changes) if name in one] for name in ("maker", "table")
    }
    assert changed == {"maker": [8], "table": [10]}


def _file(table, chosen, head, noise, form):
    pieces = [way(name, text) for way, (name, text) in zip(chosen, PIECES.items(), strict=True)]
    pieces = [ways.TABLES[table], *pieces]
    gaps = [ways.NOISE[name] for name in noise]
    mixed = [part for pair in zip(pieces, gaps, strict=True) for part in pair]
    return ways.written([ways.HEADS[head], *mixed], form)


def _holds(case):
    data, name = _file(*case)
    assert answers(extracted(read_cells(data, name), "look", "Layer")) == RIGHT


CASES = st.tuples(
    st.sampled_from(sorted(ways.TABLES)),
    st.tuples(*[st.sampled_from(ways.PIECES)] * 3),
    st.sampled_from(sorted(ways.HEADS)),
    st.tuples(*[st.sampled_from(sorted(ways.NOISE))] * 4),
    st.sampled_from(sorted(ways.SUFFIXES)),
)
OPTIONS = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


@settings(max_examples=60, **OPTIONS)
@given(case=CASES)
def test_all_combinations_are_right_in_some_cases(case):
    _holds(case)


@pytest.mark.deep
@settings(max_examples=1500, **OPTIONS)
@given(case=CASES)
def test_all_combinations_are_right(case):
    _holds(case)

"""The catalogue says the truth about every recipe."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from recipes import build

import tfp_flows as tff
from tfp_flows import flows
from tfp_flows.flows.catalogue import RECIPES, find


def recipes_of_the_package():
    """Public functions that take an event shape and return a flow."""
    for module in pkgutil.iter_modules(flows.__path__):
        found = importlib.import_module(f"tfp_flows.flows.{module.name}")
        for name, item in inspect.getmembers(found, inspect.isfunction):
            own = item.__module__ == found.__name__ and not name.startswith("_")
            parameters = inspect.signature(item).parameters if own else {}
            if "event_shape" in parameters and parameters["event_shape"].kind.name == (
                "KEYWORD_ONLY"
            ):
                yield name, item


def test_every_recipe_has_a_row():
    found = dict(recipes_of_the_package())
    helpers = {"flow_of", "layers", "assemble"}
    assert set(found) - helpers == set(RECIPES)
    for name, row in RECIPES.items():
        assert row.load() is found[name] is flows.FLOWS[name] is getattr(tff.flows, name)


@pytest.mark.parametrize("name", RECIPES)
def test_smallest_size_and_contexts(name):
    row = RECIPES[name]
    flow = build(name, row.smallest)
    ranks = {"vector": 1, "image": 3, "recording": 2, "feature": 3}
    assert len(flow.event_shape) == ranks[row.event]
    if row.smallest > 1 and row.event == "vector":
        with pytest.raises(ValueError):
            build(name, row.smallest - 1)
        if row.any_size:
            build(name, row.smallest - 1, **row.any_size)
    assert row.takes_size(row.smallest, {})
    assert not row.takes_size(row.smallest - 1, {})
    takes_context = "context_shape" in inspect.signature(flows.FLOWS[name]).parameters
    assert bool(row.context) == takes_context
    for rank in row.context:
        shape = (3,) if rank == 1 else (row.smallest, row.smallest, 3)
        shape = (None, 3) if rank == 2 else shape
        assert list(build(name, row.smallest, context_shape=shape).context_shape) == list(shape)


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if r.event == "vector"])
def test_a_recipe_bends_where_its_row_says(name):
    """Third differences of the log-density of a Gaussian vanish."""
    row = RECIPES[name]
    for size in {1, row.smallest} - set(range(row.smallest)):
        flow = build(name, size, standardize=False, dtype="float64")
        generator = np.random.default_rng(0)
        for variable in flow.trainable_variables:
            noise = generator.standard_normal(variable.shape)
            variable.assign_add(tf.cast(noise, variable.dtype))
        line = np.linspace(-0.9, 0.9, 40)[:, None] * np.ones(size)
        bends = np.abs(np.diff(flow.log_prob(line).numpy(), n=3)).max() > 1e-9
        assert bends == (size >= row.bends_from)


def test_names_and_no_tensorflow():
    assert find("realnvp-image") == "realnvp_image"
    with pytest.raises(tff.InputError, match="did you mean 'maf'"):
        find("mfa")
    code = "import sys, tfp_flows.flows.catalogue; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""The checks of `tfp_flows.testing` over every row of the table, and what is held of rows alone."""

import dataclasses

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from representatives import REPRESENTATIVES
from rows import BIJECTORS, DIMS

from tfp_flows.bijectors import Bijector, block_neural
from tfp_flows.flows import standard_normal
from tfp_flows.interop import ContextNetwork, Network
from tfp_flows.networks import LipschitzMLP
from tfp_flows.testing import BIJECTOR_CHECKS
from tfp_flows.testing.failure import telling
from tfp_flows.transformers import Transformer

tfd = tfp.distributions

# What quick runs of every row: what is particular to it. Of the rest, the classes decide.
OF_EVERY_ROW = {
    "round_trips",
    "jacobian",
    "by_place",
    "lengths",
    "context_matters",
    "wrong_arguments",
    "config_round_trip",
}
# What the base class does around the maths, or one light row shows of many: deep of rows that
# evaluate slowly.
OF_LIGHT_ROWS = {
    "far_points",
    "fresh_values",
    "independent",
    "tfp_containers",
    "unknown_sizes",
    "variables",
}


def slow_direction(name: str) -> str:
    """The direction that loops, whose gradient is written by hand; else that of training."""
    row = BIJECTORS[name]
    return [*row.swept, *row.iterated, *row.sequential, "inverse"][0]


@dataclasses.dataclass(frozen=True)
class Case:
    """One case of a check, for one row."""

    check: str
    options: dict
    dtype: tf.DType

    def needed(self, name: str) -> bool:
        """Whether any profile runs it; what XLA makes of a class, its representative shows."""
        if self.check == "round_trips":
            return self.dtype == tf.float32 or self.options["shape"] == (2, 3)
        if self.check == "compiled" and name not in REPRESENTATIVES:
            return self.options["direction"] == slow_direction(name)
        return True

    def quick(self, name: str) -> bool:
        """Whether the quick profile runs it: each row once, each property once for each class."""
        double = self.dtype == tf.float64
        direction = self.options.get("direction", "inverse")
        hardest = name in REPRESENTATIVES
        if self.check == "round_trips":
            return not double and self.options["shape"] == (2, 3)
        if self.check == "jacobian":
            # A round trip, in float32, compares the log-dets of both directions.
            return double and direction == "inverse"
        if self.check == "config_round_trip":
            return not double
        if self.check == "variables" and name in rows.OF_KERAS:
            return direction == "inverse"
        if self.check in OF_EVERY_ROW:
            return True
        if self.check in OF_LIGHT_ROWS and BIJECTORS[name].costly:
            return False
        if self.check == "compiled":
            return REPRESENTATIVES.get(name) == direction
        if self.check == "gradients":
            return hardest and direction == slow_direction(name)
        return hardest and self.options.get("known", True) and direction == "inverse"

    def __str__(self):
        told = [str(value) for value in self.options.values()]
        return "-".join([self.check, *told, self.dtype.name])


def _dtypes(check):
    if check in ("round_trips", "jacobian", "config_round_trip"):
        return [tf.float32, tf.float64]
    return [tf.float64 if check in ("gradients", "tfp_containers") else tf.float32]


CASES = [
    Case(check, options, dtype)
    for check, (_, variants) in BIJECTOR_CHECKS.items()
    for options in variants
    for dtype in _dtypes(check)
]


# What a Keras may do otherwise; the other checks of such rows are deep under tf_keras.
OF_BOTH_KERAS = ("round_trips", "variables", "config_round_trip")


def row_marks(name, check=None):
    """Rows that hold networks of a Keras run again under the other one."""
    quick = check in OF_BOTH_KERAS
    return [pytest.mark.keras(quick=quick)] if name in rows.OF_KERAS else []


def _parameters():
    for name in BIJECTORS:
        for case in CASES:
            if not case.needed(name):
                continue
            marks = row_marks(name, case.check) + ([] if case.quick(name) else [pytest.mark.deep])
            yield pytest.param(name, case, marks=marks, id=f"{name}-{case}")


@pytest.mark.parametrize(("name", "case"), _parameters())
def test_bijector(name, case):
    check, _ = BIJECTOR_CHECKS[case.check]
    with telling(name, case.check):
        check(rows.subject(name, case.dtype), **case.options)


def test_each_row_and_each_property_of_each_class_is_in_the_quick_profile():
    for name in BIJECTORS:
        wanted = set(BIJECTOR_CHECKS) if name in REPRESENTATIVES else OF_EVERY_ROW
        if REPRESENTATIVES.get(name) is None:
            wanted = wanted - {"compiled"}
        if BIJECTORS[name].costly:
            wanted = wanted - OF_LIGHT_ROWS
        assert {case.check for case in CASES if case.quick(name)} >= wanted, name


def _kinds(name):
    """The classes that a row is made of."""
    bijector = BIJECTORS[name].build(tf.float32)
    parts = [bijector, *bijector.submodules]
    parts += [m.transformer for m in parts if hasattr(m, "transformer")]
    return {type(part) for part in parts if isinstance(part, Bijector | Transformer)}


def test_each_class_of_the_table_has_its_row():
    everywhere = set().union(*map(_kinds, BIJECTORS))
    assert everywhere == set().union(*map(_kinds, REPRESENTATIVES))


@pytest.mark.parametrize("name", [pytest.param(n, marks=row_marks(n)) for n in BIJECTORS])
def test_what_the_row_says_of_itself(name):
    row = BIJECTORS[name]
    assert bool(row.build(tf.float32).trainable_variables) != row.untrained
    # A check at the identity would prove nothing.
    subject = rows.subject(name)
    bijector = subject.new()
    _, volumes = bijector.inverse_and_log_det(*subject.inputs(bijector, "inverse", (4,)))
    assert row.untrained or row.rigid or np.abs(volumes).max() > 0.01


@pytest.mark.parametrize("name", [name for name, row in BIJECTORS.items() if row.fixed])
def test_one_object_of_free_length_is_that_of_each_length(name):
    subject = rows.subject(name, tf.float64)
    free, bound = subject.new(), subject.tolerance
    for length in (2, 6):
        fixed = BIJECTORS[name].fixed(tf.float64, length)
        for variable, source in zip(fixed.variables, free.variables, strict=True):
            variable.assign(source)
        y, context = subject.inputs(fixed, "inverse", (2,))
        results = [bijector.inverse_and_log_det(y, context) for bijector in (free, fixed)]
        # Latents of known shape may be flat, in another order.
        latents = [np.sort(np.reshape(x, [2, -1])) for x, _ in results]
        np.testing.assert_allclose(*latents, rtol=bound, atol=bound)
        np.testing.assert_allclose(results[0][1], results[1][1], rtol=bound, atol=bound)
        back, _ = free.forward_and_log_det(results[0][0], context)
        np.testing.assert_allclose(back, y, rtol=bound, atol=bound)
        shares = [bijector.inverse_and_log_det_map(y, context)[1] for bijector in (free, fixed)]
        np.testing.assert_allclose(*shares, rtol=bound, atol=bound)


def count_calls(module, monkeypatch):
    """Counts the calls of each conditioner below ``module``."""
    counts = {}
    # Of networks that a bijector takes apart, what it computes once for many passes.
    computed = {Network: "__call__", ContextNetwork: "__call__", LipschitzMLP: "weights"}
    computed[block_neural._Layer] = "weights"
    for cls, method in computed.items():
        original = getattr(cls, method)

        def counted(self, *args, _original=original, **kwargs):
            counts[id(self)] = counts.get(id(self), 0) + 1
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(cls, method, counted)
    conditioners = [m for m in module.submodules if isinstance(m, tuple(computed))]
    return counts, conditioners


def _directions():
    for name in BIJECTORS:
        for direction in ("forward", "inverse"):
            quick = name in REPRESENTATIVES and direction == slow_direction(name)
            marks = row_marks(name) + ([] if quick else [pytest.mark.deep])
            yield pytest.param(name, direction, marks=marks, id=f"{name}-{direction}")


@pytest.mark.parametrize(("name", "direction"), _directions())
def test_conditioner_is_called_once(name, direction, monkeypatch):
    subject = rows.subject(name)
    bijector = subject.new()
    value, context = subject.inputs(bijector, direction, (4,))
    counts, conditioners = count_calls(bijector, monkeypatch)
    getattr(bijector, f"{direction}_and_log_det")(value, context)
    row = BIJECTORS[name]
    if direction in row.swept:
        # The one that is swept is never evaluated whole; a chain has one more.
        assert len(counts) == len(conditioners) - 1
        assert set(counts.values()) <= {1}
    elif direction in row.iterated:
        # Until nothing moves, and one pass each for the gradients of values and log-slopes.
        assert set(counts.values()) <= set(range(3, DIMS + 3))
    elif row.solved:
        assert min(counts.values()) > 1
    else:
        assert len(counts) == len(conditioners)
        assert set(counts.values()) <= {DIMS if direction in row.sequential else 1}
    if row.solved or "inverse" in row.sequential + row.swept:
        return
    base = standard_normal(bijector.latent_shape)
    kwargs = {} if context is None else {"context": context}
    y = subject.data(bijector, (4,))
    counts.clear()
    tfd.TransformedDistribution(base, bijector).log_prob(y, bijector_kwargs=kwargs)
    assert set(counts.values()) <= {1}
    assert len(counts) == len(conditioners)

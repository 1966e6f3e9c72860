"""How often `tables.check` finds planted faults, and passes what is right."""

import numpy as np
import pytest
from planted_tables import Planted, rows, with_gaps

from tfp_flows import tables
from tfp_flows.tables.checking import check
from tfp_flows.vi.uniformity import Uniformity

_REPEATS = 10


def test_a_tolerance_shrinks_what_is_off():
    """Of 10,000 ranks 2.5 % too few lie below the middle, which is 0.05 in units of tolerances."""
    uniform = Uniformity(10_000, 99)
    right = np.tile(np.arange(100), 100)
    assert uniform.p_value(right) == uniform.p_value(right, 0.03) > 0.99
    off = np.concatenate([right[right >= 50], right[right < 50][:4_750], np.full(250, 50)])
    assert uniform.p_value(off) < 0.001
    assert uniform.p_value(off, 0.05) > 0.9
    assert uniform.p_value(np.minimum(right, 94), 0.03) < 0.001


@pytest.mark.deep
@pytest.mark.parametrize("fault", [None, "shuffled", "cut"], ids=str)
def test_exact_models(fault):
    found = [
        check(Planted(fault), rows(1_000, 10 * i + 1), rows(2_000, 10 * i + 2), seed=10 * i + 3)
        for i in range(_REPEATS)
    ]
    passed = sum(verdict.ok for verdict in found)
    assert passed >= 9 if fault is None else passed == 0


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.parametrize("fault", ["gaps", "cut"], ids=str)
def test_trained_models(fault):
    """What was planted is in the training rows; held-out rows have gaps where those have them."""
    # Rows with gaps hold less.
    train = with_gaps(rows(10_000, 1), 0) if fault == "gaps" else rows(5_000, 1, fault)
    model = tables.fit(train, epochs=40, hidden_units=(64, 64), seed=0)
    passed, named = 0, 0
    for i in range(_REPEATS):
        held = rows(1_000, 100 + i)
        held = with_gaps(held, i) if fault == "gaps" else held
        verdict = check(model, held, train, seed=i)
        passed += verdict.ok
        named += {"cut": "'a'"}.get(fault, "") in " ".join(verdict.sentences)
    assert passed >= 9 if fault == "gaps" else passed == 0
    assert named == _REPEATS

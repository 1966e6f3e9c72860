"""Models that earlier versions have saved."""

from pathlib import Path

import numpy as np
import pytest

import tfp_flows as tff
from tfp_flows.keras_worlds import KERAS3

MODELS = Path(__file__).parents[1] / "fixtures" / "format0" / "models"
FILES = sorted(MODELS.glob("*.keras"))


@pytest.mark.keras
def test_models_of_format_0_have_their_densities():
    assert len(FILES) == 5
    for file in FILES:
        if not KERAS3 and not file.stem.endswith("tf_keras"):
            continue  # refused with a sentence; see test_saving.py
        model = tff.load(file, compile=False)
        assert model.kind is None
        with np.load(file.with_suffix(".npz")) as known:
            context = known.get("context")
            found = model.flow.log_prob(known["x"], context)
            np.testing.assert_allclose(found, known["log_prob"], rtol=1e-4, atol=1e-5)

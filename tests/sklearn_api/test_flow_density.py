"""`FlowDensity` as an estimator of scikit-learn."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import tfp_flows as tff
from tfp_flows.errors import InputError
from tfp_flows.sklearn import FlowDensity

SMALL = {"num_layers": 1, "hidden_units": [8]}


@pytest.fixture
def eagerly():
    """Many small fits, none of which is worth a trace."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def correlated(count, seed=0):
    z = np.random.default_rng(seed).normal(size=(count, 2))
    return np.stack([z[:, 0], 0.8 * z[:, 0] + 0.6 * z[:, 1]], axis=1)


def gaussian(rows):
    """Log-densities under the law of `correlated`."""
    a, b = rows.T
    return -0.5 * (a**2 + (b - 0.8 * a) ** 2 / 0.36) - np.log(2 * np.pi * 0.6)


def test_learns_samples_and_is_pickled():
    frame = pd.DataFrame(correlated(1200), columns=["speed", "power"])
    model = FlowDensity(flow_options=SMALL, epochs=15, learning_rate=2e-2, random_state=0)
    assert model.fit(frame) is model
    new = pd.DataFrame(correlated(500, seed=1), columns=frame.columns)
    found = model.score_samples(new)
    assert np.abs(found - gaussian(new.to_numpy())).mean() < 0.15
    assert model.score(new) == pytest.approx(found.sum())
    assert model.n_iter_ == len(model.history_["loss"]) <= 15
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).score_samples(new), found)
    rows = model.sample(2000, random_state=1)
    np.testing.assert_array_equal(rows, model.sample(2000, random_state=1))
    assert np.corrcoef(rows.T)[0, 1] == pytest.approx(0.8, abs=0.06)
    drawn = model.set_output(transform="pandas").sample(3, random_state=1)
    assert list(drawn.columns) == ["speed", "power"]
    np.testing.assert_array_equal(drawn, model.set_output(transform="default").sample(3, 1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"flow": "mfa"}, "did you mean 'maf'"),
        ({"flow": "glow"}, "glow is no flow of rows"),
        ({"flow_options": {"num_layer": 1}}, "did you mean 'num_layers'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
    ],
)
def test_bad_parameters(wrong, message):
    with pytest.raises(tff.InputError, match=message):
        FlowDensity(**wrong).fit(correlated(20))


def test_bad_weights_and_what_is_not_fitted():
    from sklearn.exceptions import NotFittedError

    model = FlowDensity()
    with pytest.raises(NotFittedError):
        model.score_samples(correlated(3))
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(correlated(20), sample_weight=-np.ones(20))
    with pytest.raises(tff.InputError, match="transform is 'polars'"):
        model.set_output(transform="polars")


@pytest.mark.parametrize(
    "values", [["x", "y", "x", None], pd.date_range("2024-01-01", periods=4)], ids=["text", "date"]
)
def test_frames_of_mixed_columns_are_sent_to_tables(values):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": values})
    with pytest.raises(InputError, match=r"column 'b' is of .* use tff.tables.fit\(frame\)"):
        FlowDensity().fit(frame)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in [name for name in sys.modules if name.startswith("tfp_flows.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(tff.InputError, match=r"pip install \"tfp-flows\[sklearn\]\""):
        import tfp_flows.sklearn  # noqa: F401


@pytest.mark.deep
def test_weights_count():
    good, other = correlated(800), correlated(800, seed=1) + 4.0
    rows, weights = np.concatenate([good, other]), np.repeat([1.0, 0.0], 800)
    model = FlowDensity(flow_options=SMALL, epochs=15, learning_rate=2e-2, random_state=0)
    model.fit(rows, sample_weight=weights)
    assert model.score_samples(good).mean() > gaussian(good).mean() - 0.3
    assert model.score_samples(other).mean() < -4


@pytest.mark.deep
def test_one_column_bends():
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((2000, 1)) < 0.5, -2.0, 2.0) + 0.4 * rng.normal(size=(2000, 1))
    model = FlowDensity(epochs=30, learning_rate=2e-2, random_state=0).fit(rows)
    at = model.score_samples(np.array([[-2.0], [0.0], [2.0]]))
    assert min(at[0], at[2]) > at[1] + 2


@pytest.mark.deep
def test_in_a_pipeline_and_a_search(eagerly):
    rows = correlated(300)
    pipeline = make_pipeline(StandardScaler(), FlowDensity("radial", epochs=2, random_state=0))
    search = GridSearchCV(
        pipeline, {"flowdensity__flow_options": [{"num_layers": n} for n in (1, 2)]}
    )
    search.fit(rows)
    assert len(search.cv_results_["mean_test_score"]) == 2
    assert np.isfinite(search.score(rows))
    assert clone(search.best_estimator_[-1]).get_params()["flow"] == "radial"


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore")
def test_contract_of_estimators(eagerly):
    options = {"num_layers": 1}
    model = FlowDensity("radial", flow_options=options, epochs=1, random_state=0, dtype="float64")
    results = check_estimator(model, on_fail=None)
    assert len(results) > 30
    failed = [one["check_name"] for one in results if one["status"] == "failed"]
    assert failed == []

"""Leave-one-out densities against those that are known."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff

tfd = tfp.distributions
ROWS, NOISE = 15, 0.7
GENERATOR = np.random.default_rng(0)
DESIGN = GENERATOR.standard_normal((ROWS, 2))
Y = DESIGN @ [1.0, -0.5] + NOISE * GENERATOR.standard_normal(ROWS)


def f8(value):
    return tf.constant(value, tf.float64)


def seen(mean):
    return tfd.Normal(mean, f8(NOISE))


@tfd.JointDistributionCoroutineAutoBatched
def coroutine():
    slope = yield tfd.Normal(f8([0, 0]), f8(1), name="slope")
    yield seen(tf.linalg.matvec(f8(DESIGN), slope)).copy(name="y")


def independent(slope):
    return tfd.Independent(seen(tf.linalg.matvec(f8(DESIGN), slope)), 1)


PRIOR = tfd.Sample(tfd.Normal(f8(0), f8(1)), 2)
MODELS = {
    "coroutine": coroutine,
    "named": tfd.JointDistributionNamed({"slope": PRIOR, "y": independent}),
    "sequential": tfd.JointDistributionSequential([PRIOR, lambda slope: independent(slope)]),
}


def exact(design=DESIGN, y=Y):
    """Log-densities of each row given the others."""
    found = []
    for i in range(len(y)):
        x, rest, target = design[i], np.delete(design, i, 0), np.delete(y, i)
        covariance = np.linalg.inv(np.eye(design.shape[1]) + rest.T @ rest / NOISE**2)
        mean = covariance @ rest.T @ target / NOISE**2
        scale = np.sqrt(NOISE**2 + x @ covariance @ x)
        found.append(tfd.Normal(x @ mean, scale).log_prob(y[i]).numpy())
    return np.array(found)


def fitted(model, observed, **options):
    short = {"flow": "full_rank", "steps": 60, "draws": 64, "evaluation_draws": 40_000}
    return tff.vi.fit(model, observed, verbose=False, **short, **options)


@pytest.fixture(scope="module")
def posterior():
    return fitted(coroutine, {"y": Y})


@pytest.mark.parametrize(
    "name", ["coroutine", *(pytest.param(n, marks=pytest.mark.deep) for n in list(MODELS)[1:])]
)
def test_rows_of_a_conjugate_model(name, posterior):
    if name != "coroutine":
        observed = list(MODELS[name]._flat_resolve_names())[-1]
        posterior = fitted(MODELS[name], {observed: Y})
    loo = posterior.loo()
    np.testing.assert_allclose(loo.rows["elpd"], exact(), atol=0.03)
    assert loo.elpd.value == pytest.approx(exact().sum(), abs=0.1)
    assert loo.elpd.standard_error == pytest.approx(np.sqrt(ROWS) * exact().std(ddof=1), rel=0.05)
    assert 1 < loo.parameters < 3
    assert loo.good
    assert "Good: k-hat of all 15 rows" in str(loo)


def test_a_function_of_the_parts_says_what_a_row_is(posterior):
    def log_likelihood(slope):
        return seen(tf.linalg.matmul(slope, f8(DESIGN), transpose_b=True)).log_prob(f8(Y))

    def log_density(slope):
        return PRIOR.log_prob(slope) + tf.reduce_sum(log_likelihood(slope), axis=-1)

    rows = posterior.loo("y").rows["elpd"]
    np.testing.assert_allclose(posterior.loo(log_likelihood).rows["elpd"], rows, atol=1e-9)
    target = tff.vi.Target(log_density, parts={"slope": 2}, dtype=tf.float64)
    other = posterior.attached(target)
    np.testing.assert_allclose(other.loo(log_likelihood).rows["elpd"], rows, atol=1e-6)
    with pytest.raises(tff.InputError, match="does not say what a row is; give rows"):
        other.loo()
    with pytest.raises(tff.InputError, match=r"\[draws, rows\], \(500, ...\) here, got \(500,\)"):
        other.loo(log_density)
    with pytest.raises(tff.InputError, match="NaN"):
        other.loo(lambda slope: slope * np.nan)


def test_a_poor_flow_is_corrected_by_its_weights(posterior, tmp_path):
    posterior.save(tmp_path / "posterior.keras")
    other = tff.load(tmp_path / "posterior.keras")
    for variable in other.flow.trainable_variables:
        variable.assign_add(tf.fill(variable.shape, f8(0.2)))
    other = other.attached(coroutine, {"y": Y})
    assert other.log_evidence.value - other.elbo.value > 0.05
    draws = other.draws(4000)["slope"]
    assert np.abs(draws.mean(0) - posterior.draws(4000)["slope"].mean(0)).max() > 0.03
    np.testing.assert_allclose(other.loo().rows["elpd"], exact(), atol=0.05)


def test_a_row_that_rules_the_posterior_is_named():
    y = Y.copy()
    y[3] += 40
    design = DESIGN.copy()
    design[3] *= 10

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        slope = yield tfd.Normal(f8([0, 0]), f8(1), name="slope")
        yield seen(tf.linalg.matvec(f8(design), slope)).copy(name="y")

    loo = fitted(model, {"y": y}).loo()
    assert not loo.good
    assert loo.rows["k_hat"].idxmax() == 3
    assert not loo.rows.loc[3, "trusted"]
    count = (~loo.rows["trusted"]).sum()
    assert f"Not good: of {count} of 15 rows (3" in str(loo)


@pytest.mark.deep
def test_comparison_by_prediction(posterior):
    @tfd.JointDistributionCoroutineAutoBatched
    def smaller():
        slope = yield tfd.Normal(f8([0]), f8(1), name="slope")
        yield seen(tf.linalg.matvec(f8(DESIGN[:, 1:]), slope)).copy(name="y")

    both = {"two": posterior.loo(), "one": fitted(smaller, {"y": Y}).loo()}
    table = tff.vi.compare(both)
    assert list(table.index) == ["two", "one"]
    differences = exact(DESIGN[:, 1:]) - exact()
    assert table.loc["one", "difference"] == pytest.approx(differences.sum(), abs=0.1)
    error = np.sqrt(ROWS) * differences.std(ddof=1)
    assert table.loc["one", "difference_error"] == pytest.approx(error, rel=0.05)
    assert table.loc["two", "difference"] == table.loc["two", "difference_error"] == 0
    assert table["trusted"].all()
    with pytest.raises(tff.InputError, match="not one with another"):
        tff.vi.compare({**both, "three": posterior})
    shorter = both["one"]._replace(rows=both["one"].rows[:9])
    with pytest.raises(tff.InputError, match="'two' has 15, 'one' has 9"):
        tff.vi.compare({**both, "one": shorter})


def test_what_has_no_rows(posterior):
    with pytest.raises(tff.InputError, match="'z'; choose one of y"):
        posterior.loo("z")

    @tfd.JointDistributionCoroutineAutoBatched
    def whole():
        slope = yield tfd.Normal(f8([0, 0]), f8(1), name="slope")
        scale = tf.linalg.diag(tf.ones(ROWS, tf.float64))
        mean = tf.linalg.matvec(f8(DESIGN), slope)
        yield tfd.MultivariateNormalTriL(mean, scale, name="y")

    with pytest.raises(tff.InputError, match="'y' has one density, not one for each row"):
        posterior.attached(whole, {"y": Y}).loo()

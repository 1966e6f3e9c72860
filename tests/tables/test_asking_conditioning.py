"""Conditionals of known laws: of flows of vectors, and of a trained model of a table."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows import tables
from tfp_flows.errors import InputError
from tfp_flows.tables import conditional_draws, conditional_log_prob

tfd, tfb = tfp.distributions, tfp.bijectors

MEAN = np.array([1.0, -2.0, 0.5])
SCALE = np.array([[2.0, 0.0, 0.0], [1.5, 0.7, 0.0], [-0.4, 0.9, 0.5]])


def gaussian_flow():
    maps = [tfb.Shift(MEAN), tfb.ScaleMatvecTriL(SCALE)]
    triangular = tff.bijectors.Chain(maps, event_shape=3)
    return tff.Flow(tff.flows.standard_normal(3, dtype=tf.float64), triangular, name="triangular")


def conditional_gaussian(given):
    """Mean and covariance of the other columns."""
    known, free = list(given), [j for j in range(3) if j not in given]
    covariance = SCALE @ SCALE.T
    gain = covariance[np.ix_(free, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    mean = MEAN[free] + gain @ (np.array(list(given.values())) - MEAN[known])
    return mean, covariance[np.ix_(free, free)] - gain @ covariance[np.ix_(known, free)], free


def distance(draws, cdf):
    """Of Kolmogorov and Smirnov."""
    u, n = np.sort(cdf(np.sort(draws))), len(draws)
    return max(np.abs(u - np.arange(n) / n).max(), np.abs(u - np.arange(1, n + 1) / n).max())


@pytest.mark.parametrize(
    ("given", "how"),
    [
        pytest.param({0: 2.5}, "exact", id="first"),
        pytest.param({0: 2.5, 1: -2.0}, "exact", id="first two", marks=pytest.mark.deep),
        pytest.param({2: 1.5}, "chains", id="last"),
        pytest.param({1: -4.0, 2: 0.0}, "chains", id="last two", marks=pytest.mark.deep),
    ],
)
def test_draws_and_densities_of_a_gaussian_given_columns(given, how):
    mean, covariance, free = conditional_gaussian(given)
    found = conditional_draws(gaussian_flow(), given, 2_000, seed=0)
    assert found.how == how
    assert found.r_hat < 1.05
    np.testing.assert_array_equal(
        found.values[:, list(given)], np.tile([*given.values()], (2_000, 1))
    )
    deviations = np.sqrt(np.diag(covariance))
    for j, column in enumerate(free):
        cdf = tfd.Normal(mean[j], deviations[j]).cdf
        allowed = 1.9 / np.sqrt(min(2_000, found.effective))
        assert distance(found.values[:, column], lambda x, cdf=cdf: cdf(x).numpy()) < allowed
    np.testing.assert_allclose(np.cov(found.values[:, free].T), np.squeeze(covariance), atol=0.15)
    points = mean + deviations * np.array([[-1.0], [0.3], [2.0]])
    law = tfd.MultivariateNormalTriL(mean, np.linalg.cholesky(covariance))
    density = conditional_log_prob(gaussian_flow(), points, given, seed=0)
    assert 0 < density.standard_error < 0.05
    expected = law.log_prob(points).numpy()
    np.testing.assert_allclose(
        density.log_density, expected, atol=4 * density.standard_error + 1e-9
    )


def test_chains_that_do_not_agree_are_refused():
    far = tfd.MultivariateNormalDiag(tf.constant([[0.0, -40.0], [0.0, 40.0]]), [1.0, 1.0])
    base = tfd.MixtureSameFamily(tfd.Categorical(logits=[0.0, 0.0]), far)
    flow = tff.Flow(base, tff.bijectors.Chain([tfb.Shift(tf.zeros(2))], event_shape=2))
    with pytest.raises(InputError, match=r"R-hat of .* raise warm_up and n .* or fit a model"):
        conditional_draws(flow, {0: 0.5}, 100, warm_up=100)


@pytest.mark.parametrize(
    ("given", "n", "match"),
    [
        ({}, 10, "give at least one of 0 to 2"),
        ({3: 0.0}, 10, r"Columns \[3\] are given of 3"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, 10, "not all"),
        ({0: 0.0}, 0, "0 draws of 16 chains"),
    ],
)
def test_what_cannot_be_given(given, n, match):
    with pytest.raises(InputError, match=match):
        conditional_draws(gaussian_flow(), given, n)


def test_flows_of_something_else_are_refused():
    flow = tff.flows.maf(event_shape=2, context_shape=1, seed=0)
    with pytest.raises(InputError, match="takes a context; fix it first"):
        conditional_draws(flow, {0: 0.0})
    with pytest.raises(InputError, match=r"\[rows, 2\]"):
        conditional_log_prob(gaussian_flow(), np.zeros((4, 3)), {0: 0.0})


FIT = {"hidden_units": (64, 64), "epochs": 50, "batch_size": 800, "learning_rate": 3e-3}
ROWS, VERBOSE = 40_000, 0


class Mixture:
    """Two Gaussians in three columns, with the law of each column given any others."""

    shares = np.array([0.4, 0.6])
    means = np.array([[-1.5, 1.0, 0.0], [1.5, -0.5, 1.0]])
    covariances = np.array(
        [
            [[1.0, 0.6, 0.2], [0.6, 0.8, -0.1], [0.2, -0.1, 0.5]],
            [[0.7, -0.4, 0.1], [-0.4, 1.2, 0.5], [0.1, 0.5, 1.0]],
        ]
    )

    def sample(self, n, seed):
        rng = np.random.default_rng(seed)
        which = rng.choice(2, n, p=self.shares)
        noise = rng.standard_normal((n, 3))
        factors = np.linalg.cholesky(self.covariances)
        return self.means[which] + np.einsum("nij,nj->ni", factors[which], noise)

    def cdf(self, column, x, given):
        known, total, found = list(given), 0.0, 0.0
        values = np.array(list(given.values()))
        for share, mean, covariance in zip(self.shares, self.means, self.covariances, strict=True):
            own = covariance[np.ix_(known, known)]
            gain = covariance[[column]][:, known] @ np.linalg.inv(own)
            middle = mean[column] + (gain @ (values - mean[known]))[0]
            spread = covariance[column, column] - (gain @ covariance[known][:, [column]])[0, 0]
            seen = tfd.MultivariateNormalTriL(mean[known], np.linalg.cholesky(own))
            weight = share * seen.prob(values).numpy()
            found = found + weight * tfd.Normal(middle, np.sqrt(spread)).cdf(x).numpy()
            total += weight
        return found / total

    def usual(self, known, n):
        """What is given: of ``n`` rows those whose given columns are not the rarest tenth."""
        rows = self.sample(n, 1)
        normals = [
            tfd.MultivariateNormalTriL(m[known], np.linalg.cholesky(c[np.ix_(known, known)]))
            for m, c in zip(self.means, self.covariances, strict=True)
        ]
        density = sum(
            share * normal.prob(rows[:, known]).numpy()
            for share, normal in zip(self.shares, normals, strict=True)
        )
        return rows[density > np.quantile(density, 0.1)]


@pytest.mark.deep
@pytest.mark.xla
def test_conditionals_of_a_gaussian_mixture_are_learned():
    """Given columns before, behind and around; the distance of Kolmogorov and Smirnov."""
    law, names = Mixture(), ["a", "b", "c"]
    frame = pd.DataFrame(law.sample(ROWS, 0), columns=names)
    model = tables.fit(frame, seed=0, verbose=VERBOSE, **FIT)
    x = np.linspace(-6, 7, 400)
    for column, known in [(1, [0]), (2, [0]), (0, [1]), (0, [2]), (1, [0, 2]), (0, [1, 2])]:
        apart = []
        for row in law.usual(known, 12):
            given = {j: row[j] for j in known}
            expected = law.cdf(column, x, given)
            found = tables.cdf(model, names[column], x, {names[j]: v for j, v in given.items()})
            apart.append(np.abs(found - expected).max())
        print(names[column], known, np.round(apart, 4))
        assert np.mean(apart) < 0.03
        # Of single rows; 0.054 was seen.
        assert max(apart) < 0.08

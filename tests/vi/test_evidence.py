"""Log-evidences of conjugate models: closed forms against integrals, and a fit of each."""

import numpy as np
import pytest
from scipy import integrate, stats

from benchmarks.inference import conjugate
from tfp_flows import vi

SHORT = {"flow": "full_rank", "steps": 100, "draws": 64, "evaluation_draws": 4000}


def test_closed_forms_are_integrals():
    """By a quadrature, and by Bayes' theorem at one point with the posterior written anew."""
    known = conjugate.beta_binomial(3)
    k = float(known.observed["k"])
    exact = integrate.quad(lambda p: stats.binom.pmf(k, 25, p) * stats.beta.pdf(p, 1.5, 4), 0, 1)
    np.testing.assert_allclose(known.log_evidence, np.log(exact[0]), rtol=1e-6)
    random = np.random.default_rng(3)
    design = random.standard_normal((30, 3)) * [1, 10, 0.1]
    known = conjugate.linear(3)
    y, point = known.observed["y"], np.array([0.5, 0.2, -1.0])
    precision = design.T @ design / 0.64 + np.eye(3) / 4
    mean = np.linalg.solve(precision, design.T @ y / 0.64)
    total = stats.norm(0, 2).logpdf(point).sum() + stats.norm(design @ point, 0.8).logpdf(y).sum()
    total -= stats.multivariate_normal(mean, np.linalg.inv(precision)).logpdf(point)
    np.testing.assert_allclose(known.log_evidence, total, rtol=1e-8)
    known = conjugate.gaussian_process(3)
    f = np.zeros(20)
    log_joint = float(known.joint.log_prob(f=f, y=known.observed["y"]))
    x = np.sort(np.random.default_rng(3).uniform(0, 5, 20))
    kernel = np.exp(-((x[:, None] - x) ** 2) / 2 / 0.6**2) + 1e-6 * np.eye(20)
    gain = kernel @ np.linalg.inv(kernel + 0.09 * np.eye(20))
    covariance = kernel - gain @ kernel
    mean = gain @ known.observed["y"]
    posterior = stats.multivariate_normal(mean, (covariance + covariance.T) / 2, True)
    np.testing.assert_allclose(known.log_evidence, log_joint - posterior.logpdf(f), rtol=1e-5)


@pytest.mark.deep
@pytest.mark.parametrize("name", conjugate.MODELS)
def test_estimates_are_near(name):
    known = conjugate.MODELS[name](0)
    posterior = vi.fit(known.joint, known.observed, verbose=False, **SHORT)
    value, error = posterior.log_evidence
    assert abs(value - known.log_evidence) < 3 * error + 1e-4
    assert abs(value - known.log_evidence) < 0.05


def test_the_table():
    fits = [
        {"model": "a", "flow": "nsf", "seed": i, "exact": -1.0, "estimate": -1.0 + gap,
         "standard_error": 0.02, "elbo": -1.2, "k_hat": 0.1}
        for i, gap in enumerate((0.03, -0.06))
    ]  # fmt: skip
    text = conjugate.report({"fits": fits})
    assert "| a | nsf | 0 | -1.0000 | -0.9700 | +0.0300 | 0.0200 | +1.50 | -1.2000 | 0.10 |" in text
    assert "standard errors of the exact value: 1 of 2" in text
    assert "less than 0.05 nats: 1 of 2, at most 0.0600" in text

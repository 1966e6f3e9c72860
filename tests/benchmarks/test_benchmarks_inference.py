"""The benchmark of posteriors: its models against formulae written anew, and what it reports."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import integrate, stats
from typer.testing import CliRunner

from benchmarks.inference import models
from benchmarks.inference.__main__ import app
from benchmarks.inference.posteriors import Posterior, errors
from tfp_flows import vi

ROWS = 12


def invented(name):
    """Data of a model: small, and of no meaning."""
    random = np.random.default_rng(0)
    columns = (
        "earn height kid_score mom_iq x y weight diam1 diam2 canopy_height total_height u v "
        "density real_ideo race_adj educ1 gender income partyid7 log_radon"
    )
    data = {column: random.uniform(1, 3, ROWS).tolist() for column in columns.split()}
    for column in ("male", "mom_hs", "group", "floor_measure", "x1", "x2", "n"):
        data[column] = random.integers(0, 2, ROWS).tolist()
    for column in ("mom_work", "age_discrete", "county_idx", "k", "N"):
        data[column] = random.integers(1, 5, ROWS).tolist()
    data |= {"J": 4, "I": ROWS, "K": 2, "D": 2, "sigma": [1.0, 2.0, 3.0, 4.0], "sigma1": 0.5}
    data |= {"pmualpha": 1, "psalpha": 2, "pmubeta": 0, "psbeta": 1, "tau": 0.5, "rho": 0.5}
    data |= {"alpha": [[4, 2], [2, 4]], "X": random.normal(size=(ROWS, 2)).tolist()}
    if name in ("gp_pois_regr", "hmm_example", "hmm_drive_1", "low_dim_gauss_mix"):
        data["N"] = ROWS
    if name == "lotka_volterra":
        data |= {"N": 3, "y_init": [30.0, 4.0], "y": random.uniform(4, 40, (3, 2)).tolist()}
    if name == "irt_2pl":
        data |= {"I": 3, "y": random.integers(0, 2, (3, 4)).tolist()}
    if name.startswith("eight_schools"):
        data["y"] = data["y"][:4]
    return data


def built(name):
    data = invented(name)
    joint, observed = models.find(name).model(data)
    return data, vi.Target(joint, observed=observed)


@pytest.mark.parametrize("name", models.MODELS)
def test_every_model_has_a_density_and_the_names_of_its_reference(name):
    data, target = built(name)
    z = tf.random.stateless_normal([3, target.dim], [0, 1], dtype=tf.float64) / 4
    values, slopes = tfp.math.value_and_gradient(target.unconstrained_log_prob, z)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    parameters = dict(zip(target.names, target.parts.leaves(target.unpack(z)), strict=True))
    elements = models.quantities(models.find(name), data, parameters)
    assert all(value.shape == (3,) for value in elements.values())


def differences(name, points, formula):
    """Log-densities of the model and of a formula, each minus that of the first point."""
    data, target = built(name)
    values = [target.log_prob(point).numpy() for point in points]
    expected = [formula(data, **point) for point in points]
    np.testing.assert_allclose(np.diff(values), np.diff(expected), rtol=1e-6)


def test_a_regression_with_a_half_cauchy_scale():
    def formula(data, beta, sigma):
        loc = beta[0] + beta[1] * np.array(data["mom_hs"]) + beta[2] * np.array(data["mom_iq"])
        prior = stats.halfcauchy(scale=2.5).logpdf(sigma)
        return prior + stats.norm(loc, sigma).logpdf(data["kid_score"]).sum()

    points = [{"beta": np.array([1.0, 2.0, s]), "sigma": np.array(s)} for s in (0.5, 1.0, 3.0)]
    differences("kidscore_momhsiq", points, formula)


def test_deviations_of_a_garch_series():
    def formula(data, mu, alpha0, alpha1, beta1):
        square, total = data["sigma1"] ** 2, 0.0
        for t, value in enumerate(data["y"]):
            if t:
                square = alpha0 + alpha1 * (data["y"][t - 1] - mu) ** 2 + beta1 * square
            total += stats.norm(mu, np.sqrt(square)).logpdf(value)
        return total

    points = [
        {"mu": np.array(m), "alpha0": np.array(0.3), "alpha1": np.array(a), "beta1": np.array(0.4)}
        for m, a in ((1.0, 0.2), (2.0, 0.5), (2.5, 0.1))
    ]
    differences("garch11", points, formula)


def test_hidden_states_are_summed_out():
    def formula(data, theta1, theta2, mu):
        rows = np.stack([theta1, theta2])
        seen = stats.norm(mu, 1).pdf(np.array(data["y"])[:, None])
        total = 0.0
        for path in itertools.product((0, 1), repeat=ROWS):
            steps = np.prod(rows[path[:-1], path[1:]])
            total += steps * np.prod(seen[np.arange(ROWS), path])
        return np.log(total) + stats.norm([3, 10], 1).logpdf(mu).sum()

    points = [
        {"theta1": np.array([p, 1 - p]), "theta2": np.array([0.3, 0.7]), "mu": np.array([m, 3.0])}
        for p, m in ((0.8, 1.0), (0.5, 2.0), (0.9, 2.5))
    ]
    differences("hmm_example", points, formula)


def test_hares_and_lynxes_follow_their_equations():
    def formula(data, theta, z_init, sigma):
        def slope(_, z):
            return [(theta[0] - theta[1] * z[1]) * z[0], (theta[3] * z[0] - theta[2]) * z[1]]

        solved = integrate.solve_ivp(slope, (0, 3), z_init, t_eval=[1, 2, 3], rtol=1e-10)
        total = stats.norm([1, 0.05, 1, 0.05], [0.5, 0.05, 0.5, 0.05]).logpdf(theta).sum()
        total += stats.lognorm(1, scale=10).logpdf(z_init).sum()
        total += stats.lognorm(1, scale=np.exp(-1)).logpdf(sigma).sum()
        total += stats.lognorm(sigma, scale=z_init).logpdf(data["y_init"]).sum()
        return total + stats.lognorm(sigma, scale=solved.y.T).logpdf(data["y"]).sum()

    points = [
        {
            "theta": np.array([0.5, 0.03, 0.8, 0.02]) * factor,
            "z_init": np.array([33.0, 6.0]),
            "sigma": np.array([0.25, 0.3]),
        }
        for factor in (1.0, 1.2, 0.7)
    ]
    differences("lotka_volterra", points, formula)


def test_a_gaussian_process_of_counts():
    def formula(data, rho, alpha, f_tilde):
        x = np.array(data["x"])
        apart = (x[:, None] - x) ** 2 / (2 * rho**2)
        f = np.linalg.cholesky(alpha**2 * np.exp(-apart) + 1e-10 * np.eye(ROWS)) @ f_tilde
        total = stats.gamma(25, scale=1 / 4).logpdf(rho) + stats.halfnorm(scale=2).logpdf(alpha)
        return (
            total
            + stats.norm.logpdf(f_tilde).sum()
            + stats.poisson(np.exp(f)).logpmf(data["k"]).sum()
        )

    f_tilde = np.linspace(-1, 1, ROWS)
    points = [
        {"rho": np.array(r), "alpha": np.array(a), "f_tilde": a * f_tilde}
        for r, a in ((0.5, 1.0), (5.0, 2.0), (7.0, 0.3))
    ]
    differences("gp_pois_regr", points, formula)


def test_answers_of_persons_to_items():
    def formula(data, sigma_theta, theta, sigma_a, a, mu_b, sigma_b, b):
        total = stats.halfcauchy(scale=2).logpdf([sigma_theta, sigma_a, sigma_b]).sum()
        total += stats.norm(0, 5).logpdf(mu_b) + stats.norm(0, sigma_theta).logpdf(theta).sum()
        total += stats.lognorm(sigma_a).logpdf(a).sum() + stats.norm(mu_b, sigma_b).logpdf(b).sum()
        right = 1 / (1 + np.exp(-a[:, None] * (theta - b[:, None])))
        return total + stats.bernoulli(right).logpmf(np.array(data["y"])).sum()

    random = np.random.default_rng(1)
    sizes = {
        "sigma_theta": (),
        "theta": 4,
        "sigma_a": (),
        "a": 3,
        "mu_b": (),
        "sigma_b": (),
        "b": 3,
    }
    points = [{k: np.array(random.uniform(0.5, 2, n)) for k, n in sizes.items()} for _ in range(3)]
    differences("irt_2pl", points, formula)


def test_seeds_on_plates():
    def formula(data, alpha0, alpha1, alpha2, alpha12, sigma, b):
        x1, x2 = np.array(data["x1"]), np.array(data["x2"])
        logits = alpha0 + alpha1 * x1 + alpha2 * x2 + alpha12 * x1 * x2 + b
        total = stats.norm.logpdf([alpha0, alpha1, alpha2, alpha12]).sum()
        total += stats.halfcauchy.logpdf(sigma) + stats.norm(0, sigma).logpdf(b).sum()
        return total + stats.binom(data["N"], 1 / (1 + np.exp(-logits))).logpmf(data["n"]).sum()

    random = np.random.default_rng(1)
    names = ("alpha0", "alpha1", "alpha2", "alpha12", "sigma")
    points = [
        {name: np.array(random.uniform(0.5, 2)) for name in names} | {"b": random.normal(size=ROWS)}
        for _ in range(3)
    ]
    differences("seeds_stanified_model", points, formula)


def test_radon_in_counties():
    def formula(data, sigma_y, **effects):
        county, loc, total = np.array(data["county_idx"]) - 1, 0, stats.halfnorm.logpdf(sigma_y)
        for letter, column in (("alpha", 1), ("beta", np.array(data["floor_measure"]))):
            mean, scale, raw = (effects[n.format(letter)] for n in ("mu_{}", "sigma_{}", "{}_raw"))
            total += stats.halfnorm.logpdf(scale) + stats.norm(0, 10).logpdf(mean)
            total += stats.norm.logpdf(raw).sum()
            loc = loc + (mean + scale * raw)[county] * column
        return total + stats.norm(loc, sigma_y).logpdf(data["log_radon"]).sum()

    random = np.random.default_rng(1)
    names = ("sigma_y", "sigma_alpha", "mu_alpha", "sigma_beta", "mu_beta")
    points = [
        {name: np.array(random.uniform(0.5, 2)) for name in names}
        | {name: random.normal(size=4) for name in ("alpha_raw", "beta_raw")}
        for _ in range(3)
    ]
    differences("radon_variable_intercept_slope_noncentered", points, formula)


def test_both_forms_of_the_eight_schools_are_one_law():
    (_, centred), (_, other) = (built(f"eight_schools_{form}centered") for form in ("", "non"))
    effects, gaps = np.array([1.0, -2.0, 0.5, 3.0]), []
    for mu, tau in ((1.0, 0.5), (-2.0, 3.0), (4.0, 10.0)):
        hyper = {"mu": np.array(mu), "tau": np.array(tau)}
        one = centred.log_prob(hyper | {"theta": mu + tau * effects})
        gaps.append(one - other.log_prob(hyper | {"theta_trans": effects}) + 4 * np.log(tau))
    np.testing.assert_allclose(np.diff(gaps), 0, atol=1e-9)


def test_errors_are_those_of_the_worst_element():
    reference = {"theta1[1]": {"mean": 0.0, "sd": 1.0}, "theta1[2]": {"mean": 5.0, "sd": 2.0}}
    draws = np.random.default_rng(0).normal([0, 6], [1, 1], (20_000, 2))
    posterior = Posterior("a-hmm_example", {}, reference, 2, 0.1)
    found = errors(posterior, models.find(posterior.name), {"theta1": draws})
    assert (found["mean_at"], found["sd_at"]) == ("theta1[2]", "theta1[2]")
    assert found["mean_error"] == pytest.approx(0.5, abs=0.02)
    assert found["sd_ratio"] == pytest.approx(0.5, abs=0.02)


def test_a_short_run_and_its_resumption(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 2))
    y = x @ [1.0, -2.0] + random.normal(size=40)
    # The mean is that of least squares, nearly; its deviations are those of a Student t.
    beta, rest, *_ = np.linalg.lstsq(x, y, rcond=None)
    sd = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rest[0] / 37)
    record = {
        "name": "invented-blr",
        "data": {"X": x.tolist(), "y": y.tolist(), "D": 2},
        "dimension": 3,
        "check": {"shape_in_unconstrained_space": {"sd_log_ratio_to_gaussian": 0.1}},
        "reference": {f"beta[{i + 1}]": {"mean": beta[i], "sd": sd[i]} for i in range(2)},
    }
    (tmp_path / "invented-blr.json").write_text(json.dumps(record))
    out = tmp_path / "new" / "inference.json"
    arguments = ["--data", tmp_path, "--minutes", 0.1, "--ways", "full_rank", "--out", out]
    done = CliRunner().invoke(app, [str(part) for part in arguments])
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text())["posteriors"]["invented-blr"]["ways"]["full_rank"]
    assert found["mean_error"] < 0.1
    assert found["sd_ratio"] == pytest.approx(1, abs=0.1)
    # A Gaussian's k-hat beside a Student t hangs on how long it was fitted.
    assert np.isfinite(found["k_hat"])
    assert found["resampled"]["mean_error"] < 0.1
    before = out.read_text()
    again = CliRunner().invoke(app, [str(part) for part in arguments])
    assert again.exit_code == 0, again.output
    assert out.read_text() == before
    arguments[3] = 0.2
    other = CliRunner().invoke(app, [str(part) for part in arguments])
    assert other.exit_code == 2
    assert "holds results of --minutes 0.1, not 0.2" in other.output
    assert "full-rank Gaussian" in out.with_suffix(".md").read_text()


def test_an_unknown_posterior_is_refused(tmp_path):
    (tmp_path / "invented-blr.json").write_text("{}")
    done = CliRunner().invoke(app, ["--data", str(tmp_path), "--only", "invented-bln"])
    assert done.exit_code == 2
    assert "did you mean 'invented-blr'" in done.output

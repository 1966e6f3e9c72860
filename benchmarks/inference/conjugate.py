"""Log-evidences that are known: the exact value beside that of a flow's importance weights."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks import reports
from tfp_flows import vi

tfd = tfp.distributions
_ROWS, _TRIALS, _PLACES = 30, 25, 20
# Targets: of the difference, and of its ratio to the standard error.
_NATS, _ERRORS = 0.05, 2.0


class Known(NamedTuple):
    """A model, what was observed, and its log-evidence in nats by a closed form."""

    joint: Any
    observed: dict[str, np.ndarray]
    log_evidence: float


def linear(seed: int) -> Known:
    """Regression on three columns of unlike size, Gaussian with a known deviation."""
    random = np.random.default_rng(seed)
    design, noise = random.standard_normal((_ROWS, 3)) * [1, 10, 0.1], 0.8
    y = design @ [1.0, -0.1, 3.0] + noise * random.standard_normal(_ROWS)
    covariance = 4 * design @ design.T + noise**2 * np.eye(_ROWS)

    @tfd.JointDistributionCoroutineAutoBatched
    def joint():
        slope = yield tfd.Normal(_f8(np.zeros(3)), _f8(2), name="slope")
        yield tfd.Normal(tf.linalg.matvec(_f8(design), slope), _f8(noise), name="y")

    return Known(joint, {"y": y}, _gaussian(y, covariance))


def beta_binomial(seed: int) -> Known:
    """A probability of which a few trials are seen, its density skewed."""
    a, b = 1.5, 4.0
    k = float(np.random.default_rng(seed).binomial(_TRIALS, 0.15))

    @tfd.JointDistributionCoroutineAutoBatched
    def joint():
        share = yield tfd.Beta(_f8(a), _f8(b), name="share")
        yield tfd.Binomial(_f8(_TRIALS), probs=share, name="k")

    exact = tfd.BetaBinomial(_f8(_TRIALS), _f8(a), _f8(b)).log_prob(_f8(k))
    return Known(joint, {"k": np.array(k)}, float(exact))


def gaussian_process(seed: int) -> Known:
    """A function at twenty places, seen with noise."""
    random = np.random.default_rng(seed)
    x, noise = np.sort(random.uniform(0, 5, _PLACES)), 0.3
    y = np.sin(2 * x) + noise * random.standard_normal(_PLACES)
    kernel = np.exp(-((x[:, None] - x) ** 2) / 2 / 0.6**2) + 1e-6 * np.eye(_PLACES)

    @tfd.JointDistributionCoroutineAutoBatched
    def joint():
        root = _f8(np.linalg.cholesky(kernel))
        f = yield tfd.MultivariateNormalTriL(_f8(np.zeros(_PLACES)), root, name="f")
        yield tfd.Normal(f, _f8(noise), name="y")

    return Known(joint, {"y": y}, _gaussian(y, kernel + noise**2 * np.eye(_PLACES)))


def _f8(value):
    return tf.constant(value, tf.float64)


def _gaussian(y, covariance) -> float:
    distance = y @ np.linalg.solve(covariance, y)
    return -float(distance + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2


MODELS: Mapping[str, Callable[[int], Known]] = MappingProxyType(
    {"linear": linear, "beta_binomial": beta_binomial, "gaussian_process": gaussian_process}
)
"""Models whose evidence has a closed form, by name; each draws its data by a seed."""


def each(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Fits each model by each flow, and puts into the record what was found.

    Args:
        record: With ``settings``: ``seeds``, how many data sets of each model; ``flows``, and
            ``options`` of `tff.vi.fit`. What it finds is added to ``fits``.
    """
    settings = record["settings"]
    for name, model in MODELS.items():
        for flow in settings["flows"]:
            for seed in range(settings["seeds"]):
                known = model(seed)
                options = {**settings["options"], "seed": seed, "verbose": False}
                posterior = vi.fit(known.joint, known.observed, flow=flow, **options)
                value, error = posterior.log_evidence
                found = {
                    "model": name,
                    "flow": posterior.name if flow == "auto" else flow,
                    "seed": seed,
                    "exact": known.log_evidence,
                    "estimate": value,
                    "standard_error": error,
                    "elbo": posterior.elbo.value,
                    "k_hat": posterior.k_hat,
                }
                record["fits"].append(found)
                yield found


def report(record: Mapping[str, Any]) -> str:
    """The table and how many reach the targets, in Markdown."""
    header = ["model", "flow", "data", "exact", "estimate", "error", "s.e.", "z", "ELBO", "k-hat"]
    lines, off, ratios = [], [], []
    for found in record["fits"]:
        gap, error = found["estimate"] - found["exact"], found["standard_error"]
        off.append(abs(gap)), ratios.append(abs(gap) / max(error, np.finfo(float).tiny))
        figures = [f"{found['exact']:.4f}", f"{found['estimate']:.4f}", f"{gap:+.4f}"]
        figures += [f"{error:.4f}", f"{gap / max(error, 1e-300):+.2f}", f"{found['elbo']:.4f}"]
        figures += [f"{found['k_hat']:.2f}"]
        lines.append([found["model"], found["flow"], str(found["seed"]), *figures])
    within = sum(ratio <= _ERRORS for ratio in ratios)
    near = sum(gap < _NATS for gap in off)
    return "\n".join(
        [
            *reports.pipes(header, lines),
            "",
            f"Nats. Within {_ERRORS:g} standard errors of the exact value: {within} of {len(off)} "
            f"(19 of 20 are expected of errors that are right); off by less than {_NATS:g} nats: "
            f"{near} of {len(off)}, at most {max(off):.4f}.",
            "",
        ]
    )

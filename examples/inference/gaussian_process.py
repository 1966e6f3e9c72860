"""A Gaussian process with a Poisson likelihood: the rate of events in time.

Forty counts in a row; their log-rate is a Gaussian process whose amplitude and length
are inferred along with its values (whitened, so that they do not depend on these two).

    python examples/inference/gaussian_process.py
"""

from pathlib import Path

import bands
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import typer

import tfp_flows as tff

tfd = tfp.distributions
PLACES = np.linspace(0, 2, 40)
RATE = np.exp(1.2 + np.sin(2.5 * PLACES) + 0.5 * np.cos(7 * PLACES))
COUNTS = np.random.default_rng(0).poisson(RATE)


def log_rate(level, amplitude, length, z):
    """Values of the process ``[..., places]`` at whitened ones."""
    kernel = tfp.math.psd_kernels.ExponentiatedQuadratic(amplitude, length)
    places = tf.constant(PLACES[:, None])
    covariance = kernel.matrix(places, places)
    noise = 1e-6 * tf.eye(len(PLACES), dtype=tf.float64)
    factor = tf.linalg.cholesky(covariance + noise)
    return level[..., None] + tf.linalg.matvec(factor, z)


@tfd.JointDistributionCoroutineAutoBatched
def process():
    """Level, amplitude, length, whitened values and counts."""
    level = yield tfd.Normal(tf.constant(0.0, tf.float64), 2.0, name="level")
    amplitude = yield tfd.HalfNormal(tf.constant(2.0, tf.float64), name="amplitude")
    length = yield tfd.InverseGamma(tf.constant(3.0, tf.float64), 1.0, name="length")
    z = yield tfd.Sample(tfd.Normal(tf.constant(0.0, tf.float64), 1.0), len(PLACES), name="z")
    rates = log_rate(level, amplitude, length, z)
    yield tfd.Poisson(log_rate=rates, name="counts")


def main(out: Path = Path("runs/examples"), steps: int = 3000, draws: int = 300) -> None:
    """Fits, compares with chains and draws the rate."""
    posterior = tff.vi.fit(process, {"counts": COUNTS.astype(float)}, steps=steps)
    print(posterior.loo())
    chains = posterior.neutra(kernel="hmc").run(draws, warm_up=draws)
    print("hyper-parameters by the flow, and by chains through it")
    names = ["level", "amplitude", "length"]
    print(posterior.summary().loc[names].round(3).to_string())
    print(chains.summary().loc[names].round(3).to_string())
    found = posterior.draws(2000)
    rates = np.exp(log_rate(*(tf.constant(found[name]) for name in (*names, "z"))))
    title = "The rate of events, from 40 counts"
    seen = (PLACES, COUNTS)
    bands.save(out / "gaussian_process.png", PLACES, rates, seen, title=title, truth=RATE)


if __name__ == "__main__":
    typer.run(main)

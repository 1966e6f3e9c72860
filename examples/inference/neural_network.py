"""A Bayesian neural network: a regression that knows where it saw nothing.

A curve is seen on both sides of a gap. The posterior of the 32 weights has as many modes as hidden
units can change places: a flow that is fitted by the ELBO gives up on them, takes a wide mode and
calls the rest noise. Bounds of 16 draws each let it reach for several. k-hat says all the same that
the weights of the network are not to be trusted one by one; what is wanted are the predictions.
Those of the flow, and of its draws by their importance weights, stand beside those of Markov chains
through it, on rows held out.

    python examples/inference/neural_network.py
"""

from pathlib import Path

import bands
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import typer

import tfp_flows as tff

tfd = tfp.distributions
UNITS = 10


def truth(x):
    """The curve."""
    return np.sin(2 * x) + 0.4 * x


def rows(count, seed):
    """Places on both sides of a gap, and what is seen there."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(1, 3, count) * generator.choice([-1, 1], count)
    return x, truth(x) + 0.15 * generator.standard_normal(count)


def curve(parts, x):
    """The network ``[..., places]`` of weights ``[..., units]``."""
    hidden = tf.tanh(
        parts["inner"][..., None, :] * tf.constant(x, tf.float64)[:, None]
        + parts["shift"][..., None, :]
    )
    value = tf.linalg.matvec(hidden, parts["outer"]) / np.sqrt(UNITS)
    return value + parts["level"][..., None]


def model(x):
    """A joint distribution of weights, noise and what is seen at places ``x``."""

    def normal(scale, name):
        return tfd.Sample(tfd.Normal(tf.constant(0.0, tf.float64), scale), UNITS, name=name)

    @tfd.JointDistributionCoroutineAutoBatched
    def network():
        parts = {
            "inner": (yield normal(2.0, "inner")),
            "shift": (yield normal(2.0, "shift")),
            "outer": (yield normal(2.0, "outer")),
            "level": (yield tfd.Normal(tf.constant(0.0, tf.float64), 1.0, name="level")),
        }
        noise = yield tfd.HalfNormal(tf.constant(0.5, tf.float64), name="noise")
        yield tfd.Normal(curve(parts, x), noise, name="y")

    return network


def predicted(parts, x, y):
    """The log-density of each row under the mean over draws ``[n, ...]``, in nats."""
    density = tfd.Normal(curve(parts, x), parts["noise"][:, None]).log_prob(y)
    return (tf.reduce_logsumexp(density, axis=0) - np.log(len(density))).numpy()


def main(out: Path = Path("runs/examples"), steps: int = 3000, draws: int = 300) -> None:
    """Fits, compares predictions and draws them."""
    x, y = rows(60, 0)
    posterior = tff.vi.fit(model(x), {"y": y}, steps=steps, objective="iwae")
    chains = posterior.neutra(kernel="hmc").run(draws, warm_up=draws)
    print(f"chains through the flow: the largest R-hat is {largest(chains.r_hat):.2f}")

    held = rows(400, 1)
    together = posterior.by_name(tf.nest.map_structure(joined, chains.draws))
    by_chains = predicted(together, *held)
    print(f"held-out rows: {by_chains.mean():.3f} nats each by the chains")
    weighed = posterior.by_name(posterior.importance_resample(2000))
    for name, parts in (("the flow", posterior.draws(2000)), ("its weighted draws", weighed)):
        difference = predicted(parts, *held) - by_chains
        error = 2 * difference.std(ddof=1) / np.sqrt(len(difference))
        print(f"by {name} {difference.mean():+.3f} ± {error:.3f} (2 s.e.) beside them")
        print(f"noise {parts['noise'].mean():.3f}; the true one is 0.15")
    places = np.linspace(-4, 4, 200)
    curves = curve(weighed, places)
    title = "A Bayesian neural network, seen on both sides of a gap"
    bands.save(out / "neural_network.png", places, curves, (x, y), title=title, truth=truth(places))


def joined(leaf):
    """All chains as one."""
    return tf.reshape(leaf, [-1, *leaf.shape[2:]])


def largest(by_part):
    """The largest number of arrays by name."""
    return max(np.max(value) for value in by_part.values())


if __name__ == "__main__":
    typer.run(main)

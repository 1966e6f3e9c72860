"""A hierarchical regression, and whether its groups need slopes of their own.

Eight groups of twelve rows each have an intercept about a common mean. In one model all share a
slope, in the other each has its own. First the data have one slope: the evidence prefers the model
that says so, by a factor of two, and predictions cannot tell the two apart. Then slopes differ, and
both say so plainly.

    python examples/inference/model_choice.py
"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import typer

import tfp_flows as tff

tfd = tfp.distributions
GROUPS, ROWS = 8, 12
GROUP = np.repeat(np.arange(GROUPS), ROWS)
X = np.random.default_rng(0).standard_normal(GROUPS * ROWS)


def f8(value):
    """A constant in double precision."""
    return tf.constant(value, tf.float64)


def simulated(spread):
    """Rows of groups whose slopes have this spread."""
    generator = np.random.default_rng(1)
    intercepts = 1 + 0.7 * generator.standard_normal(GROUPS)
    slopes = 0.5 + spread * generator.standard_normal(GROUPS)
    noise = 0.4 * generator.standard_normal(len(X))
    return intercepts[GROUP] + slopes[GROUP] * X + noise


def regression(slopes: bool):
    """The joint distribution, with slopes of their own or not."""

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        mean = yield tfd.Normal(f8(0.0), 2.0, name="mean")
        spread = yield tfd.HalfNormal(f8(1.0), name="spread")
        z = yield tfd.Sample(tfd.Normal(f8(0.0), 1.0), GROUPS, name="z")
        slope = yield tfd.Normal(f8(0.0), 1.0, name="slope")
        noise = yield tfd.HalfNormal(f8(1.0), name="noise")
        own = slope
        if slopes:
            slope_spread = yield tfd.HalfNormal(f8(1.0), name="slope_spread")
            slope_z = yield tfd.Sample(tfd.Normal(f8(0.0), 1.0), GROUPS, name="slope_z")
            own = tf.gather(slope + slope_spread * slope_z, GROUP)
        level = tf.gather(mean + spread * z, GROUP)
        yield tfd.Normal(level + own * X, noise, name="y")

    return model


def main(steps: int = 2000) -> None:
    """Compares the two models of two data sets."""
    for spread in (0.0, 0.6):
        y = simulated(spread)
        fits = {
            name: tff.vi.fit(regression(slopes), {"y": y}, steps=steps, verbose=False)
            for name, slopes in (("one slope", False), ("slopes by group", True))
        }
        print(f"\nslopes that {'differ' if spread else 'are the same'}\n")
        print(tff.vi.compare(fits).round(3).to_string(), "\n")
        loos = {name: fit.loo() for name, fit in fits.items()}
        print(tff.vi.compare(loos).round(3).to_string())


if __name__ == "__main__":
    typer.run(main)

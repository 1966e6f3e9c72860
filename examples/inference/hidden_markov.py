"""A hidden Markov model: states in a row, summed out.

Waiting times between eruptions come from two states that follow each other. A flow has densities
on the reals alone, so `tfd.HiddenMarkovModel` sums over all rows of states (the forward algorithm),
and gives them back afterwards, given draws of the parameters.

    python examples/inference/hidden_markov.py
"""

from pathlib import Path

import bands
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import typer

import tfp_flows as tff

tfd, tfb = tfp.distributions, tfp.bijectors
STEPS = 150


def simulated():
    """Times and the states that they come from."""
    generator = np.random.default_rng(0)
    states = [0]
    for _ in range(STEPS - 1):
        stays = generator.uniform() < (0.9, 0.8)[states[-1]]
        states.append(states[-1] if stays else 1 - states[-1])
    states = np.array(states)
    return np.array([1.5, 4.0])[states] + 0.6 * generator.standard_normal(STEPS), states


def chain(stay, means, scale):
    """The model of a row of times; parameters may have a batch."""
    rows = tf.stack(
        [
            tf.stack([stay[..., 0], 1 - stay[..., 0]], axis=-1),
            tf.stack([1 - stay[..., 1], stay[..., 1]], axis=-1),
        ],
        axis=-2,
    )
    return tfd.HiddenMarkovModel(
        tfd.Categorical(probs=tf.constant([0.5, 0.5], tf.float64)),
        tfd.Categorical(probs=rows),
        tfd.Normal(means, scale[..., None]),
        num_steps=STEPS,
        name="times",
    )


@tfd.JointDistributionCoroutineAutoBatched
def model():
    """How likely each state stays, means of times, their scale, and the times."""
    beta = tfd.Beta(tf.constant(4.0, tf.float64), 2.0)
    stay = yield tfd.Sample(beta, 2, name="stay")
    wide = tfd.Sample(tfd.Normal(tf.constant(0.0, tf.float64), 3.0), 2)
    means = yield tfd.TransformedDistribution(wide, tfb.Ascending(), name="means")  # in order
    scale = yield tfd.HalfNormal(tf.constant(1.0, tf.float64), name="scale")
    yield chain(stay, means, scale)


def main(out: Path = Path("runs/examples"), steps: int = 2000, draws: int = 300) -> None:
    """Fits, compares with chains and tells the states."""
    times, states = simulated()
    posterior = tff.vi.fit(model, {"times": times}, steps=steps)
    print("by the flow, and by chains through it")
    print(posterior.summary().round(3).to_string())
    print(posterior.neutra(kernel="hmc").run(draws, warm_up=draws).summary().round(3).to_string())
    found = {name: tf.constant(value) for name, value in posterior.draws(200).items()}
    later = chain(**found).posterior_marginals(tf.constant(times)).probs_parameter()[..., 1]
    right = ((later.numpy().mean(axis=0) > 0.5) == states).mean()
    print(f"the likelier state is the true one at {100 * right:.1f} % of the {STEPS} places")
    title = "How likely the second state is"
    seen = (np.arange(STEPS), states)
    path, places = out / "hidden_markov.png", np.arange(STEPS)
    bands.save(path, places, later, seen, title=title, label="true state")


if __name__ == "__main__":
    typer.run(main)

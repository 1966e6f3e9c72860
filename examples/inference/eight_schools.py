"""Eight schools (Rubin 1981), written in two ways: a funnel, and the same without one.

The effect of coaching in each school, given its estimate and standard error. Where effects are
drawn about their mean (centred), their scale and they form a funnel, into whose neck a flow bends
with effort: a fit that is cut short is told off by its k-hat. Where they are moved and scaled
standard normals, there is none. The evidence is that of one model, so both must say the same of it.

    python examples/inference/eight_schools.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import typer

import tfp_flows as tff

tfd = tfp.distributions
ESTIMATES = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


@tfd.JointDistributionCoroutineAutoBatched
def centred():
    """Effects about their mean."""
    mean = yield tfd.Normal(tf.constant(0.0, tf.float64), 5.0, name="mean")
    scale = yield tfd.HalfCauchy(tf.constant(0.0, tf.float64), 5.0, name="scale")
    effects = yield tfd.Sample(tfd.Normal(mean, scale), 8, name="effects")
    yield tfd.Normal(effects, ERRORS, name="estimates")


@tfd.JointDistributionCoroutineAutoBatched
def standard():
    """Effects as standard normals, moved and scaled."""
    mean = yield tfd.Normal(tf.constant(0.0, tf.float64), 5.0, name="mean")
    scale = yield tfd.HalfCauchy(tf.constant(0.0, tf.float64), 5.0, name="scale")
    z = yield tfd.Sample(tfd.Normal(tf.constant(0.0, tf.float64), 1.0), 8, name="z")
    yield tfd.Normal(mean + scale * z, ERRORS, name="estimates")


def main(out: Path = Path("runs/examples"), steps: int = 3000, draws: int = 500) -> None:
    """Fits both, and draws the funnel."""
    fits = {}
    for name, model in {"standard": standard, "centred": centred}.items():
        print(f"\n{name}\n")
        fits[name] = tff.vi.fit(model, {"estimates": ESTIMATES}, steps=steps)
    print("\n", tff.vi.compare(fits).round(3).to_string(), "\n", sep="")

    good, funnel = fits.values()
    exact = good.neutra(kernel="nuts").run(draws, warm_up=draws)
    print("the scale between schools, by the centred flow, by its weights, and by chains")
    for several in (funnel.sample(10_000), funnel.importance_resample(10_000)):
        print(funnel.summary(several).loc[["scale"]].round(3).to_string(header=False))
    print(exact.summary().loc[["scale"]].round(3).to_string(header=False))

    by_flow, by_chains = funnel.draws(4000), good.by_name(exact.draws)
    effects = by_chains["mean"][..., None] + by_chains["scale"][..., None] * by_chains["z"]
    figure = tff.plotting.plot_corner(
        np.column_stack([np.log(by_chains["scale"]).ravel(), effects[..., 0].ravel()]),
        np.column_stack([np.log(by_flow["scale"]), by_flow["effects"][:, 0]]),
        columns=["log scale", "effect of the first school"],
        title="Eight schools, centred: chains (data) and flow",
    )
    tff.plotting.save_figure(figure, out / "eight_schools.png")


if __name__ == "__main__":
    typer.run(main)

"""One call from a model to a posterior: a start, a flow, a training that stops by itself."""

import dataclasses
import math
import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows.catalogue import GAUSSIANS
from tfp_flows.shapes import positive
from tfp_flows.terminal import progress_console, rounds_bar
from tfp_flows.vi import choice, objectives, psis
from tfp_flows.vi.choice import Choice, choose
from tfp_flows.vi.divergence import blame, check_falls_off
from tfp_flows.vi.keeping import Kept
from tfp_flows.vi.laplace import Density, Start, begin
from tfp_flows.vi.posterior import Posterior
from tfp_flows.vi.steps import STEPS
from tfp_flows.vi.target import Target
from tfp_flows.vi.training import Plan, Training

# Rounds of the Gaussian before a flow, and its largest dimension.
_FIRST, _GAUSSIAN_FIRST = 10, 1000
# Dimensions from which a broad start competes, its deviations, rounds and rate.
_BROAD_FROM, _BROAD, _BROAD_ROUNDS, _BROAD_RATE = 20, 0.3, 5, 5e-2
# Draws of a fit without a number beyond which it has left the model's support.
_LOST = 0.5


def fit(
    model: Any,
    observed: Mapping[str, Any] | None = None,
    *,
    flow: Any = "auto",
    steps: int = 3000,
    minutes: float | None = None,
    draws: int = 256,
    objective: str = "reverse_kl",
    learning_rate: float | None = None,
    tempering: float = 0.0,
    tolerance: float = 1e-4,
    evaluation_draws: int = 10_000,
    compiled: bool = False,
    keep: str | os.PathLike[str] | None = None,
    seed: int = 0,
    verbose: bool = True,
    **options: Any,
) -> Posterior:
    """Fits a flow to the posterior of a model.

    It begins with the Gaussian of a mode and its curvature (`tfp_flows.vi.laplace.begin`), of which
    up to 1,000 steps make the nearest full-rank Gaussian. There the flow begins, with a learned
    affine map in its units. Adam's rate falls along a cosine, over all steps, the minutes, or,
    once a smoothed bound has stopped to rise, over a third of the steps until then. The weights of
    the best round are kept, those of the start among them.

    Args:
        model: Any ``tfd.JointDistribution*``, or a `Target`.
        observed: For a joint distribution, values of some parts by name; the others are inferred.
        flow: ``"auto"`` (by dimension), ``"mean_field"``, ``"full_rank"``, ``"planar"``,
            ``"radial"``, ``"sylvester"``, ``"iaf"``, ``"realnvp"``, ``"nsf"``, ``"bnaf"``, or a
            `Flow` of unconstrained vectors that begins near the identity.
        steps: Most steps, in rounds of 100.
        minutes: Most minutes, start and compilation included; the round that runs is finished, and
            one is always trained.
        draws: Of each step.
        objective: ``"reverse_kl"`` (the ELBO), ``"iwae"`` (bounds of 16 draws each) or
            ``"forward_kl"`` (by self-normalised importance weights, wider tails).
        learning_rate: Of Adam, at its height; 0.02 for Gaussians and 0.003 for flows by default.
        tempering: Share of the steps in which the log-density grows from a twentieth to its full
            size, for posteriors of several modes.
        tolerance: Relative change of the smoothed bound that still counts as progress.
        evaluation_draws: Draws by which the result is judged.
        compiled: Whether XLA compiles the steps, which takes minutes and pays in long fits in
            float32; its matrix products in float64 are slow on a CPU.
        keep: A file in which the training is kept after every round. Where it is there, the fit
            goes on from it, once the start is found again; it stays when the fit is over.
        seed: Of starts, weights and draws.
        verbose: Whether progress, and at the end the report, are printed.
        **options: Of the flow that is named: ``num_layers``, ``hidden_units`` and so on.

    Returns:
        The posterior.

    Raises:
        InputError: If the model or an argument will not do, the density is finite nowhere, grows
            without bound or does not fall off, the fit diverges, or what is kept is of another
            one.
    """
    target = model if isinstance(model, Target) else Target(model, observed=observed)
    if target is model and observed is not None:
        raise InputError("A Target holds its observations already; leave observed out.")
    rounds = math.ceil(positive(steps, "steps") / STEPS)
    positive(draws, "draws")
    psis.check_count(positive(evaluation_draws, "evaluation_draws"))
    choice.check_name(flow)
    objectives.check_name(objective)
    if not 0 <= tempering < 1:
        raise InputError(f"tempering is a share of the steps, below 1, got {tempering!r}.")
    began = time.monotonic()
    plan = Plan(rounds, learning_rate, tolerance, round(tempering * rounds))
    prepared = prepare(
        target, flow, options, plan, draws=draws, compiled=compiled, seed=seed, verbose=verbose
    )
    chosen = prepared.chosen
    training = Training(target, chosen, objective, plan, draws=draws, compiled=compiled, seed=seed)
    about = {"flow": chosen.name, "objective": objective, "draws": draws, "steps": steps}
    about |= {"tempering": tempering, "learning_rate": learning_rate, "parts": list(target.names)}
    kept = Kept(keep, seed, about, target)
    earlier = kept.restore(training)
    # What the start took is off the minutes.
    seconds = None if minutes is None else 60 * minutes - (time.monotonic() - began)
    _train(training, rounds, verbose, seconds=seconds, earlier=earlier, kept=kept)
    posterior = prepared.posterior(target, evaluation_draws, seed)
    posterior.history, posterior.seconds = training.history, earlier + time.monotonic() - began
    check_support(posterior, seed)
    if verbose:
        print(posterior.report())
    return posterior


class Prepared(NamedTuple):
    """What a training begins with: the Gaussian, and the flow that is near it."""

    start: Start
    chosen: Choice

    def posterior(self, target: Target, count: int, seed: int) -> Posterior:
        """The posterior by the flow as it is, judged by so many draws."""
        return Posterior(
            self.chosen.flow,
            target.parts,
            target=target,
            name=self.chosen.name,
            why=self.chosen.why,
            start_bound=self.start.bound,
            count=count,
            seed=seed,
        )


def prepare(
    target: Target,
    flow: Any,
    options: Mapping[str, Any],
    plan: Plan,
    *,
    draws: int,
    compiled: bool,
    seed: int,
    verbose: bool,
) -> Prepared:
    """The start of a fit, and the flow that begins there.

    Args:
        target: The model.
        flow: As `fit` takes it.
        options: Of the flow.
        plan: Of the training; its rate is not used.
        draws: Of a step of the Gaussian.
        compiled: Whether by XLA.
        seed: Of starts, weights and draws.
        verbose: Whether progress is shown.

    Raises:
        InputError: If the density is finite nowhere, grows without bound or does not fall off, or
            the flow will not do.
    """
    # A flow that will not do is refused before the start is looked for.
    unit = Start(np.zeros(target.dim), np.ones(target.dim), -math.inf)
    choose(flow, target.dim, unit, target.dtype, seed, options)
    density = Density(target.unconstrained_log_prob, target.dim, target.dtype)
    start = begin(density, seed)
    if start is None or not math.isfinite(start.bound):
        raise blame(target, density, seed)
    check_falls_off(target, density, start)

    def trained(gaussian: Choice, rounds: int, rate: float | None) -> Start:
        short = dataclasses.replace(plan, rounds=min(rounds, plan.rounds), rate=rate, warm=0)
        training = Training(
            target, gaussian, "reverse_kl", short, draws=draws, compiled=compiled, seed=seed
        )
        _train(training, short.rounds, verbose)
        return _as_start(gaussian.flow, training.best)

    if target.dim >= _BROAD_FROM:
        # In a large hierarchy the ways to modes end in the neck of a funnel, from any start.
        broad = Start(np.zeros(target.dim), np.full(target.dim, _BROAD), -math.inf)
        independent = choose("mean_field", target.dim, broad, target.dtype, seed)
        start = max(start, trained(independent, _BROAD_ROUNDS, _BROAD_RATE), key=_height)
    if flow not in GAUSSIANS and target.dim <= _GAUSSIAN_FIRST:
        gaussian = choose("full_rank", target.dim, start, target.dtype, seed)
        start = trained(gaussian, _FIRST, None)
    return Prepared(start, choose(flow, target.dim, start, target.dtype, seed, options))


def check_support(posterior: Posterior, seed: int) -> None:
    """Raises an `InputError` if most draws of a fitted posterior have no density."""
    if posterior.lost > _LOST:
        target = posterior.need_target("Its support")
        density = Density(target.unconstrained_log_prob, target.dim, target.dtype)
        raise blame(target, density, seed, posterior.flow)


def _height(start: Start) -> float:
    return start.bound


def _as_start(flow, bound: float) -> Start:
    """A trained Gaussian as the start of another flow."""
    size = flow.event_shape[0]
    points = tf.concat([tf.zeros([1, size], flow.dtype), tf.eye(size, dtype=flow.dtype)], axis=0)
    location, *columns = flow.bijector.forward_value(points).numpy().astype(np.float64)
    return Start(location, np.tril(np.transpose(columns - location)), bound)


def _train(
    training: Training,
    rounds: int,
    show: bool,
    *,
    seconds: float | None = None,
    earlier: float = 0.0,
    kept: Kept | None = None,
) -> None:
    """Trains until it is over, shown and kept; the flow gets the best weights.

    Args:
        training: What is trained.
        rounds: At most.
        show: Whether progress is shown.
        seconds: At most.
        earlier: Of these, what other processes have spent.
        kept: Where it is kept.
    """
    console = progress_console()
    console.quiet = not show
    began = time.monotonic() - earlier

    def spent() -> float:
        return 0.0 if seconds is None else (time.monotonic() - began) / max(seconds, 1.0)

    with rounds_bar(console, rounds, training.number) as bar:
        while not training.over(share := spent()):
            bound = training.round(share)
            if kept is not None:
                kept.save(training, bound)
            if bar is not None:
                bar(training.number, f"bound {bound:.3f}, best {training.best:.3f} nats")
    training.finish()

"""One call from simulations to a posterior for any data."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows.errors import InputError
from tfp_flows.flows import Flow, get
from tfp_flows.flows.catalogue import RECIPES, find
from tfp_flows.models import FlowModel, ResumableTraining
from tfp_flows.shapes import positive
from tfp_flows.vi.amortised import Amortised
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.simulations import as_context, simulations

keras = tf.keras
_FEWEST = 100


def fit_amortised(
    source: Any,
    observed: str | Sequence[str] | None = None,
    *,
    supports: Mapping[str, Any] | None = None,
    simulated: int = 50_000,
    flow: str = "nsf",
    embedding=None,
    context_shape=None,
    epochs: int = 200,
    patience: int = 12,
    batch_size: int = 512,
    learning_rate: float = 2e-3,
    seed: int = 0,
    verbose: bool = True,
    **options,
) -> Amortised:
    """Learns the posterior of any data from simulations, by maximum likelihood.

    A tenth of the simulations is held out; the rate is halved where the held-out loss stalls, and
    the best epoch is kept.

    Args:
        source: A ``tfd.JointDistribution*``; a function ``(count, seed) -> (parameters, data)``;
            or such a pair. Parameters and data are arrays ``[n, *shape]``, or dicts by name.
        observed: For a joint distribution, the name of the part, or the parts, that are data.
        supports: For functions and pairs, of parameters by name a bijector from the reals to where
            they lie.
        simulated: How many pairs a simulator makes for the fit.
        flow: The name of a recipe that takes vectors and a context.
        embedding: A network from the data to a vector, trained along, where they are sequences,
            sets or pictures; see `Flow`. Without it data are one vector, standardised.
        context_shape: Shape of the data of one simulation where an embedding does not say it, or
            a dict of shapes, None for free lengths.
        epochs: At most.
        patience: Epochs without progress after which the fit ends.
        batch_size: Pairs a step.
        learning_rate: Of Adam, at first.
        seed: Of simulations, weights and order.
        verbose: Whether progress is printed.
        **options: Of the recipe: ``num_layers``, ``hidden_units``, ``dtype`` and so on.

    Returns:
        The posterior of any data.

    Raises:
        InputError: If the source does not give pairs of finite numbers, there are fewer than 100,
            the flow does not take vectors, or the fit diverges.
    """
    began = time.monotonic()
    made = simulations(source, observed, supports)
    pairs = made.given if made.draw is None else made.draw(simulated, seed)
    if pairs.size < _FEWEST:
        raise InputError(f"{pairs.size} simulations are too few; at least {_FEWEST} are needed.")
    z = made.parts.unconstrained(made.parts.leaves(pairs.parameters))[0].numpy()
    if not np.isfinite(z).all():
        raise InputError(
            "Parameters lie outside of their supports, or at their edges; correct the supports."
        )
    # The last rows are held out, and given pairs may be sorted.
    order = np.random.default_rng(seed).permutation(len(z))
    data = {name: array[order] for name, array in pairs.data.items()}
    z, context = z[order], as_context(data, made.shapes, embedding is not None)
    built = _flow(flow, made.parts, context, embedding, context_shape, seed, options)
    model = FlowModel(built)
    model.compile(keras.optimizers.Adam(learning_rate, global_clipnorm=5.0))
    training = ResumableTraining(patience=patience, decay_patience=max(1, patience // 3), seed=seed)
    history = model.fit(
        z,
        context=context,
        batch_size=batch_size,
        epochs=positive(epochs, "epochs"),
        validation_split=0.1,
        callbacks=[training],
        verbose=2 if verbose else 0,
    ).history
    if training.diverged:
        raise InputError(f"The fit diverged: {training.diverged}; give a lower learning_rate.")
    kept = {name: [float(v) for v in history[name]] for name in ("loss", "val_loss")}
    return Amortised(
        built,
        made.parts,
        made.shapes if embedding is None else _named(built.context_shape, made.shapes),
        simulations=made,
        history=kept,
        seconds=time.monotonic() - began,
    )


def _named(raw, shapes):
    """What an embedding takes, by name: lengths may be free that were fixed in the fit."""
    return raw if isinstance(raw, Mapping) else {next(iter(shapes)): raw}


def _flow(name, parts: Parts, context, embedding, context_shape, seed, options) -> Flow:
    recipe = RECIPES[find(name)]
    if recipe.event != "vector" or 1 not in recipe.context:
        raise InputError(f"{name} takes no vectors with a context; maf, nsf and realnvp do.")
    if not recipe.takes_size(parts.dim, options):
        if not recipe.any_size:
            raise InputError(
                f"{name} needs at least {recipe.smallest} parameters, here is {parts.dim}; maf and "
                "nsf take one."
            )
        options = {**recipe.any_size, **options}
    seen = np.shape(context)[-1]
    if embedding is not None:
        few = tf.nest.map_structure(lambda array: array[:2], context)
        seen = int(embedding(few).shape[-1])
    options = {"dtype": parts.dtype.name, "seed": seed, **options}
    inner = get(name)(event_shape=parts.dim, context_shape=seen, **options)
    if embedding is None:
        return inner
    return Flow(
        inner.distribution, inner.bijector, embedding=embedding, context_shape=context_shape
    )

"""Autoencoders of drawn shapes: whether each latent says one thing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import reports
from benchmarks.autoencoders.fits import trained
from tfp_flows.datasets import SPRITE_FACTORS, Sprites, sprites
from tfp_flows.models import mutual_information_gap, picture_vae
from tfp_flows.plotting import plot_traversals, save_figure

_WEIGHTS = ((1.0, 1.0, 1.0), (1.0, 6.0, 1.0))
_LATENTS, _HELD_OUT, _MEASURED = 10, 10, 2000


def each(record, folder: Path | None = None, drawn: Sprites | None = None) -> Iterator[dict]:
    """Fits one model for each triple of weights, and puts into the record what it is.

    Args:
        record: With ``settings``; ``models`` are added.
        folder: Where traversals are drawn, if anywhere.
        drawn: The pictures; by default those of `sprites`.
    """
    settings, drawn = record["settings"], sprites() if drawn is None else drawn
    order = np.random.default_rng(settings["seed"]).permutation(len(drawn.pictures))
    x, factors = (drawn.pictures[order] / 255).astype(np.float32), drawn.factors[order]
    held_out = len(x) // _HELD_OUT
    record["pictures"] = len(x)
    for weights in _WEIGHTS:
        model = picture_vae(
            event_shape=x.shape[1:],
            latent_size=_LATENTS,
            posterior="diagonal",
            kl_weights=None if weights == _WEIGHTS[0] else weights,
            seed=settings["seed"],
        )
        about = trained(model, x[held_out:], x[:held_out], settings["minutes"], settings["seed"])
        gap = mutual_information_gap(model.encode(x, draws=1), factors)
        about |= {"elbo": -model.evaluate(x[:held_out], verbose=0)[0]}
        about |= {"gap": gap.gap, "gaps": gap.gaps.tolist()}
        about["parts"] = list(model.kl_parts(x[:_MEASURED]))
        name = ", ".join(f"{weight:g}" for weight in weights)
        record["models"][name] = about
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            figure = plot_traversals(model, x[:_MEASURED], title=f"weights {name}")
            save_figure(figure, folder / f"traversals_{name.replace(', ', '_')}.png")
        yield about


def report(record) -> str:
    """The table, in Markdown."""
    settings, machine = record["settings"], record["machine"]
    header = ["weights", "gap", *SPRITE_FACTORS, "ELBO", "index-code", "total correlation"]
    header += ["dimension-wise", "epochs (best)"]
    lines = [
        [
            name,
            *(f"{share:.3f}" for share in (about["gap"], *about["gaps"])),
            *(f"{nats:.2f}" for nats in (about["elbo"], *about["parts"])),
            f"{about['epochs']} ({about['best_epoch']})",
        ]
        for name, about in record["models"].items()
    ]
    return "\n".join(
        [
            *reports.pipes(header, lines),
            "",
            f"{record['pictures']:,} drawn shapes, {_LATENTS} latents, dense networks, "
            f"{settings['minutes']:g} minutes a model, compilation included, seed "
            f"{settings['seed']}. Weights of index-code information, total correlation and "
            "dimension-wise KL in training, which are in nats here, over the first "
            f"{_MEASURED:,} pictures; the ELBO on a tenth that was held out. Gap: of mutual "
            "information with each factor, the mean first, of all pictures. "
            f"{machine['processor']}, Python {machine['python']}.",
            "",
        ]
    )

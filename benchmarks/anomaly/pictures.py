"""Pictures with defects: flows of features beside what one would try before, on the same features.

``python -m benchmarks.anomaly.pictures FOLDER`` does one job in a process of its own; `launch`
starts it.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks import isolated
from benchmarks.reports import pipes
from tfp_flows import conformal
from tfp_flows.anomaly.pictures import GOOD

MODELS: Mapping[str, str] = MappingProxyType(
    {
        "fastflow": "tfp_flows",
        "cflow": "tfp_flows",
        "padim": "padim",
        "gaussian": "pooled_gaussian",
        "neighbours": "neighbours",
    }
)
"""Name to who fits it: the package, or a function of `benchmarks.anomaly.baselines`."""
FALSE_ALARMS = 0.05
_FEATURES = "features"


def launch(
    tree: Path, model: str, seed: int, options: Mapping[str, Any], cache: Path, threads: int
) -> dict[str, Any]:
    """Runs one model with one seed in a process of its own.

    Args:
        tree: A tree with ``train/good``, ``test`` and ``ground_truth``.
        model: One of `MODELS`.
        seed: Of split, weights and order.
        options: Settings of the fit of a flow.
        cache: Folder in which features are kept from one run to the next.
        threads: Number of threads.
    """
    job = {"tree": str(tree), "model": model, "seed": seed, "options": dict(options)}
    job["cache"] = str(cache)
    needs = ("tensorflow", "tfp_flows", "sklearn", "scipy")
    result, _ = isolated.launch("benchmarks.anomaly.pictures", job, needs, threads)
    return result


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits and measures, in this process.

    Args:
        job: ``tree``, ``model``, ``seed``, ``options``, ``cache``; see `launch`.

    Returns:
        The result, and the scores of the test pictures.
    """
    from tfp_flows.anomaly.pictures import labelled_pictures
    from tfp_flows.kinds.anomaly import evaluation
    from tfp_flows.kinds.anomaly.settings import AnomalySettings
    from tfp_flows.kinds.anomaly.work import AnomalyWork

    flow = job["model"] if MODELS[job["model"]] == "tfp_flows" else "fastflow"
    settings = AnomalySettings(
        data=job["tree"],
        flow=flow,
        seed=job["seed"],
        false_alarms=FALSE_ALARMS,
        **job["options"],
    ).check()
    work = AnomalyWork(settings)
    source = work.source()
    model = work.build(source)
    labelled = labelled_pictures(Path(job["tree"]))
    own = _cached(source.backbone, source.pictures, Path(job["cache"]), settings, "train")
    test = _cached(source.backbone, labelled.pictures, Path(job["cache"]), settings, "test")
    places = {file: i for i, file in enumerate(source.pictures.files)}
    for name, part in source.parts.items():
        source.features[name] = own[[places[file] for file in part.files]]
    begun, details = time.monotonic(), {}
    if MODELS[job["model"]] == "tfp_flows":
        details = _trained(work, model, source, settings)
        judged, held = model.judge_features(test), None
        scores, maps = judged.scores, judged.maps
        held = model.calibration.scores
    else:
        from benchmarks.anomaly import baselines

        fit = getattr(baselines, MODELS[job["model"]])
        score = fit(
            source.features["train"], source.backbone.shapes, source.backbone.size, job["seed"]
        )
        scores, maps = score(test)
        held, _ = score(source.features["held_out"])
    seconds = time.monotonic() - begun
    column = evaluation.SCORES.index(settings.score)
    threshold = conformal.threshold(held[:, column], FALSE_ALARMS)
    found = evaluation.beside_labels(labelled, list(range(len(test))), scores, maps)
    at = {"false_alarms": FALSE_ALARMS, "value": threshold, "held_out": len(held)}
    figures = evaluation.figures(found, settings.score, at)
    if MODELS[job["model"]] == "pooled_gaussian":  # it has no places
        for one in figures["types"].values():
            one.pop("pixel_auroc"), one.pop("au_pro")
    return {"status": "ok", "seconds": seconds, **details, **figures}, scores


def _trained(work, model, source, settings) -> dict[str, Any]:
    from tfp_flows.runs.rounds import Rounds

    with tempfile.TemporaryDirectory() as place:
        rounds = Rounds(work.trainer(model, source), settings, Path(place), "anomaly")
        rounds.train()
    measured = work.measure(model, source)
    return {
        "epochs": rounds.state.epoch,
        "best_epoch": rounds.state.best_epoch,
        "training_seconds": sum(rounds.state.history["seconds"]),
        "log_likelihood": measured["test"]["headline"]["value"],
        "parameters": int(sum(np.prod(v.shape) for v in model.flow.trainable_variables)),
    }


def _cached(backbone, pictures, cache: Path, settings, name: str) -> np.ndarray:
    """Features of pictures, computed in the first process that asks for them."""
    layers = "-".join(backbone.layers)
    path = cache / f"{_FEATURES}-{name}-{layers}-{backbone.size[0]}.npy"
    if not path.exists():
        shape = (*backbone.size, backbone.channels)
        batches = (read for _, read in pictures.batches(shape, 32, settings.background))
        np.save(path, backbone.features_of(batches, len(pictures.files)))
    return np.load(path)


def rows(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Cells of the table, a row a model: means over seeds, and their range in brackets."""
    table = []
    for name, runs in results.items():
        good = [one for one in runs if one["status"] == "ok"]
        if not good:
            table.append([name, f"{runs[0]['status']}: {runs[0]['message']}", *[""] * 7])
            continue
        everything = [one["types"]["all"] for one in good]
        types = [name for name in good[0]["types"] if name != "all"]
        worst = {
            t: np.mean([one["types"][t]["image_auroc"]["value"] for one in good]) for t in types
        }
        lowest = min(worst, key=worst.get)
        table.append(
            [
                name,
                _range([one["image_auroc"]["value"] for one in everything]),
                f"{worst[lowest]:.3f} ({lowest})",
                _range([one["pixel_auroc"]["value"] for one in everything])
                if "pixel_auroc" in everything[0]
                else "",
                _range([one["au_pro"]["value"] for one in everything])
                if "au_pro" in everything[0]
                else "",
                _range([100 * one["false_alarms"] for one in good], 1),
                _range([100 * one["found"] for one in everything], 1),
                f"{np.mean([one['seconds'] for one in good]):.0f}",
            ]
        )
    return table


def markdown(entry: Mapping[str, Any]) -> list[str]:
    """The tables of one tree: all models, then the types."""
    header = (
        "model",
        "image AUROC",
        "worst type",
        "pixel AUROC",
        "AU-PRO 0.3",
        f"false alarms at {100 * FALSE_ALARMS:g} %",
        "defects found, %",
        "seconds",
    )
    lines = pipes(header, rows(entry["models"]))
    good = {
        name: [one for one in runs if one["status"] == "ok"]
        for name, runs in entry["models"].items()
    }
    good = {name: runs for name, runs in good.items() if runs}
    if good:
        types = [name for name in next(iter(good.values()))[0]["types"] if name != "all"]
        for figure, title in (("image_auroc", "image AUROC"), ("pixel_auroc", "pixel AUROC")):
            cells = [
                [name, *(_of_type(runs, kind, figure) for kind in types)]
                for name, runs in good.items()
                if figure in runs[0]["types"]["all"]
            ]
            lines += ["", *pipes((f"{title} by type", *types), cells)]
        scores = list(next(iter(good.values()))[0]["image_auroc_by_score"])
        cells = [
            [name, *(_mean([r["image_auroc_by_score"][s]["value"] for r in runs]) for s in scores)]
            for name, runs in good.items()
            if MODELS[name] == "tfp_flows"
        ]
        if cells:
            lines += ["", *pipes(("image AUROC by score", *scores), cells)]
    return lines


def counts(entry: Mapping[str, Any]) -> str:
    """How many pictures were tested."""
    for runs in entry["models"].values():
        for one in runs:
            if one["status"] == "ok":
                good = one["pictures"][GOOD]
                bad = sum(one["pictures"].values()) - good
                return f"{good:,} good pictures and {bad:,} with defects"
    return "no pictures"


def _of_type(runs, kind: str, figure: str) -> str:
    return _mean([one["types"][kind][figure]["value"] for one in runs])


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}"


def _range(values: Sequence[float], digits: int = 3) -> str:
    text = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return text
    return f"{text} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


if __name__ == "__main__":
    isolated.serve(run)

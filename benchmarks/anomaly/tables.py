"""Labelled tables that come inside of scikit-learn, and the detectors on one of them.

``python -m benchmarks.anomaly.tables FOLDER`` runs one detector in a process of its own; `launch`
starts it.
"""

import math
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from benchmarks import isolated
from benchmarks.anomaly.detectors import DETECTORS
from benchmarks.reports import pipes
from tfp_flows import conformal
from tfp_flows.errors import InputError


class Task(NamedTuple):
    """Which rows of which table are the anomalies.

    Attributes:
        loader: Function of `sklearn.datasets`.
        anomalies: The classes that are; all others are normal.
        integers: Whether the values are integers, to which uniform noise is added.
    """

    loader: str
    anomalies: tuple[int, ...]
    integers: bool = False


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "breast_cancer": Task("load_breast_cancer", (0,)),
        "wine": Task("load_wine", (0,)),
        "digits_0": Task("load_digits", (0,), integers=True),
        "digits_8": Task("load_digits", (8,), integers=True),
    }
)
"""As in the collection ODDS: malignant tumours, the first cultivar of wine, zeros; and eights."""

FALSE_ALARMS = 0.1


class Parts(NamedTuple):
    """Rows ``[n, columns]``: normal ones of four parts, and the anomalies."""

    train: np.ndarray
    validation: np.ndarray
    calibration: np.ndarray
    normal: np.ndarray
    anomalies: np.ndarray


def load(name: str, seed: int) -> Parts:
    """Reads a table and deals its normal rows: 50 % training, 10, 20 and 20 %.

    Columns that are constant in training are left out.
    """
    import sklearn.datasets

    task, rng = TASKS[name], np.random.default_rng(seed)
    table = getattr(sklearn.datasets, task.loader)()
    values = table.data.astype(np.float64)
    if task.integers:
        values += rng.uniform(size=values.shape)
    odd = np.isin(table.target, task.anomalies)
    normal = rng.permutation(values[~odd])
    at = [int(share * len(normal)) for share in (0.5, 0.6, 0.8)]
    parts = [*np.split(normal, at), values[odd]]
    varies = np.ptp(parts[0], axis=0) > 0
    return Parts(*(part[:, varies] for part in parts))


def auroc(normal: np.ndarray, odd: np.ndarray) -> float:
    """The chance that an anomaly scores higher than a normal example; ties count a half."""
    from sklearn.metrics import roc_auc_score

    labels = np.repeat([0, 1], [len(normal), len(odd)])
    return float(roc_auc_score(labels, np.concatenate([normal, odd])))


def launch(table: str, detector: str, seeds: Sequence[int], threads: int) -> dict[str, Any]:
    """Runs a detector on a table in a new process; see `benchmarks.isolated.launch`."""
    job = {"table": table, "detector": detector, "seeds": list(seeds)}
    needs = ("sklearn", *DETECTORS[detector].needs)
    return isolated.launch("benchmarks.anomaly.tables", job, needs, threads)[0]


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits and scores, in this process.

    Args:
        job: ``table``, ``detector``, ``seeds``, ``threads``.

    Returns:
        For each seed the AUROC, the share of normal test rows that are flagged at a stated 10 %
        and of anomalies; and nothing.

    Raises:
        InputError: If a score is not a number.
    """
    found = {"auroc": [], "false_alarms": [], "found": [], "seconds": []}
    for seed in job["seeds"]:
        parts = load(job["table"], seed)
        begun = time.perf_counter()
        score = DETECTORS[job["detector"]].fit(parts.train, parts.validation, seed)
        scores = [score(part) for part in parts[2:]]
        found["seconds"].append(time.perf_counter() - begun)
        threshold = conformal.threshold(scores[0], FALSE_ALARMS)
        if not all(np.isfinite(part).all() for part in scores):
            raise InputError(f"seed {seed}: a score is not finite")
        found["auroc"].append(auroc(*scores[1:]))
        found["false_alarms"].append(float((scores[1] > threshold).mean()))
        found["found"].append(float((scores[2] > threshold).mean()))
    sizes = [list(part.shape) for part in parts]
    return {"status": "ok", **found, "sizes": sizes}, np.zeros(0)


def markdown(record: dict[str, Any]) -> str:
    """The record as text, one table for the AUROC and one for what is flagged."""
    settings, tables = record["settings"], record["tables"]
    lines = [
        "# Anomalies in tables",
        "",
        f"Mean of {settings['seeds']} seeds ± 2 standard errors of that mean; each seed deals the "
        "normal rows anew. Detectors see half of the normal rows (and a tenth to stop early by); "
        f"the threshold at a stated false-alarm rate of {FALSE_ALARMS:.0%} stands on a fifth, and "
        "the last fifth and all anomalies are judged. "
        f"Processor {record['machine']['processor']}, threads: {settings['threads']}.",
        "",
        "AUROC:",
        "",
        *pipes(("detector", *tables), _rows(tables, "auroc")),
        "",
        "Share of normal rows flagged / of anomalies flagged, in per cent:",
        "",
        *pipes(("detector", *tables), _rows(tables, "found")),
        "",
    ]
    for name, results in tables.items():
        done = [result for result in results.values() if result["status"] == "ok"]
        if done:
            sizes = done[0]["sizes"]
            counts = " / ".join(f"{size[0]:,}" for size in sizes)
            lines.append(
                f"- {name}: {sizes[0][1]} columns; {counts} rows of training, early stopping, "
                "threshold, test, anomalies."
            )
    seconds = {
        detector: np.mean(
            [
                tables[name][detector]["seconds"]
                for name in tables
                if _is_done(tables, name, detector)
            ]
        )
        for detector in DETECTORS
        if any(_is_done(tables, name, detector) for name in tables)
    }
    took = ", ".join(f"{name} {mean:.2g}" for name, mean in seconds.items())
    return "\n".join([*lines, f"- Seconds of one fit and its scores, on average: {took}.", ""])


def _is_done(tables, name: str, detector: str) -> bool:
    return tables[name].get(detector, {}).get("status") == "ok"


def _rows(tables: dict[str, Any], measure: str) -> list[tuple[str, ...]]:
    names = dict.fromkeys(name for results in tables.values() for name in results)
    return [
        (name, *(_cell(results.get(name), measure) for results in tables.values()))
        for name in names
    ]


def _cell(result: dict[str, Any] | None, measure: str) -> str:
    if result is None or result["status"] != "ok":
        return "-" if result is None else result["status"]
    if measure == "found":
        return f"{100 * np.mean(result['false_alarms']):.0f} / {100 * np.mean(result['found']):.0f}"
    values = np.array(result[measure])
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{values.mean():.3f} ± {2 * error:.3f}"


if __name__ == "__main__":
    isolated.serve(run)

"""One fit or one scoring in a process of its own: ``python -m benchmarks.streaming.worker``."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Does a job: ``fit``, ``score`` (block by block) or ``whole`` (read and scored at once)."""
    begun = time.monotonic()
    result, scores = {"fit": _fit, "score": _score, "whole": _whole}[job["task"]](job)
    result |= {"status": "ok", "all_seconds": time.monotonic() - begun}
    return {**result, "memory": isolated.peak_memory()}, scores


def _fit(job):
    from tfp_flows import kinds
    from tfp_flows.cli.app import app

    options = ["--flow", job["flow"], "--no-plots", "--minutes", str(job["minutes"])]
    options += ["--columns", ",".join(job["columns"])] if job["columns"] else []
    options += ["--stream" if job["stream"] else "--no-stream", "--overwrite"]
    app(["fit", job["data"], "--out", job["run"], *options], standalone_mode=False)
    metrics = kinds.open_run(Path(job["run"])).metrics
    training, history = metrics["training"], metrics["training"]["history"]
    result = {"epochs": training["epochs"], "train_rows": metrics["splits"]["train"]}
    result |= {"seconds": training["seconds"], "epoch_seconds": history["seconds"]}
    return {**result, "test": metrics["test"]["headline"]}, np.zeros(0)


def _score(job):
    from tfp_flows import kinds
    from tfp_flows.kinds.tables.mixed_scoring import MixedScores
    from tfp_flows.kinds.tables.scoring import PlainScores, score
    from tfp_flows.kinds.tables.verbs import ScoreOptions, of_columns

    opened = kinds.open_run(Path(job["run"]))
    options = ScoreOptions(data=job["data"], output=Path(job["output"]))
    made = (MixedScores if of_columns(opened) else PlainScores)(opened, options)
    next(made.pieces(_first(job)))  # loads, traces and compiles
    begun = time.monotonic()
    score(made)
    seconds = time.monotonic() - begun
    return {"seconds": seconds}, _written(job)


def _whole(job):
    from tfp_flows import datasets, kinds
    from tfp_flows.models.evaluation import Density

    opened = kinds.open_run(Path(job["run"]))
    names, density = opened.metrics["data"]["columns"], Density(opened.model.flow)
    density(datasets.load_matching(_first(job), names).values[:10_000])
    begun = time.monotonic()
    found = density(datasets.load_matching(job["data"], names).values)
    datasets.save_table(job["output"], found[:, None], ["log_prob"])
    return {"seconds": time.monotonic() - begun}, _written(job)


def _first(job) -> Path:
    from tfp_flows import datasets

    return datasets.parts_of(job["data"])[0]


def _written(job):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(job["output"])["log_prob"].to_numpy()


if __name__ == "__main__":
    isolated.serve(run)

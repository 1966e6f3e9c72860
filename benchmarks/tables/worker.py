"""All that is asked of one table, in a process of its own."""

import json
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import isolated
from benchmarks.tables import coding, measures, peers
from benchmarks.tables.program import tfp_flows
from benchmarks.tables.sources import load
from tfp_flows.tables.deciding import read_schema

_JUDGED, _FILLED, _DRAWS, _REMOVED = 5_000, 1_000, 20, 0.2
_CHUNK = 100_000


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits, samples, scores, checks, fills and judges, in this process and those of the command.

    Args:
        job: ``table``, ``minutes``, ``samples``, ``rows``, ``seed``, ``threads``.

    Returns:
        What was found, and nothing.
    """
    parts = load(job["table"], job["seed"], job["rows"])
    with tempfile.TemporaryDirectory(prefix="tables-") as name:
        folder = Path(name)
        parts.seen.to_csv(folder / "seen.csv", index=False)
        parts.held_out.to_csv(folder / "held_out.csv", index=False)
        result = {"rows": len(parts.seen), "columns": parts.seen.shape[1]}
        options = ("--minutes", job["minutes"], "--out", "run")
        result["fit"] = tfp_flows("fit", "seen.csv", *options, folder=folder)
        tfp_flows("schema", "run", "-o", "schema.toml", folder=folder)
        schema = read_schema(folder / "schema.toml")
        result["types"] = ", ".join(coding.columns_of(schema))
        result["score"] = _scored(folder, parts.law)
        result["samples"] = _sampled(folder, schema, job["samples"])
        result["check"] = _checked(folder)
        judge = _Judge(folder, schema, job["seed"])
        result["c2st"] = judge.told_apart()
        result["imputation"] = judge.imputed()
    return {"status": "ok", **result}, np.zeros(0)


def _scored(folder: Path, law: np.ndarray | None) -> dict[str, Any]:
    took = tfp_flows("score", "run", "held_out.csv", "-o", "scores.csv", folder=folder)
    scores = pd.read_csv(folder / "scores.csv")["log_prob"].to_numpy()
    possible = np.isfinite(scores)
    result = {**took, "nats": float(scores[possible].mean()), "impossible": int((~possible).sum())}
    if law is not None:
        gaps = (law - scores)[possible]
        error = gaps.std() / np.sqrt(len(gaps))
        result |= {"gap": float(gaps.mean()), "gap_error": float(error)}
    return result


def _checked(folder: Path) -> dict[str, Any]:
    """What the command itself finds against the fit, in its own words."""
    took = tfp_flows("check", "run", folder=folder)
    found = json.loads((folder / "run" / "check.json").read_text())
    wrong = [name for name, measure in found["measures"].items() if not measure["ok"]]
    return {**took, "rows": found["rows"], "ok": found["ok"], "wrong": wrong}


def _sampled(folder: Path, schema, count: int) -> dict[str, Any]:
    took = tfp_flows("sample", "run", "-n", count, "-o", "samples.csv", folder=folder)
    seen, invalid = 0, {}
    for chunk in pd.read_csv(folder / "samples.csv", chunksize=_CHUNK, **_AS_WRITTEN):
        seen += len(chunk)
        for name, bad in coding.impossible(chunk, schema).items():
            invalid[name] = invalid.get(name, 0) + bad
    return {**took, "count": seen, "invalid": invalid}


# A category may be called NA.
_AS_WRITTEN = {"keep_default_na": False, "na_values": [""]}


class _Judge:
    """Samples and filled cells beside those of others."""

    def __init__(self, folder: Path, schema, seed: int):
        self.folder, self.seed = folder, seed
        self.code = coding.Coding.of(schema)
        self.seen, self.held_out = (
            pd.read_csv(folder / f"{name}.csv") for name in ("seen", "held_out")
        )
        self.values = self.code.encode(self.seen)
        self.rng = np.random.default_rng(seed)

    def told_apart(self) -> dict[str, Any]:
        """Accuracy and AUC of trees, of our samples and of a copula's."""
        drawn = self.code.encode(pd.read_csv(self.folder / "samples.csv", nrows=_JUDGED))
        held_out = self.code.encode(self.held_out)[: len(drawn)]
        count, is_class = len(held_out), self.code.is_class
        drawn = drawn[:count]
        result = {"ours": measures.two_samples(drawn, held_out, is_class, self.rng)}
        if find_spec("copulas") is not None:
            begun = time.perf_counter()
            other = peers.gaussian_copula(self.values, is_class, count, self.seed)
            other = self.code.rounded(other)
            result["copula"] = measures.two_samples(other, held_out, is_class, self.rng)
            result["copula"]["seconds"] = time.perf_counter() - begun
        return result

    def imputed(self) -> dict[str, Any]:
        """CRPS of cells that were removed, of our draws and of chained regressions."""
        frame = self.held_out.iloc[:_FILLED].reset_index(drop=True)
        truth = self.code.encode(frame)
        removed = self.rng.uniform(size=truth.shape) < _REMOVED
        holes = frame.copy()
        for j, name in enumerate(self.code.names):
            holes[name] = holes[name].where(~removed[:, j])
        holes.to_csv(self.folder / "holes.csv", index=False)
        options = ("-n", _DRAWS, "-o", "filled.csv")
        took = tfp_flows("impute", "run", "holes.csv", *options, folder=self.folder)
        filled = self.code.encode(pd.read_csv(self.folder / "filled.csv"))
        asked = np.where(removed, truth, np.nan)
        scale = np.nanstd(self.values, axis=0)
        about = (asked, self.code.is_class, scale)
        ours = measures.crps(filled.reshape(_DRAWS, *truth.shape), *about)
        begun = time.perf_counter()
        other = peers.chained(self.values, self.code.encode(holes), _DRAWS, self.seed)
        other = np.stack([self.code.rounded(draw) for draw in other])
        theirs = measures.crps(other, *about)
        result = {"seconds": took["seconds"], "chained_seconds": time.perf_counter() - begun}
        result |= {"ours": float(np.nanmean(ours)), "chained": float(np.nanmean(theirs))}
        columns = zip(self.code.names, ours, theirs, strict=True)
        result["columns"] = {n: [float(a), float(b)] for n, a, b in columns if np.isfinite(a)}
        return result


if __name__ == "__main__":
    isolated.serve(run)

"""A fit by the command's own engine, in a process of its own: ``python -m ... FOLDER``."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import isolated

_MEMORY = "peak_memory.json"


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits a flow, unless that is done already, and measures its density.

    Args:
        job: ``run``, the folder of the fit; ``settings`` of a fit to images.

    Returns:
        What the fit has measured, its time and peak memory, and, of a flow that enlarges, bits per
        dimension given another image's small one; and bits per dimension of each test image.
    """
    import tensorflow as tf

    import tfp_flows as tff
    from tfp_flows import kinds
    from tfp_flows.models.evaluation import bits_per_dim
    from tfp_flows.runs.devices import Devices
    from tfp_flows.runs.engine import fit

    place, kind = Path(job["run"]), kinds.get("images")
    if not place.exists():
        fit(kind, kind.settings(**job["settings"]).check(), Devices(place))
        (place / _MEMORY).write_text(json.dumps(isolated.peak_memory()), encoding="utf-8")
    opened = tff.open_run(place)
    source, training = opened.source(), opened.metrics["training"]
    result = {
        "status": "ok",
        "test": opened.metrics["test"],
        "parameters": opened.metrics["flow"]["trainable_parameters"],
        "epochs": training["epochs"],
        "seconds": training["seconds"],
        "peak_memory_gib": json.loads((place / _MEMORY).read_text(encoding="utf-8")),
    }
    flow, factor, seed = opened.model.flow, opened.settings.upscale, opened.settings.seed
    batches = source.images.batches("test", 64)
    if factor is None:
        return result, bits_per_dim(flow, batches, seed=seed)
    from tfp_flows.kinds.images.upscaling import with_smaller

    pairs = with_smaller(batches, factor)
    wrong = pairs.map(lambda large, small: (large, tf.roll(small, 1, axis=0)))
    bits = bits_per_dim(flow, wrong, seed=seed)
    result["wrong_bits_median"] = float(np.median(bits))
    result["wrong_bits_least"] = float(np.min(bits))
    return result, bits_per_dim(flow, pairs, seed=seed)


if __name__ == "__main__":
    isolated.serve(run)

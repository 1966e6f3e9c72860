"""The worker process of one library: it builds, trains and calls when told to, and else sleeps.

It reads commands from standard input and answers on standard output, one JSON object a line.
It imports the standard library, NumPy and the one library that it measures, so that it runs in
any environment that has these.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback

import numpy as np

from benchmarks.speed.cases import Case
from benchmarks.speed.peers import LIBRARIES

_MOST_CALLS = 1000


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _calls(call, seconds: float) -> list[float]:
    """Times of calls, for ``seconds`` or up to `_MOST_CALLS`, and at least one."""
    times, end = [], time.perf_counter() + seconds
    while not times or (time.perf_counter() < end and len(times) < _MOST_CALLS):
        start = time.perf_counter()
        call()
        times.append(round(time.perf_counter() - start, 7))
    return times


class Worker:
    """Answers the commands; each public method is one, with its arguments and its answer."""

    def start(self, library, variant, case, data, threads) -> dict:
        """Imports the library and builds the flow."""
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        imports = {}
        for name in LIBRARIES[library].imports:
            start = time.perf_counter()
            importlib.import_module(name)
            imports[name] = time.perf_counter() - start
        after_import = _peak_mib()
        adapter = importlib.import_module(f"benchmarks.speed.peers.{library}").Adapter
        self.case = Case.from_dict(case)
        start = time.perf_counter()
        self.peer = adapter(self.case, np.load(data), variant, threads)
        self.operations = self.peer.operations()
        return {
            "import_s": imports,
            "import_mib": after_import,
            "build_s": time.perf_counter() - start,
            "parameters": self.peer.parameters(),
            "operations": list(self.operations),
        }

    def first_step(self) -> dict:
        """Trains one step; without training, makes the first call of the first operation."""
        first = self.case.kind.operations[0]
        if first == "train":
            return {"seconds": self.peer.first_step()}
        return {"seconds": _calls(self.operations[first], 0)[0]}

    def prepare(self, operation) -> dict:
        """Runs an operation until it is compiled; says of its results how many are finite."""
        start = time.perf_counter()
        finite = None
        if operation == "train":
            self.peer.epochs(1, 0)
        else:
            result = self.operations[operation]()
            parts = result if isinstance(result, tuple | list) else (result,)
            rows = [(self.case.batch, self.case.dims), (self.case.batch,)]
            expected = rows if operation == "sample_and_log_prob" else rows[:1]
            expected = rows[1:] if operation.startswith("log_prob") else expected
            if [part.shape for part in parts] != expected:
                raise RuntimeError(f"{operation} returned {[part.shape for part in parts]}.")
            finite = float(np.mean([np.isfinite(part).mean() for part in parts]))
        return {"seconds": time.perf_counter() - start, "finite": finite}

    def measure(self, operation, seconds) -> dict:
        """Measures for about ``seconds``; the times are seconds a step or call."""
        if operation == "train":
            return {"times": self.peer.train(seconds)}
        return {"times": _calls(self.operations[operation], seconds)}

    def product_rate(self, rows, size, seconds) -> dict:
        """Measures the rate of a matrix product of ``[rows, size]`` by ``[size, size]``."""
        flops = 2 * rows * size**2
        # Small products are chained, so that their rate is not that of calls from Python.
        count = int(np.clip(2e9 / flops, 1, 50))
        call = self.peer.products(rows, size, count)
        call()
        return {"gflops": count * flops / float(np.median(_calls(call, seconds))) / 1e9}

    def loss(self) -> dict:
        """The mean negative log-density of the first batch, in nats."""
        return {"nats": -float(np.mean(self.operations["log_prob"]()))}

    def memory(self) -> dict:
        """The peak memory of this process so far."""
        return {"peak_mib": _peak_mib()}


def main() -> None:
    """Serves commands until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    # What libraries print must not mix with the answers.
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("command"))(**request)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            answer = {"failed": reason[:300], "traceback": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

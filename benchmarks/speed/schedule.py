"""One case: all libraries are started, then measured in turns."""

import contextlib
import dataclasses
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.speed.cases import Case
from benchmarks.speed.peers import LIBRARIES
from benchmarks.speed.process import Process, TimeLimitError, WorkerError

_SQUARE = 2048
# A call this many times longer than asked for is measured in the first round only.
_LONG = 10
# What one library alone is measured in, beside the operations of a case.
OWN = ("sample_eager", "log_prob_frozen", "log_prob_fixed")
# A variant this much slower than its sibling in the first round is not measured again.
_SLOWER = 1.25


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        rounds: Rounds over all workers.
        seconds: Of each measurement.
        limit: Seconds after which a measurement is given up.
        threads: Threads of each worker.
    """

    rounds: int
    seconds: float
    limit: float
    threads: int


class Entry:
    """One variant of one library: its worker and the record of what it did."""

    def __init__(self, library: str, variant: str, interpreter: str):
        self.library, self.variant, self.interpreter = library, variant, interpreter
        self.process: Process | None = None
        self.record = {"library": library, "variant": variant, "operations": {}}

    def fail(self, error: WorkerError, where: str) -> None:
        """Records why this variant cannot be measured at all."""
        self.record["failed"] = f"{where}: {error}"
        self.record["traceback"] = error.traceback
        self.close()

    def close(self) -> None:
        """Ends the worker."""
        if self.process:
            self.process.close()
            self.process = None

    def open_operations(self) -> list[str]:
        """Operations that have been neither given up nor failed nor left out."""
        records = self.record["operations"]
        return [name for name, r in records.items() if not r.keys() & {"limit_s", "failed"}]


class CaseRun:
    """Measures one case.

    Args:
        case: The case.
        interpreters: Library to interpreter, of the libraries that can be imported.
        settings: How to measure.
        say: Shows one line of progress.
    """

    def __init__(self, case: Case, interpreters: dict[str, str], settings: Settings, say):
        self.case, self.settings, self.say = case, settings, say
        self.entries = [
            Entry(library, variant, interpreter)
            for library, interpreter in interpreters.items()
            if case.flow in LIBRARIES[library].flows
            for variant in LIBRARIES[library].variants
        ]
        # Seconds measured, and processor seconds meanwhile of waiting workers and of all others.
        self.measured, self.waiting, self.foreign = 0.0, 0.0, 0.0

    def run(self) -> dict:
        """Returns the record of the case; failures are in it, not raised."""
        started = time.time()
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            self._data = str(Path(folder, "data.npy"))
            np.save(self._data, self.case.data())
            for entry in self.entries:
                stack.callback(entry.close)
                self._start(entry)
            rates = {"before": self._rates()}
            for number in range(self.settings.rounds):
                self._round(number)
            rates["after"] = self._rates()
            for entry in self.entries:
                self._end(entry)
        return {
            "case": dataclasses.asdict(self.case),
            "dense_parameters": self.case.dense_parameters(),
            "training_flops": self.case.training_flops(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(started)),
            "seconds": time.time() - started,
            "gflops": rates,
            "busy_processors": {
                "waiting_workers": self.waiting / max(self.measured, 1e-9),
                "other_processes": self.foreign / max(self.measured, 1e-9),
            },
            "entries": [entry.record for entry in self.entries],
        }

    def _start(self, entry: Entry) -> None:
        self.say(f"{self.case.key}: {entry.library} ({entry.variant}) starts")
        try:
            record = self._open(entry)
            entry.record |= {k: v for k, v in record.items() if k != "operations"}
            first = entry.process.ask("first_step", self.settings.limit)
            entry.record["first_step_s"] = first["seconds"]
        except WorkerError as error:
            entry.fail(error, "start")
            return
        offered = [name for name in self.case.kind.operations if name == "train"]
        offered += [n for n in record["operations"] if n in self.case.kind.operations]
        offered += [n for n in record["operations"] if n in OWN]
        for name in offered:
            entry.record["operations"][name] = {"rounds": []}
        self._prepare(entry)
        self._loss(entry, "loss_start_nats")

    def _open(self, entry: Entry) -> dict:
        entry.process = Process(entry.interpreter, self.settings.threads)
        return entry.process.ask(
            "start",
            self.settings.limit,
            library=entry.library,
            variant=entry.variant,
            case=dataclasses.asdict(self.case),
            data=self._data,
            threads=self.settings.threads,
        )

    def _prepare(self, entry: Entry) -> None:
        for name in entry.open_operations():
            # A restart on the way may have closed it.
            answer = name in entry.open_operations() and self._ask(entry, name, "prepare")
            if answer:
                entry.record["operations"][name]["first_call_s"] = answer["seconds"]
                entry.record["operations"][name]["finite"] = answer["finite"]

    def _ask(self, entry: Entry, name: str, command: str, **arguments) -> dict | None:
        """Asks about one operation; closes that operation, and only that, if it fails."""
        if entry.process is None:
            return None
        record = entry.record["operations"][name]
        try:
            return entry.process.ask(command, self.settings.limit, operation=name, **arguments)
        except TimeLimitError:
            record["limit_s"] = self.settings.limit
            self._restart(entry)
        except WorkerError as error:
            record["failed"], record["traceback"] = str(error), error.traceback
            if not entry.process.alive():
                self._restart(entry)
        return None

    def _restart(self, entry: Entry) -> None:
        entry.close()
        if not entry.open_operations():
            return
        try:
            self._open(entry)
        except WorkerError as error:
            entry.fail(error, "restart")
            return
        self._prepare(entry)

    def _round(self, number: int) -> None:
        names = [*self.case.kind.operations, *OWN]
        for name in names:
            for entry in self.entries:
                if entry.process and name in entry.open_operations():
                    if number and self._settled(entry, name):
                        continue
                    self.say(
                        f"{self.case.key}: round {number + 1} of {self.settings.rounds}, {name}, "
                        f"{entry.library} ({entry.variant})"
                    )
                    self._measure(entry, name)

    def _measure(self, entry: Entry, name: str) -> None:
        others = [e.process for e in self.entries if e.process and e is not entry]
        before, start = _processor_use(entry.process, others), time.perf_counter()
        worker = entry.process
        answer = self._ask(entry, name, "measure", seconds=self.settings.seconds)
        if answer is None:
            return
        entry.record["operations"][name]["rounds"].append(answer["times"])
        self.measured += time.perf_counter() - start
        used = [b - a for a, b in zip(before, _processor_use(worker, others), strict=True)]
        self.waiting += used[1]
        self.foreign += max(0.0, used[2] - used[0] - used[1])

    def _settled(self, entry: Entry, name: str) -> bool:
        """Whether further rounds would tell nothing new."""
        mine = self._fastest(entry, name)
        siblings = [self._fastest(e, name) for e in self.entries if e.library == entry.library]
        return mine > _LONG * self.settings.seconds or mine > _SLOWER * min(siblings)

    @staticmethod
    def _fastest(entry: Entry, name: str) -> float:
        rounds = entry.record["operations"].get(name, {}).get("rounds", [])
        return min((float(np.median(times)) for times in rounds), default=float("inf"))

    def _rates(self) -> dict:
        """GFLOP/s of matrix products, the best over the frameworks at hand."""
        rows, hidden = self.case.batch, self.case.hidden_units[0]
        shapes = {"case": (rows, hidden), "square": (_SQUARE, _SQUARE)}
        rates = {name: {} for name in shapes}
        for entry in self.entries:
            framework = LIBRARIES[entry.library].framework
            if entry.process is None or framework in rates["case"]:
                continue
            for name, (rows, size) in shapes.items():
                with contextlib.suppress(WorkerError):
                    seconds = min(1.0, self.settings.seconds)
                    answer = entry.process.ask(
                        "product_rate", self.settings.limit, rows=rows, size=size, seconds=seconds
                    )
                    rates[name][framework] = answer["gflops"]
        return rates

    def _loss(self, entry: Entry, name: str) -> None:
        if entry.process and "log_prob" in entry.open_operations():
            with contextlib.suppress(WorkerError):
                entry.record[name] = entry.process.ask("loss", self.settings.limit)["nats"]

    def _end(self, entry: Entry) -> None:
        self._loss(entry, "loss_end_nats")
        if entry.process:
            with contextlib.suppress(WorkerError):
                entry.record |= entry.process.ask("memory", self.settings.limit)
        entry.close()


def _processor_use(worker: Process, others: list[Process]) -> tuple[float, float, float]:
    """Processor seconds so far of a worker, of other workers, and of everything that runs."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system = (int(field) for field in fields[1:4])
    whole = (user + nice + system) / os.sysconf("SC_CLK_TCK")
    return worker.cpu_seconds(), sum(p.cpu_seconds() for p in others), whole

"""What this package promises of its speed, and what was measured."""

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.speed.peers import LIBRARIES, OURS
from benchmarks.speed.results import find_case, outcome, share

FASTEST = "fastest peer"


@dataclasses.dataclass(frozen=True)
class Judgement:
    """One line of the table of targets.

    Attributes:
        what: What is compared.
        target: The bound, in words.
        measured: The number, in words.
        verdict: ``"met"``, ``"missed"`` or ``"not measured"``.
    """

    what: str
    target: str
    measured: str = "-"
    verdict: str = "not measured"


@dataclasses.dataclass(frozen=True)
class _Ratio:
    """Our time over that of a peer, at most a bound."""

    flow: str
    operation: str
    dims: int
    batch: int
    versus: str
    bound: float

    def judge(self, results: dict) -> Judgement:
        what = f"{self.flow} {self.operation}, D={self.dims}, batch {self.batch}, {OURS} / "
        empty = Judgement(what + self.versus, f"≤ {self.bound:g}")
        case = find_case(results, self.flow, self.dims, self.batch)
        ours = case and outcome(case, OURS, self.operation).seconds
        if not ours:
            return empty
        peers = [n for n in LIBRARIES if n != OURS] if self.versus == FASTEST else [self.versus]
        outcomes = {name: outcome(case, name, self.operation) for name in peers}
        times = {name: o.seconds for name, o in outcomes.items() if o.seconds}
        given_up = {name: o.at_least for name, o in outcomes.items() if o.at_least}
        if not times and not given_up:
            return empty
        # A peer that was given up is slower than its limit, so its ratio is smaller than this.
        sign, bounds = ("", times) if times else ("< ", given_up)
        fastest = min(bounds, key=bounds.get)
        named = f"{self.versus} ({fastest})" if self.versus == FASTEST else self.versus
        ratio = ours / bounds[fastest]
        if sign and ratio > self.bound:
            return dataclasses.replace(empty, measured=f"{sign}{ratio:.2g}")
        return Judgement(
            what + named, empty.target, f"{sign}{ratio:.3g}", _verdict(ratio <= self.bound)
        )


@dataclasses.dataclass(frozen=True)
class _Own:
    """A number about this package alone, with a bound from above or below."""

    what: str
    target: str
    measure: Callable[[dict], float | None]
    met: Callable[[float], bool]

    def judge(self, results: dict) -> Judgement:
        value = self.measure(results)
        if value is None:
            return Judgement(self.what, self.target)
        return Judgement(self.what, self.target, f"{value:.3g}", _verdict(self.met(value)))


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def _sample_per_log_prob(results: dict) -> float | None:
    case = find_case(results, "maf", 784, 100)
    sample = case and outcome(case, OURS, "sample").seconds
    log_prob = case and outcome(case, OURS, "log_prob").seconds
    return sample / log_prob if sample and log_prob else None


def _training_share(results: dict) -> float | None:
    case = find_case(results, "maf", 43, 1000)
    seconds = case and outcome(case, OURS, "train").seconds
    return share(case, seconds, "case") if seconds else None


def import_seconds(results: dict) -> float | None:
    """The median over workers of importing this package when TFP is imported already."""
    times = [
        sum(s for module, s in entry["import_s"].items() if module.startswith(OURS))
        for case in results["cases"]
        for entry in case["entries"]
        if entry["library"] == OURS and "import_s" in entry
    ]
    return float(np.median(times)) if times else None


_TRAIN = [
    _Ratio(flow, "train", 43, batch, peer, bound)
    for flow, bounds in (
        ("maf", {"flowjax": 0.75, "zuko": 0.55, "tfp": 0.4}),
        ("realnvp", {"flowjax": 0.85, "zuko": 0.7}),
        ("nsf", {"flowjax": 1.0, "zuko": 0.45}),
    )
    for batch in (100, 1000)
    for peer, bound in bounds.items()
]

TARGETS = [
    *_TRAIN,
    *(_Ratio("maf", "log_prob", 43, batch, "flowjax", 0.85) for batch in (100, 1000)),
    _Ratio("maf", "sample", 43, 1000, FASTEST, 0.06),
    _Ratio("maf", "sample", 784, 100, FASTEST, 0.01),
    *(_Ratio("nsf_ar", "sample", 43, batch, FASTEST, 0.1) for batch in (100, 1000)),
    *(
        _Ratio("ffjord", "train", dims, batch, peer, 0.7)
        for dims in (6, 43)
        for batch in (100, 1000)
        for peer in ("zuko", "tfp")
    ),
    _Own(
        "maf, D=784, batch 100, sample / log_prob of tfp_flows",
        "≤ 5",
        _sample_per_log_prob,
        lambda ratio: ratio <= 5,
    ),
    _Own(
        "maf train, D=43, batch 1000, share of the rate of the product 1000x512x512",
        "≥ 0.9",
        _training_share,
        lambda part: part >= 0.9,
    ),
    _Own(
        "import of tfp_flows and its models after TFP, s",
        "≤ 0.3",
        import_seconds,
        lambda seconds: seconds <= 0.3,
    ),
]


def judge(results: dict) -> list[Judgement]:
    """Compares the medians with every target."""
    return [target.judge(results) for target in TARGETS]

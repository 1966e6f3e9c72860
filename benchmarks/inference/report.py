"""What a run leaves, in Markdown."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.inference.ways import OURS, TITLES
from benchmarks.reports import pipes

GAUSSIAN, FLAGGED = 0.6, 0.7


def markdown(record: Mapping[str, Any]) -> str:
    """The record as text with three tables."""
    settings, posteriors = record["settings"], record["posteriors"]
    shown = [way for way in TITLES if any(way in each["ways"] for each in posteriors.values())]
    peers = [way for way in shown if way != "flow"]
    lines = [
        "# Flow posteriors",
        "",
        f"Of each posterior the element where it is worst: the error of the mean in deviations of "
        f"the reference, whose own error is about 0.01, and the ratio of the deviations. At most "
        f"{settings['minutes']:g} minutes of each fit, {settings['threads']} threads of "
        f"{record['machine']['processor']}, seed {settings['seed']}. Shape: how far the deviations "
        f"of the best Gaussian are off, in unconstrained coordinates; {GAUSSIAN} and more is no "
        f"Gaussian. Peers get as many gradients of the model as the flow, NUTS what it takes.",
        "",
        *pipes(
            (
                "posterior",
                "D",
                "shape",
                "flow",
                "steps",
                "mean",
                "sd",
                "k-hat",
                "resampled",
                "sd",
                "s",
                "cpu s",
            ),
            [_flow_row(name, each) for name, each in posteriors.items()],
        ),
        "",
    ]
    if peers:
        lines += [
            "Error of the mean and ratio of the deviations; seconds of NUTS behind it.",
            "",
            *pipes(
                ("posterior", "flow", *(TITLES[way] for way in peers)),
                [
                    (name, *(_cell(each["ways"].get(way)) for way in ("flow", *peers)))
                    for name, each in posteriors.items()
                ],
            ),
            "",
        ]
    return "\n".join([*lines, *_counts(posteriors, peers), ""])


def _flow_row(name: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    found = each["ways"].get("flow", {"status": "-"})
    begun = (name, str(each["dimension"]), f"{each['log_ratio']:.2f}")
    if found["status"] != "ok":
        return (*begun, found["status"], *["-"] * 8)
    resampled = found["resampled"]
    return (
        *begun,
        found["flow"],
        f"{found['steps']:,}",
        f"{found['mean_error']:.3f}",
        f"{found['sd_ratio']:.2f}",
        f"{found['k_hat']:.2f}",
        f"{resampled['mean_error']:.3f}",
        f"{resampled['sd_ratio']:.2f}",
        f"{found['seconds']:.0f}",
        f"{found['processor_seconds']:.0f}",
    )


def _cell(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    if found["status"] != "ok":
        return found["status"]
    cell = f"{found['mean_error']:.3f}, {found['sd_ratio']:.2f}"
    return f"{cell} ({found['seconds']:.0f} s)" if "r_hat" in found else cell


def _counts(posteriors: Mapping[str, Any], peers: list[str]) -> list[str]:
    done = [each for each in posteriors.values() if _ok(each, "flow")]
    gaussian = [each for each in done if each["log_ratio"] < GAUSSIAN]
    others = [each for each in done if each["log_ratio"] >= GAUSSIAN]

    def near(limit: float, ratio: float, of: Callable = lambda found: found):
        def holds(each):
            found = of(each["ways"]["flow"])
            return found["mean_error"] <= limit and abs(found["sd_ratio"] - 1) <= ratio

        return holds

    lines = [
        _share(
            "Nearly Gaussian, mean within 0.1 and deviation within 10 %", gaussian, near(0.1, 0.1)
        ),
        _share("Others, mean within 0.15 and deviation within 15 %", others, near(0.15, 0.15)),
        _share(
            "Others, mean within 0.1 after resampling",
            others,
            near(0.1, math.inf, lambda found: found["resampled"]),
        ),
        _share(
            f"Mean off by more than 0.3 and k-hat above {FLAGGED}",
            [each for each in done if each["ways"]["flow"]["mean_error"] > 0.3],
            lambda each: each["ways"]["flow"]["k_hat"] > FLAGGED,
        ),
    ]
    for way in peers:
        both = [each for each in done if _ok(each, way)]
        ours = "not worse by more than 0.05 than the" if way in OURS else "ahead of"
        slack = 0.05 if way in OURS else 0.0
        lines.append(
            _share(
                f"Flow {ours} {TITLES[way]}, by the mean",
                both,
                lambda each, way=way, slack=slack: (
                    each["ways"]["flow"]["mean_error"] <= each["ways"][way]["mean_error"] + slack
                ),
            )
        )
    return [f"- {line}" for line in lines if line]


def _ok(each: Mapping[str, Any], way: str) -> bool:
    return each["ways"].get(way, {}).get("status") == "ok"


def _share(what: str, among: list, holds: Callable[[Any], bool]) -> str:
    return f"{what}: {sum(map(holds, among))} of {len(among)}." if among else ""

"""What a run leaves, in Markdown."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.control.cells import COUNT, HOLD, LEARNERS, SAME, WORLDS
from benchmarks.reports import pipes

LEAST = 0.1
"""Share of the episodes that a goal must have to count as kept."""
_STATED = (
    "hidden layers {hidden}, batches of {batch_size}, Adam at {learning_rate:g}, {learning_starts} "
    "steps by chance first, one gradient step a step, memory of {buffer_size:,}, discount "
    "{discount:g}, slow copies follow by {follow:g}"
)


def done(seeds: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The results of the seeds that came to an end."""
    return [result for result in seeds.values() if result["status"] == "ok"]


def band(points: Sequence[Mapping[str, Any]]) -> tuple[float, float | None]:
    """Mean return at one place of the curves, and two standard errors of it.

    Args:
        points: One of each seed, ``mean`` and ``standard_error`` over its episodes.

    Returns:
        The error is that between seeds; of one seed, that between its episodes, None of one.
    """
    means = [point["mean"] for point in points]
    middle = sum(means) / len(means)
    if len(means) == 1:
        error = points[0]["standard_error"]
        return middle, None if error is None else 2 * error
    variance = sum((mean - middle) ** 2 for mean in means) / (len(means) - 1)
    return middle, 2 * math.sqrt(variance / len(means))


def markdown(record: Mapping[str, Any]) -> str:
    """The record as text with a table for each environment."""
    settings = record["settings"]
    same = {**SAME, "hidden": "x".join(map(str, SAME["hidden_units"]))}
    temperature = settings["temperature"]
    learned = "learned" if temperature is None else f"{temperature:g}"
    lines = [
        "# Agents",
        "",
        f"All agents: {_STATED.format(**same)}, temperature {learned}. After each round the mean "
        f"return of {settings['episodes']} episodes without chance, their start states the same "
        "for all agents of a seed; below, after the last round. ±: two standard errors between "
        "seeds; of one seed, between its episodes. Steps a second hold gradient steps too, the "
        "others hold nothing else; the first round is left out of both. "
        f"{settings['threads']} threads of {record['machine']['processor']}.",
        "",
    ]
    for name, learners in record["runs"].items():
        lines += [f"## {name}", "", *_notes(name, learners), *_table(name, learners), ""]
    return "\n".join([*lines, *_versions(record["runs"]), ""])


def _notes(name: str, learners: Mapping[str, Any]) -> list[str]:
    results = [result for seeds in learners.values() for result in done(seeds)]
    if not results:
        return []
    curve = results[0]["curve"]
    said = f"{curve[-1]['steps']:,} steps, {len(curve)} rounds."
    if any(LEARNERS[learner].hold for learner in learners):
        said += (
            f" Held: a draw of exploring lasts {HOLD} steps, {COUNT} environments side by side; "
            f"gSDE: noise that hangs on the state, drawn anew every {HOLD} steps."
        )
    if WORLDS[name].goals:
        said += (
            f" Goals: shares of episodes with chance, the least of the four and the most, means "
            f"over seeds; entropy in nats, {math.log(4):.3f} at most; all four: seeds with at "
            f"least {LEAST:.0%} at each."
        )
    return [said, ""]


def _table(name: str, learners: Mapping[str, Any]) -> list[str]:
    world = WORLDS[name]
    header = ["agent", "policy", "parameters", "seeds", "mean return"]
    header += ["steps/s", "gradient steps/s"]
    if world.goals:
        header += ["least", "most", "entropy", "all four"]
    if world.solved is not None:
        header.append(f"above {world.solved:g}")
    rows = []
    for learner, seeds in learners.items():
        results = done(seeds)
        begun = [LEARNERS[learner].title]
        if not results:
            status = next(iter(seeds.values()))["status"]
            rows.append([*begun, status, *["-"] * (len(header) - 2)])
            continue
        row = [*begun, results[0]["policy"], f"{results[0]['parameters']:,}"]
        row += [_of(len(results), len(seeds)), shown(*band([r["curve"][-1] for r in results]))]
        row += [_mean(r[speed] for r in results) for speed in _SPEEDS]
        if world.goals:
            row += [
                _mean((min(r["goals"]) for r in results), ".3f"),
                _mean((max(r["goals"]) for r in results), ".3f"),
                _mean((r["entropy"] for r in results), ".3f"),
                _of(sum(min(r["goals"]) >= LEAST for r in results), len(results)),
            ]
        if world.solved is not None:
            above = sum(r["curve"][-1]["mean"] > world.solved for r in results)
            row.append(_of(above, len(results)))
        rows.append(row)
    return pipes(header, rows)


_SPEEDS = ("steps_a_second", "gradient_steps_a_second")


def shown(middle: float, error: float | None) -> str:
    """A mean with its band."""
    return f"{middle:.1f}" if error is None else f"{middle:.1f} ± {error:.1f}"


def _of(count: int, total: int) -> str:
    return f"{count} of {total}"


def _mean(values: Iterable[float | None], form: str = ".0f") -> str:
    known = [value for value in values if value is not None]
    return format(sum(known) / len(known), form) if known else "-"


def _versions(runs: Mapping[str, Any]) -> list[str]:
    found: dict[str, set[str]] = {}
    for learners in runs.values():
        for seeds in learners.values():
            for result in done(seeds):
                for package, version in result["versions"].items():
                    found.setdefault(package, set()).add(version)
    if not found:
        return []
    said = (f"{package} {' and '.join(sorted(found[package]))}" for package in sorted(found))
    return [f"- {', '.join(said)}."]

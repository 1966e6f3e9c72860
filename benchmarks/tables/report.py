"""What a run leaves, in Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmarks.reports import pipes

GAP, TOLD_APART, MINUTES = 0.05, 0.6, 10
MOST = 0.8


def markdown(record: Mapping[str, Any]) -> str:
    """The record as text: two tables, and how many tables meet each target."""
    settings, tables = record["settings"], record["tables"]
    done = {name: each for name, each in tables.items() if each["status"] == "ok"}
    lines = [
        "# Mixed tables",
        "",
        f"`tfp-flows fit FILE --minutes {settings['minutes']:g}`, and no other option; "
        f"{settings['threads']} threads of {record['machine']['processor']}, seed "
        f"{settings['seed']}. A fifth of the rows of a real table is held out, of a law as many as "
        "are fitted to. C2ST: how often boosted trees tell samples from held-out rows (gaps of "
        "those put on both), accuracy and AUC; beside it the Gaussian copula of `copulas`, which "
        "sees at most 2,000 rows and whose samples are rounded to the grids of their columns. "
        "CRPS of a fifth of all cells, removed at random from at most "
        "1,000 held-out rows, 20 draws: numbers in deviations of their columns, classes by 0 and "
        "1, the mean over columns; beside it scikit-learn's IterativeImputer with "
        "sample_posterior, fitted to at most 5,000 rows, classes as codes that are rounded.",
        "",
        *pipes(
            [
                "table",
                "rows",
                "nats",
                "above the bound",
                "C2ST",
                "AUC",
                "copula",
                "AUC",
                "CRPS",
                "chained",
            ],
            [_quality(name, each) for name, each in tables.items()],
        ),
        "",
        *pipes(
            ("table", "fit, s", "GiB", "score, s", "samples", "s", "GiB", "invalid", "no density"),
            [_work(name, each) for name, each in done.items()],
        ),
        "",
        *pipes(
            ("table", "check, s", "held-out rows", "found wrong"),
            [_check(name, each["check"]) for name, each in done.items()],
        ),
        "",
        *(f"- {name}: {each['columns']} columns ({each['types']})." for name, each in done.items()),
        "",
        *(f"- {line}" for line in targets(tables)),
        "",
    ]
    return "\n".join(lines)


def targets(tables: Mapping[str, Any]) -> list[str]:
    """Each target with the number of tables that meet it."""
    done = [each for each in tables.values() if each["status"] == "ok"]
    steps = ("fit", "samples", "score", "check")
    quick = [e for e in done if all(e[step]["seconds"] <= 60 * MINUTES for step in steps)]
    gaps = [each["score"]["gap"] for each in done if "gap" in each["score"]]
    near = [each for each in done if each["c2st"]["ours"]["accuracy"] < TOLD_APART]
    better = [e for e in done if e["imputation"]["ours"] < e["imputation"]["chained"]]
    beside = [each["c2st"] for each in done if "copula" in each["c2st"]]
    closer = [c for c in beside if c["ours"]["accuracy"] < c["copula"]["accuracy"]]
    count = sum(each["samples"]["count"] for each in done)
    valid = [each for each in done if not each["samples"]["invalid"]]
    return [
        _target("fit, sampled, scored and checked, each in 10 minutes", len(quick), len(tables), 1),
        _target(f"no invalid cell in {count:,} samples", len(valid), len(done), 1),
        _target(f"within {GAP} nats of the bound", sum(g < GAP for g in gaps), len(gaps), 1),
        _target(f"C2ST below {TOLD_APART}", len(near), len(done), MOST),
        f"C2ST below that of the copula: {len(closer)} of {len(beside)}.",
        _target("CRPS below that of chained regressions", len(better), len(done), MOST),
    ]


def _target(what: str, met: int, of: int, share: float) -> str:
    verdict = "not measured" if not of else "met" if met >= share * of else "missed"
    return f"{what}: {met} of {of}, {verdict}."


def _quality(name: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    if each["status"] != "ok":
        return (name, each["status"], *[""] * 8)
    score, told, filled = each["score"], each["c2st"], each["imputation"]
    gap = f"{score['gap']:.3f} ± {2 * score['gap_error']:.3f}" if "gap" in score else ""
    pairs = [
        (f"{c['accuracy']:.3f} ± {2 * c['error']:.3f}", f"{c['auc']:.3f}") if c else ("", "")
        for c in (told["ours"], told.get("copula"))
    ]
    return (
        name,
        f"{each['rows']:,}",
        f"{score['nats']:.2f}",
        gap,
        *pairs[0],
        *pairs[1],
        f"{filled['ours']:.4f}",
        f"{filled['chained']:.4f}",
    )


def _check(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    wrong = ", ".join(found["wrong"]) or "nothing"
    return name, f"{found['seconds']:.0f}", f"{found['rows']:,}", wrong


def _work(name: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    fit, samples, score = each["fit"], each["samples"], each["score"]
    bad = ", ".join(f"{count} of {column}" for column, count in samples["invalid"].items())
    return (
        name,
        f"{fit['seconds']:.0f}",
        f"{fit['gib']:.1f}",
        f"{score['seconds']:.0f}",
        f"{samples['count']:,}",
        f"{samples['seconds']:.0f}",
        f"{samples['gib']:.1f}",
        bad or "0",
        str(score["impossible"]),
    )

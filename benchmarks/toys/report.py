"""What a run leaves, in Markdown."""

from typing import Any

from benchmarks.reports import pipes


def markdown(record: dict[str, Any]) -> str:
    """The record as text with one table."""
    settings = record["settings"]
    done = [result["toys"] for result in record["flows"].values() if "toys" in result]
    toys = list(done[0]) if done else []
    exact = [toy for toy in toys if "kl" in done[0][toy]]
    others = [toy for toy in toys if toy not in exact]
    header = ("flow", "parameters", *exact, *(f"{toy} (log-lik.)" for toy in others))
    rows = [(name, *_cells(result, exact, others)) for name, result in record["flows"].items()]
    return "\n".join(
        [
            "# Flows on toys",
            "",
            f"KL divergence of the exact density to the flow's, in nats, ± 2 standard errors; "
            f"lower is better. Where the exact density is not known, the mean log-likelihood; "
            f"higher is better. {settings['seconds']:g} s of training each, compilation included, "
            f"{settings['threads']} threads of {record['machine']['processor']}, seed "
            f"{settings['seed']}, 50,000 draws, Adam from 0.005 by a cosine to 0, batches of 250.",
            "",
            *pipes(header, rows),
            "",
        ]
    )


def _cells(result: dict[str, Any], exact: list[str], others: list[str]) -> list[str]:
    if result["status"] != "ok":
        return [result["status"], *["-"] * (len(exact) + len(others))]
    toys = result["toys"]
    return [
        f"{result['parameters']:,}",
        *(f"{toys[toy]['kl']:.3f} ± {2 * toys[toy]['standard_error']:.3f}" for toy in exact),
        *(f"{toys[toy]['log_likelihood']:.3f}" for toy in others),
    ]

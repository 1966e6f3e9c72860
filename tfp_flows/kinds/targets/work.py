"""A fit to a target: reverse KL, judged by a bound on the log-normaliser and by weights."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows import plotting
from tfp_flows.errors import InputError
from tfp_flows.kinds.targets.settings import TargetSettings
from tfp_flows.kinds.targets.source import TargetSource, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import note

_PICTURE = "target.png"
_ROWS = 1000
_ANGLES = "circular_nsf"
# Fewer effective draws, or one with more than this share of all weight, say little of the target.
_FEW, _HEAVY = 100, 0.1
# In nats; a bound less certain than this hangs on a few draws in the tails.
_UNCERTAIN = 0.5


class TargetWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: TargetSettings):
        self.settings = settings

    def source(self) -> TargetSource:
        """Finds the target."""
        return load(self.settings)

    def build(self, source: TargetSource):
        """A flow that begins with the spread that was asked for, on a target that will do."""
        from tfp_flows.kinds.targets.check import check
        from tfp_flows.models import FlowModel

        settings = self.settings
        # Angles are what they are.
        flow = settings.build_flow(source.dim, standardize=settings.flow != _ANGLES)
        if flow.needs_adapt:
            flow.adapt(_rows(source.dim, source.spread).astype(settings.dtype))
        elif settings.spread is not None:
            raise InputError(f"{settings.flow} begins as it is; leave --spread out.")
        check(source, flow, settings.seed)
        return FlowModel(flow)

    def trainer(self, model, source: TargetSource):
        """Adam on draws of the flow, whose rate is halved where progress stalls."""
        from tfp_flows.kinds.targets.trainer import ReverseKL

        settings = self.settings
        return ReverseKL(
            model,
            source.log_density,
            seed=settings.seed,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            decay_patience=max(1, settings.patience // 3),
            warm_up=min(settings.warm_up, settings.epochs // 4),
            compiled=source.compiled,
        )

    def measure(self, model, source: TargetSource) -> dict[str, Any]:
        """The bound, the effective share of weighted draws, and the log-normaliser."""
        from tfp_flows.kinds.targets import report
        from tfp_flows.vi.weights import measures

        found = report.weigh(model.flow, source, report.DRAWS, self.settings.seed)
        values = measures(found.log_weights)
        known = dict(zip(("value", "error"), source.known or (None, None), strict=True))
        values["known_log_normaliser"] = known
        bound = values["bound_nats"]
        values["kl_nats"] = None if None in (known["value"], bound) else known["value"] - bound
        _say(values)
        error = values["bound_standard_error"]
        return {"test": headline("bound", "nats", bound, error) | values}

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """Target beside flow; the flow alone if ``find`` gives no target."""
        from tfp_flows.kinds.targets import report

        source, test = find(), metrics["test"]
        known = test["known_log_normaliser"]["value"]
        figure = report.picture(
            model.flow,
            source,
            columns=list(metrics["data"]["columns"]),
            log_normaliser=(test["log_normaliser"] or 0.0) if known is None else known,
            seed=self.settings.seed,
            title=f"{self.settings.flow} on {self.name}",
        )
        yield _PICTURE, lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Bound, log-normaliser and weights."""
        test = metrics["test"]
        known = test["known_log_normaliser"]["value"]
        yield first_line(metrics)
        yield (
            f"Bound on the log-normaliser: "
            f"{_pair(test['bound_nats'], test['bound_standard_error'])}"
            + ("." if test["kl_nats"] is None else f", {test['kl_nats']:.3f} below it.")
        )
        estimate = _pair(test["log_normaliser"], test["log_normaliser_standard_error"])
        yield (
            f"Log-normaliser by importance weights: {estimate}"
            + ("." if known is None else f"; known: {known:.4f}.")
        )
        yield (
            f"Effective sample size: {100 * test['effective_share']:.1f} % of "
            f"{test['draws']:,} draws."
        )

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """One number a coordinate."""
        return [len(metrics["data"]["columns"])]

    @property
    def name(self) -> str:
        """Of the target, without folders."""
        return self.settings.data.rpartition("/")[2]


def _rows(dim: int, spread: float) -> np.ndarray:
    """Rows of mean 0 and of just this deviation, to which standardisers are adapted."""
    rows = np.random.default_rng(0).standard_normal((_ROWS, dim))
    return spread * (rows - rows.mean(axis=0)) / rows.std(axis=0)


def _say(values: Mapping[str, Any]) -> None:
    effective = values["effective_share"] * values["draws"]
    if values["draws_not_finite"]:
        note(
            f"the target is not finite at {values['draws_not_finite']:,} of {values['draws']:,} "
            "draws of the flow; the bound is not finite, and these draws weigh nothing."
        )
    if effective < _FEW or (values["heaviest_share"] or 0.0) > _HEAVY:
        note(
            f"all weight lies on about {effective:.0f} of {values['draws']:,} draws, so "
            "log-normaliser and effective sample size may be far off; the flow is not near the "
            "target yet."
        )
    if (values["bound_standard_error"] or 0.0) > _UNCERTAIN:
        note(
            "the bound hangs on a few draws in the tails, where the flow is wide and the target "
            "low; lower --learning-rate, or use another flow."
        )
    known, estimate = values["known_log_normaliser"], values["log_normaliser"]
    if known["value"] is not None and estimate is not None:
        error = values["log_normaliser_standard_error"] + known["error"]
        if abs(estimate - known["value"]) > 5 * error + 1e-3:
            note(
                f"the log-normaliser by weights is {estimate:.4f}, the known one "
                f"{known['value']:.4f}: the flow misses a part of the target."
            )


def _pair(value: float | None, error: float | None) -> str:
    if value is None:
        return "not finite"
    return f"{value:.4f}" + ("" if error is None else f" ± {2 * error:.4f} (2 s.e.)") + " nats"

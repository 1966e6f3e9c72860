"""A fit of a posterior: variational inference, judged by its importance weights."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.table import Table

from tfp_flows import plotting
from tfp_flows.kinds.posteriors.settings import PosteriorSettings
from tfp_flows.kinds.posteriors.source import PosteriorSource, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import note

# Rows of the table that is printed; metrics.json has all.
_ROWS = 24
_SUMMARY = ("mean", "sd", "q05", "q95", "mcse")


class PosteriorWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: PosteriorSettings):
        self.settings = settings
        self._exact = self._training = None
        self._began = time.monotonic()

    def source(self) -> PosteriorSource:
        """Finds model and observations."""
        return load(self.settings)

    def build(self, source: PosteriorSource):
        """A posterior that begins as the Gaussian of a mode and its curvature."""
        from tfp_flows.vi.fitting import prepare
        from tfp_flows.vi.saving import PosteriorModel

        settings, target = self.settings, source.target
        prepared = prepare(
            target,
            settings.flow,
            settings.options,
            self._plan(),
            draws=settings.batch_size,
            compiled=settings.compiled,
            seed=settings.seed,
            verbose=False,
        )
        self._exact = prepared.chosen.exact
        posterior = prepared.posterior(target, settings.evaluation_draws, settings.seed)
        PosteriorModel.of(posterior).get_config()  # raises if it cannot be saved
        return posterior

    def trainer(self, model, source: PosteriorSource):
        """Adam on draws of the flow, until the bound no longer rises."""
        from tfp_flows.kinds.posteriors.trainer import PosteriorTrainer
        from tfp_flows.vi.choice import Choice
        from tfp_flows.vi.training import Training

        settings = self.settings
        self._training = Training(
            source.target,
            Choice(model.flow, model.name, model.why, self._exact),
            settings.objective,
            self._plan(),
            draws=settings.batch_size,
            compiled=settings.compiled,
            seed=settings.seed,
        )
        return PosteriorTrainer(self._training)

    def measure(self, model, source: PosteriorSource) -> dict[str, Any]:
        """Bounds, weights and k-hat, and a table of the parts."""
        from tfp_flows.vi.fitting import check_support

        model.history, model.seconds = self._training.history, time.monotonic() - self._began
        check_support(model, self.settings.seed)
        facts, rows = model.facts(), model.summary()
        summary = {
            name: dict(zip(_SUMMARY, row, strict=True))
            for name, *row in rows[list(_SUMMARY)].itertuples()
        }
        if not facts["good"]:
            note(f"not good: {facts['verdict']}")
        figure = headline("ELBO", "nats", facts["bound_nats"], facts["bound_standard_error"])
        variables = model.flow.trainable_variables
        flow = {
            "name": model.name,
            "trainable_parameters": sum(v.shape.num_elements() for v in variables),
        }
        return {"flow": flow, "test": figure | facts | {"summary": summary}}

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """Marginals beside the Gaussian's, pairs, and weights; the flow's alone without a model."""
        from tfp_flows.kinds.posteriors import report

        source = find()
        posterior = model if source is None else model.attached(source.target)
        title = f"{posterior.name} on {self.name}"
        for name, figure in report.figures(posterior, self.settings.seed, title):
            yield name, lambda path, figure=figure: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Bounds, how far to trust them, and a table of the parts."""
        from tfp_flows.vi.tables import lines

        test = metrics["test"]
        yield first_line(metrics)
        yield from lines(test)
        rows = list(test["summary"].items())
        table = Table("", *_SUMMARY, box=None)
        for name, row in rows[:_ROWS]:
            table.add_row(name, *(f"{row[column]:.4g}" for column in _SUMMARY))
        yield table
        if len(rows) > _ROWS:
            yield f"and {len(rows) - _ROWS} more in metrics.json."

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """One number an unconstrained coordinate."""
        return [metrics["data"]["coordinates"]]

    @property
    def name(self) -> str:
        """Of the model, without folders."""
        return self.settings.data.rpartition("/")[2]

    def _plan(self):
        from tfp_flows.vi.training import Plan

        settings = self.settings
        return Plan(
            settings.epochs,
            settings.learning_rate,
            warm=round(settings.tempering * settings.epochs),
            patience=settings.patience,
        )

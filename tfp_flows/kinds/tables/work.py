"""A fit to a table: maximum likelihood on 80 % of its rows, judged by the rest."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table as TextTable

from tfp_flows import held_out, plotting
from tfp_flows.errors import DataWarning
from tfp_flows.kinds.tables import groups, held_out_rows
from tfp_flows.kinds.tables.auto import AutoWork
from tfp_flows.kinds.tables.mixed import MixedWork
from tfp_flows.kinds.tables.settings import AUTO, COLUMNS, TableSettings
from tfp_flows.kinds.tables.source import TableSource, load
from tfp_flows.kinds.tables.streamed_sources import StreamedSource, load_streamed
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.tables.defaults import GRADIENT_NORM, MIN_DELTA
from tfp_flows.terminal import note, number, plus_minus

_VALIDATION_BATCH = 10_000
_SAMPLES = 10_000


def work_of(settings: TableSettings) -> "TableWork | MixedWork | AutoWork":
    """Who does the work that was asked for."""
    if settings.flow == AUTO:
        return AutoWork(settings)
    return MixedWork(settings) if settings.flow == COLUMNS else TableWork(settings)


class TableWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: TableSettings):
        self.settings = settings

    def source(self) -> TableSource | StreamedSource:
        """Reads the table."""
        if self.settings.stream:
            return load_streamed(self.settings, mixed=False)
        return load(self.settings)

    def build(self, source: TableSource):
        """A flow over the columns."""
        from tfp_flows.models import FlowModel

        size = len(source.table.columns)
        return FlowModel(self.settings.build_flow(size, standardize=True))

    def trainer(self, model, source: TableSource):
        """Adam, whose rate is halved where progress stalls."""
        import tensorflow as tf

        from tfp_flows.models import ResumableTraining
        from tfp_flows.runs.keras_trainer import KerasTrainer

        settings, parts = self.settings, source.parts
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=GRADIENT_NORM),
            accumulate=settings.accumulate,
        )
        training = ResumableTraining(
            decay=0.5, decay_patience=max(1, settings.patience // 3), seed=settings.seed
        )
        return KerasTrainer(
            model,
            training,
            data=lambda: {
                "x": source.batches(training, settings.batch_size),
                "validation_data": parts.validation,
                "validation_batch_size": _VALIDATION_BATCH,
            },
            prepare=lambda: _adapt(model.flow, np.concatenate([parts.train, parts.validation])),
            min_delta=MIN_DELTA,
        )

    def to_nats(self, model, source: TableSource) -> float:
        """Nothing: losses are of densities in the units of the table."""
        return 0.0

    def measure(self, model, source: TableSource) -> dict[str, Any]:
        """Log-likelihoods of the test rows, beside those of a Gaussian."""
        from tfp_flows.models.evaluation import beside_gaussian

        parts = source.parts
        measures = beside_gaussian(model.flow, parts.train, parts.test, source.test_rows)
        for remark in measures.pop("remarks"):
            note(remark)
        scores = measures.pop("scores")
        kept = held_out_rows.kept(scores, self.settings.seed)
        test = measures["test"]
        figure = headline("log-likelihood", "nats", test["mean_nats"], test["standard_error_nats"])
        by = {} if source.groups is None else {"by": source.groups.means(scores)}
        return {
            "splits": source.splits(),
            **measures,
            "test": figure | test,
            **by,
            "held_out": kept,
        }

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """The flow beside rows that it has not seen; alone if ``find`` gives none."""
        from tfp_flows.models.evaluation import draw

        source, flow = find(), model.flow
        data = None if source is None else source.shown
        columns, seed = [str(name) for name in metrics["data"]["columns"]], self.settings.seed
        name = Path(self.settings.data).name if source is None else source.name
        title = f"{self.settings.flow} on {name}"
        # As many points as there are data, or the fuller panel looks the denser one.
        few = len(columns) == 2 and data is not None
        samples = draw(flow, len(data) if few else _SAMPLES, seed)
        figure = plotting.plot_flow(flow, data, samples=samples, columns=columns, title=title)
        picture = "density.png" if len(columns) <= 2 else "corner.png"
        yield picture, lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Log-likelihoods of flow and Gaussian."""
        splits = metrics["splits"]
        yield first_line(metrics, f"{splits['train']:,} training rows")
        yield from filter(None, [metrics["data"].get("streamed")])
        yield f"Log-likelihood of {splits['test']:,} held-out rows:"
        table = TextTable(box=None, pad_edge=False)
        table.add_column("")
        table.add_column("nats per row (± 2 s.e.)", justify="right")
        table.add_column("bits per dimension", justify="right")
        rows = ((metrics["flow"]["name"], "test"), ("full Gaussian", "gaussian"))
        for name, row in ((name, metrics[key]) for name, key in rows):
            if row is not None:
                table.add_row(name, _nats(row), number(row["bits_per_dim"]))
        if metrics["gain_over_gaussian"] is not None:
            table.add_row("difference", _nats(metrics["gain_over_gaussian"]), "")
        yield table
        if "worst_row" in metrics["test"]:  # not in records of format 0
            yield held_out.in_words(metrics["test"])
        if "by" in metrics:
            yield groups.table(metrics["by"])

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """One number a row: that of the columns."""
        return [len(metrics["data"]["columns"])]


def _adapt(flow, rows: np.ndarray) -> None:
    """Adapts to validation rows as well: a flow of bounded support should cover them."""
    with warnings.catch_warnings():
        # The columns that it would warn of have been named before.
        warnings.simplefilter("ignore", DataWarning)
        flow.adapt(rows)


def _nats(row: Mapping[str, float | None]) -> str:
    return plus_minus(row["mean_nats"], row["standard_error_nats"])

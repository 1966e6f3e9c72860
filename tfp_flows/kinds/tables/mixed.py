"""A fit to a table of mixed columns: random parts of its rows given the rest."""

import copy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table as TextTable

from tfp_flows import held_out, plotting
from tfp_flows.errors import InputError
from tfp_flows.kinds.tables import groups, held_out_rows
from tfp_flows.kinds.tables.frames import FrameSource, load_frame
from tfp_flows.kinds.tables.groups import finite_or_none, mean_nats
from tfp_flows.kinds.tables.settings import COLUMNS_OPTIONS, TableSettings
from tfp_flows.kinds.tables.streamed_sources import StreamedFrames, load_streamed
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.tables.defaults import GRADIENT_NORM, MIN_DELTA, VALIDATION_BATCH
from tfp_flows.terminal import note, plus_minus

_TRAIN_ROWS = 10_000
_SAMPLES = 5_000
_DAY = 86_400.0


class MixedWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: TableSettings):
        self.settings = settings

    def source(self) -> FrameSource | StreamedFrames:
        """Reads the table."""
        if self.settings.stream:
            return load_streamed(self.settings, mixed=True)
        return load_frame(self.settings)

    def build(self, source: FrameSource):
        """A model of the columns."""
        from tfp_flows.tables import TableModel

        settings = self.settings
        options = dict(settings.flow_option)
        for name in options:
            if name not in COLUMNS_OPTIONS:
                raise InputError(
                    f"--flow columns has no option {name!r}; it has {', '.join(COLUMNS_OPTIONS)}."
                )
        if settings.layers is not None:
            raise InputError("--flow columns has no --layers; give the sizes of --hidden.")
        if settings.hidden is not None:
            options["hidden_units"] = settings.hidden
        return TableModel.of(
            source.schema,
            source.parts.train,
            given=settings.given or (),
            weights=None if source.weights is None else source.weights.train,
            seed=settings.seed,
            **options,
        )

    def trainer(self, model, source: FrameSource):
        """Adam, whose rate is halved where progress stalls, and falls to 0 in a given time."""
        import tensorflow as tf

        from tfp_flows.kinds.tables.falling import FallingInTime
        from tfp_flows.models import ResumableTraining
        from tfp_flows.runs.keras_trainer import KerasTrainer
        from tfp_flows.tables.fitting import usual_batch

        settings, weights = self.settings, source.weights
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=GRADIENT_NORM),
            accumulate=settings.accumulate,
        )
        training = ResumableTraining(
            decay=0.5, decay_patience=max(1, settings.patience // 3), seed=settings.seed
        )
        held = model.arrays(source.parts.validation)
        of_held = None if weights is None else weights.validation.astype(np.float32)
        validation = (held["x"], held["context"], of_held)
        rows = source.train_rows
        batch_size = min(settings.batch_size or usual_batch(rows), rows)
        return KerasTrainer(
            model,
            training,
            data=lambda: {
                **source.training(model, training, batch_size),
                "validation_data": validation,
                "validation_batch_size": VALIDATION_BATCH,
            },
            callbacks=lambda rounds: (
                [] if rounds.seconds is None else [FallingInTime(settings.learning_rate, rounds)]
            ),
            min_delta=MIN_DELTA,
            shift=self.to_nats(model, source),
        )

    def to_nats(self, model, source: FrameSource) -> float:
        """From losses of cells to densities in the units of the table, nats per validation row."""
        log_det = model.schema.encode(source.parts.validation, model.own).log_det.sum(axis=1)
        weights = None if source.weights is None else source.weights.validation
        return float(np.average(log_det, weights=weights))

    def measure(self, model, source: FrameSource) -> dict[str, Any]:
        """Log-likelihoods of the test rows, beside those of independent columns."""
        parts, weights = source.parts, source.weights
        terms = model.parts(parts.test)
        scores = terms.sum(axis=1)
        impossible = int((~np.isfinite(scores)).sum())
        if impossible:
            note(
                f"{impossible} of {len(scores):,} test rows hold a value that cannot be one of its "
                "column (a category that is not listed, a number beyond the bounds or off the "
                "grid); they have no density and are left out of the mean."
            )
        alone = independent(model).log_prob(parts.test)
        there = np.isfinite(scores) & np.isfinite(alone)
        of_rows = np.ones(len(scores)) if weights is None else weights.test
        few = parts.train.iloc[:_TRAIN_ROWS]
        seen = model.log_prob(few)
        test = mean_nats(scores, of_rows, there)
        of_seen = np.ones(len(seen)) if weights is None else weights.train[: len(few)]
        train = mean_nats(seen, of_seen)
        more = np.subtract(scores, alone, out=np.zeros(len(scores)), where=there)
        gain = mean_nats(more, of_rows, there)
        for remark in _remarks(test, train, gain):
            note(remark)
        figure = headline("log-likelihood", "nats", test["mean_nats"], test["standard_error_nats"])
        rows = source.test_rows
        usual = {name: finite_or_none(np.mean(terms[there, j])) for j, name in enumerate(model.own)}
        return {
            "splits": source.splits(),
            "test": figure
            | test
            | held_out.spread(scores[there], None if rows is None else rows[there])
            | {"rows_without_density": impossible},
            "train": train,
            "independent": mean_nats(alone, of_rows, there),
            "gain_over_independent": gain,
            "columns": usual,
            **source.by_groups(scores),
            "held_out": held_out_rows.kept(scores.astype(np.float32), self.settings.seed),
        }

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """The distribution of each column, of samples and of rows not seen."""
        source = find()
        data = None if source is None else source.shown
        given = None
        if model.given:
            if data is None:
                return
            given = data[list(model.given)]
        count = _SAMPLES if data is None or given is not None else max(len(data), 1000)
        samples = model.sample(None if given is not None else count, given, seed=self.settings.seed)
        columns = [model.schema.column(name) for name in model.own]
        title = f"columns on {Path(self.settings.data).name}"
        figure = plotting.plot_columns(
            samples,
            data,
            kinds={c.name: _kind(c) for c in columns},
            numeric={c.name: _days(c) if c.type == "date" else c.numeric for c in columns},
            title=title,
        )
        yield "columns.png", lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Log-likelihoods of the model and of independent columns."""
        splits = metrics["splits"]
        yield first_line(metrics, f"{splits['train']:,} training rows")
        yield from filter(None, [metrics["data"].get("streamed")])
        given = metrics["data"]["given"]
        about = f" given {', '.join(given)}" if given else ""
        yield f"Log-likelihood of {splits['test']:,} held-out rows{about}:"
        table = TextTable(box=None, pad_edge=False)
        table.add_column("")
        table.add_column("nats per row (± 2 s.e.)", justify="right")
        for name, key in (("columns", "test"), ("independent columns", "independent")):
            table.add_row(name, _nats(metrics[key]))
        table.add_row("difference", _nats(metrics["gain_over_independent"]))
        yield table
        yield held_out.in_words(metrics["test"])
        if "by" in metrics:
            yield groups.table(metrics["by"])

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """Four numbers a column."""
        return [metrics["data"]["modelled"], 4]


def independent(model):
    """A model of the same columns that takes each for itself, as the training rows have it."""
    from tfp_flows.tables import TableModel

    alone = TableModel(copy.deepcopy(model.flow), model.schema, model.given)
    alone.layer.forget()
    return alone


def _kind(column) -> str:
    if column.type == "date":
        return "dates"
    return "numbers" if column.number else "classes"


def _days(column) -> Callable:
    return lambda values: column.numeric(values) / _DAY


def _remarks(test, train, gain) -> list[str]:
    remarks = []
    if gain["mean_nats"] is not None and gain["mean_nats"] < 2 * gain["standard_error_nats"]:
        remarks.append(
            "the model is no better than independent columns: there is nothing between them that "
            "it could learn from so many rows."
        )
    known = None not in (test["mean_nats"], train["mean_nats"])
    if known and train["mean_nats"] - test["mean_nats"] > max(0.5, 4 * test["standard_error_nats"]):
        remarks.append(
            f"the model overfits: training rows have {train['mean_nats']:.3g} nats on average, "
            f"held-out rows {test['mean_nats']:.3g}; smaller --hidden, or more rows, would help."
        )
    return remarks


def _nats(row: Mapping[str, float | None]) -> str:
    return plus_minus(row["mean_nats"], row["standard_error_nats"])

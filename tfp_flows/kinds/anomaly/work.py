"""A fit to pictures of good parts: maximum likelihood of the features of a trained network."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tfp_flows import plotting
from tfp_flows.kinds.anomaly.settings import AnomalySettings
from tfp_flows.kinds.anomaly.source import AnomalySource, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import plus_minus

_PICTURE = "held_out.png"
_GRADIENT_NORM = 100.0
_SHOWN = 6


class AnomalyWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: AnomalySettings):
        self.settings = settings

    def source(self) -> AnomalySource:
        """Finds the pictures."""
        return load(self.settings)

    def build(self, source: AnomalySource):
        """A flow of the features of the backbone, with it."""
        from tfp_flows.anomaly import Backbone, Inspector

        settings = self.settings
        source.backbone = Backbone(
            settings.backbone,
            settings.feature_layers,
            settings.size,
            normalise=settings.normalise,
        )
        return Inspector(settings.build_flow(source.backbone.shapes), source.backbone)

    def trainer(self, model, source: AnomalySource):
        """Adam, whose rate rises at first and falls along a cosine to 0.

        No pictures are kept to stop by: the likelihood of pictures that are not trained on is best
        long before defects are found best.
        """
        import tensorflow as tf

        from tfp_flows.models import ResumableTraining
        from tfp_flows.runs.keras_trainer import KerasTrainer, warm_up

        settings = self.settings
        source.look()
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=_GRADIENT_NORM),
            accumulate=settings.accumulate,
        )
        training = ResumableTraining(seed=settings.seed)
        train = source.features["train"]

        return KerasTrainer(
            model,
            training,
            data=lambda: {"x": training.batches(train, settings.batch_size)},
            prepare=lambda: model.flow.adapt(train),
            callbacks=lambda rounds: [warm_up(settings.learning_rate, rounds)],
            monitor="loss",
        )

    def measure(self, model, source: AnomalySource) -> dict[str, Any]:
        """The likelihood of held-out good parts, and the threshold that stands on them."""
        from tfp_flows.models.evaluation import log_density

        settings = self.settings
        held = source.features["held_out"]
        model.calibrate(held)
        size = held.shape[1]
        values = log_density(model.flow, held).astype("float64") / size
        mean, error = float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))
        return {
            "splits": {name: len(one) for name, one in source.features.items()},
            "test": headline("held-out log-likelihood", "nats a feature", mean, error)
            | {"mean_nats": mean * size, "standard_error_nats": error * size},
            "threshold": {
                "score": settings.score,
                "false_alarms": settings.false_alarms,
                "value": model.threshold(settings.false_alarms, settings.score),
                "held_out": len(held),
            },
        }

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """The scores of held-out parts with the threshold, and the oddest of them."""
        from tfp_flows.kinds.anomaly import pages

        source, shown = find(), None
        if source is not None:
            shape = (*model.backbone.size, model.backbone.channels)
            part = source.parts["held_out"]
            read = list(part.batches(shape, 32, self.settings.background))
            shown = pages.oddest(model, read, self.settings.score, _SHOWN)
        figure = pages.held_out(model, metrics["threshold"], shown)
        yield _PICTURE, lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """The likelihood and the threshold, with what they stand on."""
        splits, test, at = metrics["splits"], metrics["test"]["headline"], metrics["threshold"]
        yield first_line(metrics, f"{splits['train']:,} training pictures")
        figure = plus_minus(test["value"], test["standard_error"])
        yield f"{splits['held_out']:,} held-out pictures: {figure} nats a feature."
        yield (
            f"Threshold: {at['score']} above {at['value']:.4g} is called bad, for at most "
            f"{100 * at['false_alarms']:g} % false alarms; it stands on {at['held_out']:,} "
            "held-out pictures of good parts."
        )

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int]:
        """One number, of all features."""
        return metrics["data"]["event_shape"]

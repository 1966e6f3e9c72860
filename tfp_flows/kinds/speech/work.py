"""A fit to recordings: maximum likelihood given the mel spectrogram, in nats a sample."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows import plotting
from tfp_flows.errors import InputError
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.source import Recordings, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import number, plus_minus

_PICTURE = "spectrograms.png"
_GRADIENT_NORM = 100.0
_MOST_STEPS = 128
_SHOWN = 3
# Held-out clips that are given what is not theirs: entries of ``test``, and how they are told.
_SWAPPED = {
    "with_another_mel": "With another clip's spectrogram",
    "as_another_speaker": "As if another speaker spoke",
}


class SpeechWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: SpeechSettings):
        self.settings = settings

    def source(self) -> Recordings:
        """Finds the recordings."""
        return load(self.settings)

    def build(self, source: Recordings):
        """A flow over samples in [-1, 1) given frames, or who speaks."""
        from tfp_flows.models import FlowModel

        flow = self.settings.build_flow((None, 1), **source.context)
        unit = math.prod(flow.bijector.place_factors)
        if source.mel.hop % unit:
            raise InputError(
                f"--hop is {source.mel.hop}, and {self.settings.flow} makes one place of {unit} "
                f"samples; give a hop and a segment that {unit} divides."
            )
        return FlowModel(flow)

    def trainer(self, model, source: Recordings):
        """Adam, whose rate rises at first and falls along a cosine to 0."""
        import tensorflow as tf

        from tfp_flows.models import ResumableTraining
        from tfp_flows.runs.keras_trainer import KerasTrainer, warm_up

        settings, segment = self.settings, self.settings.segment
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=_GRADIENT_NORM),
            loss=lambda x, log_prob: -log_prob / segment,
            accumulate=settings.accumulate,
        )
        size = settings.batch_size
        steps = max(1, min(_MOST_STEPS, source.samples // (segment * size)))
        training = ResumableTraining(seed=settings.seed)
        batches = source.batches(steps, training.epoch_number)
        return KerasTrainer(
            model,
            training,
            data=lambda: {
                "x": batches,
                "validation_data": tf.data.Dataset.from_tensor_slices(source.to_validate()).batch(
                    size
                ),
            },
            callbacks=lambda rounds: [warm_up(settings.learning_rate, rounds)],
        )

    def measure(self, model, source: Recordings) -> dict[str, Any]:
        """Nats a sample of the held-out clips, with what is theirs and with another's."""
        from tfp_flows.kinds.speech.scoring import nats_a_sample

        own = nats_a_sample(model.flow, source.test, self.settings.seed)
        test = headline("log-likelihood a sample", "nats", *_mean(own))
        test |= {"nats_a_sample": _mean(own)[0], "bits_a_sample": bits(_mean(own)[0])}
        if swapped := source.swapped():
            others = nats_a_sample(model.flow, swapped, self.settings.seed)
            test[source.swapped_key] = _mean(others)[0]
        return {"test": test | {"gaussian": _gaussian(source)}}

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """Spectrograms of held-out clips beside those of what is made from them."""
        from tfp_flows.audio import Framed

        source = find()
        if source is None:
            return
        rows = []
        for place in source.shown(_SHOWN):
            shown = (source.test[place].audio.ravel(), source.remade(model.flow, place))
            pair = [Framed.of(samples, source.mel).mel for samples in shown]
            rows.append((source.names[place], pair))
        figure = plotting.plot_spectrograms(
            rows,
            source.columns,
            seconds=source.mel.hop / source.mel.rate,
            hertz=(source.mel.low, source.mel.high),
        )
        yield _PICTURE, lambda path: plotting.save_figure(figure, path)

    def tell(self, metrics: Mapping[str, Any]) -> Iterator[Any]:
        """Nats and bits a sample."""
        data, test = metrics["data"], metrics["test"]
        clips, figure = data["clips"], test["headline"]
        count = f"{clips['train']:,} clips, {data['training_samples']:,} samples to train on"
        value, error = figure["value"], figure["standard_error"]
        held_out = "1 held-out clip" if clips["test"] == 1 else f"{clips['test']:,} held-out clips"
        yield first_line(metrics, count)
        yield (
            f"{held_out}: {number(value) if error is None else plus_minus(value, error)} nats a "
            "sample, "
            f"{test['bits_a_sample']:.2f} bits (16 bits, uniform noise); a Gaussian of the "
            f"training samples {test['gaussian']:.2f} nats."
        )
        for key, text in _SWAPPED.items():
            if key in test:
                yield f"{text}: {test[key]:.2f} nats a sample."

    def event_shape(self, metrics: Mapping[str, Any]) -> list[int | None]:
        """One channel, of any length."""
        return [None, 1]


def bits(nats: float) -> float:
    """Bits a sample of 16 bits, from nats of density over [-1, 1)."""
    return 15 - nats / math.log(2)


def _mean(values: np.ndarray) -> tuple[float, float | None]:
    values = values.astype(np.float64)
    error = None if len(values) < 2 else float(values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()), error


def _gaussian(source: Recordings) -> float:
    """Mean nats a sample of the held-out clips under one normal of all training samples."""
    audio = source.train.audio
    mean, variance = float(audio.mean()), float(audio.var())
    scores = [
        -0.5 * (np.mean((clip.audio - mean) ** 2) / variance + math.log(2 * math.pi * variance))
        for clip in source.test
    ]
    return float(np.mean(scores))

"""A fit to recordings: maximum likelihood given the mel spectrogram, in nats a sample."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfp_flows import plotting
from tfp_flows.kinds.speech.settings import SpeechSettings
from tfp_flows.kinds.speech.source import SpeechSource, load
from tfp_flows.runs.engine import first_line
from tfp_flows.runs.work import Drawing, headline
from tfp_flows.terminal import number, plus_minus

_PICTURE = "spectrograms.png"
_GRADIENT_NORM = 100.0
_MOST_STEPS = 128
_SHOWN = 3
TEMPERATURE = 0.6


class SpeechWork:
    """See `tfp_flows.runs.work.Work`."""

    def __init__(self, settings: SpeechSettings):
        self.settings = settings

    def source(self) -> SpeechSource:
        """Finds the recordings."""
        return load(self.settings)

    def build(self, source: SpeechSource):
        """A flow over samples in [-1, 1) given frames."""
        from tfp_flows.models import FlowModel

        mel = source.mel
        context = {"context_shape": (None, mel.bands), "hop": mel.hop}
        return FlowModel(self.settings.build_flow((None, 1), **context))

    def trainer(self, model, source: SpeechSource):
        """Adam, whose rate rises at first and falls along a cosine to 0."""
        import tensorflow as tf

        from tfp_flows.models import ResumableTraining
        from tfp_flows.runs.keras_trainer import KerasTrainer, warm_up

        settings, segment = self.settings, self.settings.segment
        model.compile(
            tf.keras.optimizers.Adam(settings.learning_rate, global_clipnorm=_GRADIENT_NORM),
            loss=lambda x, log_prob: -log_prob / segment,
        )
        frames, size = segment // source.mel.hop, settings.batch_size
        steps = max(1, min(_MOST_STEPS, source.samples // (segment * size)))
        training = ResumableTraining(seed=settings.seed)
        batches = source.train.drawn(
            source.mel, frames, size, steps, seed=settings.seed, epoch=training.epoch_number
        )

        return KerasTrainer(
            model,
            training,
            data=lambda: {
                "x": batches,
                "validation_data": tf.data.Dataset.from_tensor_slices(
                    source.validation.cut(frames)
                ).batch(size),
            },
            callbacks=lambda rounds: [warm_up(settings.learning_rate, rounds)],
        )

    def measure(self, model, source: SpeechSource) -> dict[str, Any]:
        """Nats a sample of the held-out clips, with their own spectrogram and with another's."""
        from tfp_flows.kinds.speech.scoring import another_mel, nats_a_sample

        own = nats_a_sample(model.flow, source.test, self.settings.seed)
        test = headline("log-likelihood a sample", "nats", *_mean(own))
        test |= {"nats_a_sample": _mean(own)[0], "bits_a_sample": bits(_mean(own)[0])}
        if len(source.test) > 1:
            others = another_mel(source.test)
            test["with_another_mel"] = _mean(nats_a_sample(model.flow, others, self.settings.seed))[
                0
            ]
        return {"test": test | {"gaussian": _gaussian(source)}}

    def draw(self, model, find: Callable[[], Any], metrics: Mapping[str, Any]) -> Iterator[Drawing]:
        """Spectrograms of held-out clips above those of what is made from them."""
        from tfp_flows.audio import Framed

        source = find()
        if source is None:
            return
        rows = []
        for i, clip in enumerate(source.test[:_SHOWN]):
            made = model.flow.sample(
                context=clip.mel[None], seed=self.settings.seed + i, temperature=TEMPERATURE
            )
            again = Framed.of(made[0, :, 0].numpy(), source.mel)
            rows.append((source.names[i], clip.mel, again.mel))
        figure = plotting.plot_spectrograms(
            [(name, (recorded, made)) for name, recorded, made in rows],
            ("recorded", f"from its mel, temperature {TEMPERATURE}"),
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
        if "with_another_mel" in test:
            yield (
                f"With another clip's spectrogram: {test['with_another_mel']:.2f} nats a sample."
            )

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


def _gaussian(source: SpeechSource) -> float:
    """Mean nats a sample of the held-out clips under one normal of all training samples."""
    audio = source.train.audio
    mean, variance = float(audio.mean()), float(audio.var())
    scores = [
        -0.5 * (np.mean((clip.audio - mean) ** 2) / variance + math.log(2 * math.pi * variance))
        for clip in source.test
    ]
    return float(np.mean(scores))

"""Files of posteriors: Keras models that hold the flow and its parts."""

import json

import tensorflow as tf

from tfp_flows import serialization
from tfp_flows.flows import Flow
from tfp_flows.models import FlowModel
from tfp_flows.vi.amortised import Amortised
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.posterior import Posterior


class _StandsFor(FlowModel):
    """Stands for a posterior in a file.

    Args:
        flow: Over unconstrained vectors.
        parts: Names, shapes and supports.
        facts: What else the posterior takes and a file can hold.
        name: Name of the model.
    """

    def __init__(self, flow: Flow, parts: Parts, facts: dict, name: str | None = None):
        super().__init__(flow, name=name)
        self.parts, self.facts = parts, facts

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        # As text, which no Keras looks into.
        more = json.dumps(serialization.encode([self.parts, self.facts]))
        return {**super().get_config(), "posterior": more}

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        config = dict(config_)
        config["parts"], config["facts"] = serialization.decode(json.loads(config.pop("posterior")))
        return super().from_config(config, custom_objects)


@tf.keras.utils.register_keras_serializable(package="tfp_flows")
class PosteriorModel(_StandsFor):
    """Stands for a `Posterior`."""

    @classmethod
    def of(cls, posterior: Posterior) -> "PosteriorModel":
        """The model that stands for a posterior."""
        model = cls(posterior.flow, posterior.parts, posterior.about)
        model.kind = posterior.kind
        return model

    def as_loaded(self) -> Posterior:
        """The posterior that the file was written for."""
        return Posterior(self.flow, self.parts, kind=self.kind, **self.facts)


@tf.keras.utils.register_keras_serializable(package="tfp_flows")
class AmortisedModel(_StandsFor):
    """Stands for an `Amortised`."""

    @classmethod
    def of(cls, posterior: Amortised) -> "AmortisedModel":
        """The model that stands for a posterior of any data."""
        facts = {
            "shapes": {name: list(shape) for name, shape in posterior.shapes.items()},
            "history": posterior.history,
            "seconds": float(posterior.seconds),
        }
        return cls(posterior.flow, posterior.parts, facts)

    def as_loaded(self) -> Amortised:
        """The posterior that the file was written for."""
        return Amortised(self.flow, self.parts, **self.facts)

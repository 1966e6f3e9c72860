"""A flow as a layer of a larger Keras model."""

import tensorflow as tf

from tfp_flows.flows import Flow
from tfp_flows.models.tracking import HoldsFlow, NetworkLosses, warn_if_unadapted
from tfp_flows.penalties import collected_penalties

keras = tf.keras
OUTPUTS = ("log_prob", "latent")


@keras.utils.register_keras_serializable(package="tfp_flows")
class FlowLayer(HoldsFlow, keras.layers.Layer):
    """Gives the log-density or the latent of its input; its weights train with the model.

    Layers may share a flow: its weights then are trained as one. (A saved model loads them as
    flows of their own, equal at first.) Regularisation losses of Keras networks inside the flow
    and penalties of its bijectors join those of the model. Call `adapt` before training, if the
    flow has a standardiser.

    Args:
        flow: The flow, of vectors or larger events.
        output: ``"log_prob"`` for the log-density ``[n, 1]`` in nats, a feature like any other, or
            ``"latent"`` for the latent, shaped like the input.
        nll_weight: If positive, the mean negative log-likelihood of the input, in nats, times this
            weight joins the losses of the model.
        **options: ``name`` and ``trainable`` of a Keras layer.

    Raises:
        ValueError: If ``output`` is unknown.

    Example:
        >>> inputs = keras.Input([2])
        >>> density = tff.FlowLayer(tff.flows.maf(event_shape=2))(inputs)
        >>> model = keras.Model(inputs, density)
    """

    def __init__(self, flow: Flow, *, output="log_prob", nll_weight: float = 0.0, **options):
        if output not in OUTPUTS:
            raise ValueError(f"output must be one of {OUTPUTS}, got {output!r}.")
        if not isinstance(flow, Flow):
            raise TypeError(f"FlowLayer needs a tfp_flows Flow, got {type(flow).__name__}.")
        options.pop("dtype", None)
        super().__init__(dtype=flow.dtype.name, **options)
        self.output_kind, self.nll_weight = output, float(nll_weight)
        self._hold(flow)

    def call(self, x, context=None, training=False):
        """Applies the flow.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` for a conditional flow.
            training: Training flag of Keras.

        Returns:
            ``[n, 1]`` or ``[n, *event_shape]``.
        """
        # As in Keras' own layers, a frozen normalisation uses its moving statistics.
        training = bool(training) and self.trainable
        if training:
            warn_if_unadapted(self.flow)
        bijector = self.flow.bijector
        context = self.flow.cast_context(context)
        with NetworkLosses(self.flow) as regularisation, collected_penalties() as penalties:
            context = self.flow._embedded(context, training)
            latent, log_det = bijector.inverse_and_log_det(x, context, training)
        for loss in (*regularisation.losses, *penalties):
            self.add_loss(loss)
        log_prob = self.flow.log_prob_of_latent(x, latent, log_det)
        if self.nll_weight:
            self.add_loss(-self.nll_weight * tf.reduce_mean(log_prob))
        return latent if self.output_kind == "latent" else log_prob[..., tf.newaxis]

    def adapt(self, x, context=None):
        """Adapts the bijectors that wait for data (standardiser, ActNorm), before training.

        Args:
            x: ``[n, *event_shape]``.
            context: ``[n, *context_shape]`` for a conditional flow.
        """
        self.flow.adapt(x, context)

    def get_config(self):
        """Returns what rebuilds the layer, without weights."""
        return self._flow_config(
            output=self.output_kind,
            nll_weight=self.nll_weight,
            name=self.name,
            trainable=self.trainable,
        )

    @classmethod
    def from_config(cls, config_):
        """Builds a layer from what `get_config` returned."""
        return cls._from_flow_config(config_)

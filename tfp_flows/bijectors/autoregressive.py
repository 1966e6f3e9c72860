"""Masked and inverse autoregressive bijectors."""

import tensorflow as tf
import tf_keras

from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import context_size, vector_size
from tfp_flows.interop import Network, check_autoregressive
from tfp_flows.networks.autoregressive import AutoregressiveNetwork
from tfp_flows.networks.mlp import new_generator
from tfp_flows.transformers import Affine, Transformer


class _Autoregressive(Bijector):
    """A transformer whose parameters depend on the coordinates of lower degree."""

    def __init__(
        self,
        *,
        event_shape,
        network=None,
        transformer: Transformer | None = None,
        context_shape=None,
        hidden_units=(64, 64),
        activation="tanh",
        input_order="left-to-right",
        dtype=tf.float32,
        compute_dtype=None,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        size, contexts = vector_size(self), context_size(self)
        self.transformer = transformer or Affine()
        given = network is not None
        network = network or self._default_network(
            size, contexts, hidden_units, activation, input_order, compute_dtype, seed
        )
        self._conditioner = Network(
            network,
            input_size=size,
            context_size=contexts,
            coordinates=size,
            parameters=self.transformer.num_parameters,
            dtype=self.dtype,
            owner=self.name,
        )
        if given:
            check_autoregressive(self._conditioner, size, contexts)

    def _default_network(
        self, size, contexts, hidden_units, activation, input_order, compute_dtype, seed
    ):
        generator = new_generator(seed)
        if isinstance(input_order, str) and input_order == "random":
            input_order = (generator.permutation(size) + 1).tolist()
        dtype = self.dtype.name
        if compute_dtype is not None:
            dtype = "mixed_" + tf.as_dtype(compute_dtype).name
        return AutoregressiveNetwork(
            self.transformer.num_parameters,
            event_shape=size,
            conditional=contexts > 0,
            conditional_event_shape=contexts or None,
            hidden_units=hidden_units,
            activation=activation,
            input_order=input_order,
            kernel_initializer=tf_keras.initializers.GlorotUniform(
                seed=int(generator.integers(2**31))
            ),
            output_scale=0.01,
            dtype=dtype,
        )

    @property
    def network(self):
        """The autoregressive network, as it was given."""
        return self._conditioner.network

    def _direct(self, value, context, training, transform):
        """One pass: the conditioning values are given."""
        parameters = self._conditioner(value, context, training)
        result, log_slopes = transform(value, parameters)
        return result, tf.reduce_sum(log_slopes, axis=-1)

    def _sequential(self, value, context, training, transform):
        """As many passes as dimensions: pass ``i`` gets the ``i`` first coordinates right.

        The last pass sees every coordinate that its parameters depend on, so its slopes are those
        of the result.
        """

        def step(known, _):
            parameters = self._conditioner(known, context, training)
            result, log_slopes = transform(value, parameters)
            return result, tf.reduce_sum(log_slopes, axis=-1)

        return tf.while_loop(
            lambda *_: True,
            step,
            (tf.zeros_like(value), tf.zeros_like(value[..., 0])),
            maximum_iterations=self.event_shape[0],
        )


class MaskedAutoregressive(_Autoregressive):
    """MAF: the parameters of a coordinate depend on the data of lower degree.

    The density of data costs one pass of the network; sampling costs as many as dimensions.

    Source: Papamakarios et al. 2017, arXiv:1705.07057, section 3.1.

    Args:
        event_shape: Size of the event, a vector.
        network: An autoregressive network ``[n, D]`` to ``[n, D, P]``: ours, TFP's, or any Keras
            layer or callable `tf.Module` with that property. Ours by default.
        transformer: What is applied to each coordinate; `Affine` by default.
        context_shape: Size of the context.
        hidden_units: Hidden layers of the default network.
        activation: Activation of the default network.
        input_order: Order of the default network: ``"left-to-right"``, ``"right-to-left"``,
            ``"random"``, or explicit degrees.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the default network's matrix products, ``bfloat16`` or
            ``float16`` for mixed precision.
        seed: Seed of the default network.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, or the network's output has the wrong size or is
            not autoregressive.
    """

    def _forward_and_log_det(self, x, context, training):
        return self._sequential(x, context, training, self.transformer.forward)

    def _inverse_and_log_det(self, y, context, training):
        return self._direct(y, context, training, self.transformer.inverse)


class InverseAutoregressive(_Autoregressive):
    """IAF: the parameters of a coordinate depend on the latents of lower degree.

    Sampling, with the density of the samples, costs one pass of the network; the density of given
    data costs as many as dimensions. Arguments and errors as in `MaskedAutoregressive`.

    Source: Kingma et al. 2016, arXiv:1606.04934, section 3.
    """

    def _forward_and_log_det(self, x, context, training):
        return self._direct(x, context, training, self.transformer.forward)

    def _inverse_and_log_det(self, y, context, training):
        return self._sequential(y, context, training, self.transformer.inverse)

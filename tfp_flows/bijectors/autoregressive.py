"""Masked and inverse autoregressive bijectors."""

from types import MappingProxyType

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.bijectors import passes, sweep
from tfp_flows.bijectors.base import Bijector
from tfp_flows.bijectors.vectors import context_size, vector_size
from tfp_flows.errors import unknown_name
from tfp_flows.interop import Network, check_autoregressive
from tfp_flows.networks.autoregressive import AutoregressiveNetwork
from tfp_flows.networks.initial import new_generator
from tfp_flows.numerics import INPUT_BOUND, permute
from tfp_flows.transformers import Affine, Transformer
from tfp_flows.transformers.check import check_transformer

_SOLVERS = ("auto", "incremental", "sequential", "jacobi")


class _Autoregressive(Bijector):
    """A transformer whose parameters depend on the coordinates of lower degree."""

    _EARLIER_DEFAULTS = MappingProxyType({0: {"input_bound": None}})

    def __init__(
        self,
        *,
        event_shape,
        network=None,
        transformer: Transformer | None = None,
        context_shape=None,
        hidden_units=(64, 64),
        activation="relu",
        input_order="left-to-right",
        residual=False,
        solver="auto",
        tolerance=None,
        dtype=tf.float32,
        compute_dtype=None,
        input_bound=INPUT_BOUND,
        seed=None,
        name=None,
    ):
        super().__init__(
            event_shape=event_shape, context_shape=context_shape, dtype=dtype, name=name
        )
        size, contexts = vector_size(self), context_size(self)
        self.transformer = transformer or Affine()
        check_transformer(self.transformer, self.dtype, self.name)
        given = network is not None
        network = network or self._default_network(
            size,
            contexts,
            hidden_units,
            activation,
            input_order,
            residual,
            compute_dtype,
            input_bound,
            seed,
        )
        self._conditioner = Network(
            network,
            input_shape=(size,),
            context_shape=self.context_shape,
            coordinates=(size,),
            parameters=self.transformer.num_parameters,
            dtype=self.dtype,
            owner=self.name,
        )
        if given:
            check_autoregressive(self._conditioner, size, contexts)
        if solver not in _SOLVERS:
            raise unknown_name("solver", solver, _SOLVERS)
        if tolerance is not None and not tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {tolerance!r}.")
        # Rounding to half precision differs between ways to sum, and the passes agree with the
        # other direction to the last bit.
        open_to_sweeps = (
            isinstance(network, AutoregressiveNetwork)
            and type(network).call is AutoregressiveNetwork.call
            and network.compute_dtype == network.variable_dtype == self.dtype.name
        )
        if solver == "incremental" and not open_to_sweeps:
            raise ValueError(
                f"{self.name}: the incremental solver needs a tfp_flows AutoregressiveNetwork that "
                f"computes in {self.dtype.name}, got {type(network).__name__}; choose 'sequential' "
                "or 'jacobi'."
            )
        if solver == "auto":
            solver = "incremental" if open_to_sweeps else "sequential"
        self._solver = solver
        epsilon = np.finfo(self.dtype.as_numpy_dtype).eps
        self._tolerance = float(4 * epsilon if tolerance is None else tolerance)

    def _default_network(
        self,
        size,
        contexts,
        hidden_units,
        activation,
        input_order,
        residual,
        compute_dtype,
        input_bound,
        seed,
    ):
        generator = new_generator(seed)
        if isinstance(input_order, str) and input_order == "random":
            input_order = (generator.permutation(size) + 1).tolist()
        dtype = self.dtype.name
        if compute_dtype is not None:
            dtype = "mixed_" + tf.as_dtype(compute_dtype).name
        network = AutoregressiveNetwork(
            self.transformer.num_parameters,
            event_shape=size,
            conditional=contexts > 0,
            conditional_event_shape=contexts or None,
            hidden_units=hidden_units,
            activation=activation,
            input_order=input_order,
            residual=residual,
            output_scale=0.01,
            input_bound=input_bound,
            dtype=dtype,
        )
        network.draw(generator)
        return network

    @property
    def network(self):
        """The autoregressive network, as it was given."""
        return self._conditioner.network

    def _direct(self, value, context, training, transform):
        """One pass: the conditioning values are given."""
        parameters = self._conditioner(value, context, training)
        result, log_slopes = transform(value, parameters)
        return result, tf.reduce_sum(log_slopes, axis=-1)

    def _solve(self, value, context, training, direction):
        """Finds the values whose own parameters transform ``value`` into them."""
        if self._solver == "incremental":
            return self._sweep(value, context, direction)
        transform = getattr(self.transformer, direction)

        def evaluate(known):
            return transform(value, self._conditioner(known, context, training))

        size = self.event_shape[0]
        if self._solver == "jacobi":
            result, log_slopes = passes.by_fixed_point(evaluate, value, size, self._tolerance)
        else:
            result, log_slopes = passes.one_by_one(evaluate, value, size)
        return result, tf.reduce_sum(log_slopes, axis=-1)

    def _sweep(self, value, context, direction):
        order = np.argsort(self.network.degrees[0])
        places = np.argsort(order)
        flat = shapes.flatten_batch(value)
        rows = shapes.nonempty(flat)
        if context is not None:
            context = shapes.nonempty(shapes.flatten_batch(context))
        stack = self.network.stack(context)
        result, log_det = sweep.solve(
            self.transformer, direction, permute(rows, order, places), stack
        )
        result = permute(result, places, order)
        if rows is not flat:
            result, log_det = (part[: tf.shape(flat)[0]] for part in (result, log_det))
        return (
            shapes.unflatten_batch(result, value, 1, (self.event_shape[0],)),
            shapes.unflatten_batch(log_det, value, 1, ()),
        )


class MaskedAutoregressive(_Autoregressive):
    """MAF: the parameters of a coordinate depend on the data of lower degree.

    The density of data costs one pass of the network. Sampling costs about one as well where the
    network is a `tfp_flows.networks.AutoregressiveNetwork`, and as many as dimensions elsewhere.

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
        residual: Whether hidden layers of the default network, an odd number of equal size, form
            residual blocks; see `tfp_flows.networks.AutoregressiveNetwork`.
        solver: How the slow direction is solved. ``"incremental"`` computes each hidden unit of
            our network once, when the coordinates that it sees are known; ``"sequential"``
            evaluates any network once a dimension; ``"jacobi"`` does so until nothing moves by
            more than ``tolerance``, with gradients of the implicit function. ``"auto"`` takes the
            first that the network allows; networks in half precision allow no incremental one.
        tolerance: Of ``"jacobi"``, relative to ``1 + |value|``; four units of rounding by default.
        dtype: ``float32`` or ``float64``.
        compute_dtype: Dtype of the default network's matrix products, ``bfloat16`` or
            ``float16`` for mixed precision.
        input_bound: The default network sees coordinates squashed into ``(-input_bound,
            input_bound)``, so that layers do not drive each other's outliers on; None for as they
            are.
        seed: Seed of the default network.
        name: Name for ops.

    Raises:
        ValueError: If the event is not a vector, the network's output has the wrong size or is
            not autoregressive, or the solver cannot work with the network.
    """

    def _forward_and_log_det(self, x, context, training):
        return self._solve(x, context, training, "forward")

    def _inverse_and_log_det(self, y, context, training):
        return self._direct(y, context, training, self.transformer.inverse)


class InverseAutoregressive(_Autoregressive):
    """IAF: the parameters of a coordinate depend on the latents of lower degree.

    Sampling, with the density of the samples, costs one pass of the network; the density of given
    data is the slow direction. Arguments, solvers and errors as in `MaskedAutoregressive`.

    Source: Kingma et al. 2016, arXiv:1606.04934, section 3.
    """

    def _forward_and_log_det(self, x, context, training):
        return self._direct(x, context, training, self.transformer.forward)

    def _inverse_and_log_det(self, y, context, training):
        return self._solve(y, context, training, "inverse")

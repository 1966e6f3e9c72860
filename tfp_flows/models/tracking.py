"""How a Keras object sees the variables of a flow, in Keras 3 and in tf_keras."""

import warnings

import tensorflow as tf

from tfp_flows.interop import Bridge
from tfp_flows.keras_worlds import KERAS3

_WRAPPER = "_tfp_flows_keras_variable"


class HoldsFlow:
    """Mixin of a Keras layer or model that trains, saves and loads a flow's variables.

    tf_keras finds the variables of a `tf.Module` by itself. Keras 3 does not; it gets wrappers
    that share the variables' storage.
    """

    def _hold(self, flow) -> None:
        self.flow = flow
        if KERAS3:
            self._flow_variables = [_shared(variable) for variable in flow.variables]
            # Keras passes a freeze on when it is set, which here was before.
            if not self.trainable:
                for wrapper in self._flow_variables:
                    wrapper.trainable = False
        self.built = True

    def save_own_variables(self, store) -> None:
        """Writes the flow's variables, in their fixed order."""
        for i, variable in enumerate(self.flow.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store) -> None:
        """Reads what `save_own_variables` wrote, all or nothing.

        Raises:
            ValueError: If number or shapes of the variables differ: another flow was saved.
        """
        variables = self.flow.variables
        stored = [store[str(i)][()] for i in range(len(store.keys()))]
        shapes = [tuple(value.shape) for value in stored]
        standardizer = self.flow.context_standardizer
        own = {id(v) for v in standardizer.variables} if standardizer is not None else set()
        # Weights of the time when recipes had none: the context stays as it is.
        without = bool(own) and len(stored) == len(variables) - len(own)
        if without:
            variables = [v for v in variables if id(v) not in own]
        expected = [tuple(variable.shape) for variable in variables]
        if shapes != expected:
            raise ValueError(
                f"The file holds the weights of another flow: {len(shapes)} variables where this "
                f"one has {len(expected)}, or other shapes."
            )
        for variable, value in zip(variables, stored, strict=True):
            variable.assign(value)
        if without:
            standardizer.keep_as_is()


class _Constraint(tf.keras.constraints.Constraint):
    """A function as a constraint; some versions of Keras 3 accept their own class only."""

    def __init__(self, function):
        self._function = function

    def __call__(self, value):
        return self._function(value)


def _shared(variable: tf.Variable):
    """The Keras variable of a flow's variable: one only, however many layers share the flow."""
    known = getattr(variable, _WRAPPER, None)
    if known is not None:
        return known
    wrapper = tf.keras.Variable(
        variable,
        trainable=variable.trainable,
        name=variable.name.split(":")[0].replace("/", "_"),
        dtype=variable.dtype.name,
    )
    # Keras 3 applies constraints that it finds on its own variables only.
    if variable.constraint is not None:
        wrapper.constraint = _Constraint(variable.constraint)
    setattr(variable, _WRAPPER, wrapper)
    return wrapper


class NetworkLosses:
    """The regularisation losses that Keras networks inside a flow add during one pass.

    Use as a context manager around the pass; ``losses`` holds them afterwards. Keras collects
    activity losses on each layer until somebody clears them.
    """

    def __init__(self, flow):
        networks = (m.network for m in flow.submodules if isinstance(m, Bridge))
        self._networks = [network for network in networks if hasattr(network, "losses")]
        self.losses: list[tf.Tensor] = []

    def __enter__(self):
        for network in self._networks:
            network._clear_losses()
        return self

    def __exit__(self, *error):
        self.losses = [loss for network in self._networks for loss in network.losses]
        for network in self._networks:
            network._clear_losses()


def warn_if_unadapted(flow) -> None:
    """Warns when a flow is trained before its data-dependent parts have seen data."""
    with tf.init_scope():
        waiting = flow.needs_adapt
    if waiting:
        warnings.warn(
            f"{flow.name} is trained before its standardiser or normalisation has seen data; "
            "call adapt(x) first (FlowModel.fit does).",
            stacklevel=2,
        )

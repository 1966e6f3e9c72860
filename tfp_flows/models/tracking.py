"""How a Keras object sees the variables of a flow, in Keras 3 and in tf_keras."""

import tensorflow as tf

from tfp_flows.interop import Network

KERAS3 = "tf_keras" not in tf.keras.Model.__module__


class HoldsFlow:
    """Mixin of a Keras layer or model that trains, saves and loads a flow's variables.

    tf_keras finds the variables of a `tf.Module` by itself. Keras 3 does not; it gets wrappers
    that share the variables' storage.
    """

    def _hold(self, flow) -> None:
        self.flow = flow
        if KERAS3:
            self._flow_variables = [_shared(variable) for variable in flow.variables]
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
        expected = [tuple(variable.shape) for variable in variables]
        if shapes != expected:
            raise ValueError(
                f"The file holds the weights of another flow: {len(shapes)} variables where this "
                f"one has {len(expected)}, or other shapes."
            )
        for variable, value in zip(variables, stored, strict=True):
            variable.assign(value)


def _shared(variable: tf.Variable):
    wrapper = tf.keras.Variable(
        variable,
        trainable=variable.trainable,
        name=variable.name.split(":")[0].replace("/", "_"),
        dtype=variable.dtype.name,
    )
    # Keras 3 applies constraints that it finds on its own variables only.
    wrapper.constraint = variable.constraint
    return wrapper


def network_losses(flow) -> list[tf.Tensor]:
    """The regularisation losses of the Keras networks inside a flow."""
    losses = []
    for module in flow.submodules:
        if isinstance(module, Network):
            losses.extend(getattr(module.network, "losses", ()))
    return losses

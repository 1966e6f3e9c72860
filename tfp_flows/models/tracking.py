"""How a Keras object sees the variables of a flow, in Keras 3 and in tf_keras."""

import contextlib
import contextvars
import inspect
import json
import warnings
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfp_flows import serialization
from tfp_flows.config import construct, record_constructor
from tfp_flows.interop import Bridge
from tfp_flows.keras_worlds import KERAS3

_PACKAGE = __name__.split(".")[0] + "."
_WRAPPER = "_tfp_flows_keras_variable"


# The class that is being loaded and the flow of its file, where the constructor makes another one.
_loading: contextvars.ContextVar[tuple] = contextvars.ContextVar("loading", default=(None, None))


@contextlib.contextmanager
def held(cls: type, flow) -> Iterator[None]:
    """Objects of a class that are made inside hold this flow, whatever they build themselves."""
    token = _loading.set((cls, flow))
    try:
        yield
    finally:
        _loading.reset(token)


class HoldsFlow:
    """Mixin of a Keras layer or model that trains, saves and loads a flow's variables.

    tf_keras finds the variables of a `tf.Module` by itself. Keras 3 does not; it gets wrappers
    that share the variables' storage.

    The arguments of a subclass's constructor are recorded and saved, unless it overrides
    ``get_config`` and says itself what is.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        record_constructor(cls)

    def _hold(self, flow) -> None:
        loading, flow_of_file = _loading.get()
        self.flow = flow_of_file if loading is type(self) else flow
        if KERAS3:
            self._flow_variables = [_shared(variable) for variable in self.flow.variables]
            # Keras passes a freeze on when it is set, which here was before.
            if not self.trainable:
                for wrapper in self._flow_variables:
                    wrapper.trainable = False
            _name_apart(self._flow_variables, "path", "_path")
        else:
            _name_apart(self.flow.variables, "name", "_handle_name")
        self.built = True

    def _flow_config(self, **own) -> dict:
        """What rebuilds the object: the flow, what Keras asks for, a subclass's own arguments."""
        cls = type(self)
        ours = next(base for base in cls.__mro__ if base.__module__.startswith(_PACKAGE))
        records = cls.__init__ is not ours.__init__ and cls.get_config is ours.get_config
        arguments = dict(self.__dict__["_config"]) if records else {}
        flow, arguments = serialization.encode([self.flow, arguments])
        config = {"flow": json.dumps(flow), **own}
        return {**config, "arguments": json.dumps(arguments)} if records else config

    @classmethod
    def _from_flow_config(cls, config: dict):
        """Builds what `_flow_config` wrote, with the flow that was written."""
        own = dict(config)
        written, recorded = json.loads(own.pop("flow")), own.pop("arguments", None)
        trainable = own.pop("trainable", True)
        flow, arguments = serialization.decode([written, json.loads(recorded or "null")])
        if recorded is None:
            arguments = {"flow": flow, **own}
        elif "name" in own:
            arguments["name"] = own["name"]
        parameters = inspect.signature(cls.__init__).parameters
        if inspect.Parameter.VAR_KEYWORD not in [each.kind for each in parameters.values()]:
            arguments = {name: item for name, item in arguments.items() if name in parameters}
        result = construct(cls, arguments)
        if result.flow is not flow and serialization.encode(result.flow) != written:
            # Its constructor drew another one.
            with held(cls, flow):
                result = construct(cls, arguments)
        if result.trainable != trainable:
            result.trainable = trainable
        return result

    def __reduce__(self):
        if KERAS3 or isinstance(self, tf.keras.Model):
            return _with_class, (type(self), *super().__reduce__())
        weights = [variable.numpy() for variable in (*self.flow.variables, *self._own_variables())]
        return _unpickled_layer, (type(self), self.get_config(), weights)

    def __deepcopy__(self, memo):
        function, arguments = self.__reduce__()
        result = memo[id(self)] = function(*arguments)
        return result

    def __copy__(self):
        return self.__deepcopy__({})

    def _own_variables(self) -> list:
        """Variables that a subclass made itself, beside those of the flow and of sublayers."""
        kinds = ("trainable", "non_trainable")
        of_keras = "variables" if KERAS3 else "weights"
        mine = [each for kind in kinds for each in getattr(self, f"_{kind}_{of_keras}")]
        known = {id(variable) for variable in self.flow.variables}
        return [each for each in mine if id(each.value if KERAS3 else each) not in known]

    def save_own_variables(self, store) -> None:
        """Writes the flow's variables, in their fixed order, and those of a subclass."""
        _mend_optimizer(self)
        save_variables(self.flow.variables, store)
        save_variables(self._own_variables(), store, "own_")

    def load_own_variables(self, store) -> None:
        """Reads what `save_own_variables` wrote, all or nothing.

        Raises:
            ValueError: If number or shapes of the variables differ: another flow was saved.
        """
        _mend_optimizer(self)
        names = store.keys()
        stored = {name: _loaded(store[name]) for name in names}
        variables, more = self.flow.variables, self._own_variables()
        standardizer = self.flow.context_standardizer
        own = {id(v) for v in standardizer.variables} if standardizer is not None else set()
        # Weights of the time when recipes had none: the context stays as it is.
        without = bool(own) and len(stored) == len(variables) - len(own) + len(more)
        if without:
            variables = [v for v in variables if id(v) not in own]
        expected = {str(i): variable for i, variable in enumerate(variables)}
        expected |= {f"own_{i}": variable for i, variable in enumerate(more)}
        if {name: tuple(value.shape) for name, value in stored.items()} != {
            name: tuple(variable.shape) for name, variable in expected.items()
        }:
            raise ValueError(
                f"The file holds the weights of another flow: {len(stored)} variables where this "
                f"one has {len(expected)}, or other shapes."
            )
        for name, variable in expected.items():
            variable.assign(stored[name])
        if without:
            standardizer.keep_as_is()


def _with_class(cls, function, arguments):
    """Rebuilds a pickled object of Keras whose class Keras need not know."""
    with tf.keras.utils.custom_object_scope({cls.__name__: cls}):
        return function(*arguments)


def _unpickled_layer(cls, config, weights):
    layer = cls.from_config(config)
    for variable, value in zip(
        (*layer.flow.variables, *layer._own_variables()), weights, strict=True
    ):
        variable.assign(value)
    return layer


def save_variables(variables, store, prefix: str = "") -> None:
    """Writes variables under their numbers; ``bfloat16``, which HDF5 lacks, as ``float32``."""
    for i, variable in enumerate(variables):
        value = variable.numpy()
        if tf.as_dtype(variable.dtype) == tf.bfloat16:
            value = value.astype(np.float32)
        store[f"{prefix}{i}"] = value


def _mend_optimizer(model) -> None:
    """Makes an optimizer of tf_keras write numbers that it can read.

    Its own methods write bfloat16 as bytes without a meaning. They are called after the model's.
    """
    optimizer = getattr(model, "optimizer", None)
    if KERAS3 or not any(v.dtype == tf.bfloat16 for v in getattr(optimizer, "variables", ())):
        return
    load = type(optimizer).load_own_variables
    optimizer.save_own_variables = lambda store: save_variables(optimizer.variables, store)
    optimizer.load_own_variables = lambda store: load(
        optimizer, {name: _loaded(store[name]) for name in store}
    )


def _loaded(stored) -> np.ndarray:
    value = np.asarray(stored[()])
    # Some versions wrote bfloat16 as it is, which HDF5 reads as bytes without a meaning.
    return value.view(tf.bfloat16.as_numpy_dtype) if value.dtype.kind == "V" else value


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


def _name_apart(variables, name: str, field: str) -> None:
    """Numbers names that several have, which files of the ending ``.h5`` and others of Keras use.

    Args:
        variables: Those of one layer.
        name: The attribute that Keras reads.
        field: The one behind it.
    """
    taken = set()
    for i, variable in enumerate(variables):
        word, colon, output = getattr(variable, name).partition(":")
        if word in taken:
            word = f"{word}_of_{i}"
            setattr(variable, field, word + colon + output)
        taken.add(word)


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

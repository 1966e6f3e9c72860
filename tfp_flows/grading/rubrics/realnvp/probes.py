"""Looks at a submission from inside its process. Holds no answers: it only reports.

Each probe takes the loaded submission, settings and arrays, and returns words, numbers and
values (`submission.returned`).
"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors
_BLOCK, _NETWORK = "block", "network"


class Network:
    """A function with weights of the grader's: shift and log-scale of each pixel.

    Both are linear in a pixel and its neighbours to the left and above, the log-scale through
    tanh. The weights serve any number of channels up to their own size.
    """

    def __init__(self, kernels, log=None, number=0):
        self._kernels = [tf.constant(kernel) for kernel in kernels]
        self._log, self.number = log, number

    def __call__(self, inputs, *_, **__):
        """Shift and log-scale, whatever else it is called with."""
        if self._log is not None:
            self._log.append(self.number)
        inputs = tf.convert_to_tensor(inputs)
        n = inputs.shape[-1]
        near = tf.roll(inputs, 1, axis=-2) + tf.roll(inputs, 1, axis=-3)
        shift, log_scale = (
            tf.einsum("...i,ij->...j", inputs, here[:n, :n])
            + tf.einsum("...i,ij->...j", near, beside[:n, :n])
            + offset[:n]
            for here, beside, offset in (self._kernels[:3], self._kernels[3:])
        )
        return shift, tf.tanh(log_scale)


class Squeeze(tfb.Bijector):
    """Moves each 2x2 square of pixels to the channels; provided by the assignment."""

    def __init__(self, name="Squeeze"):
        super().__init__(forward_min_event_ndims=3, is_constant_jacobian=True, name=name)

    def _forward(self, x):
        return tf.nn.space_to_depth(x, 2)

    def _inverse(self, y):
        return tf.nn.depth_to_space(y, 2)

    def _forward_log_det_jacobian(self, x):
        return tf.zeros([], x.dtype)

    def _forward_event_shape_tensor(self, shape):
        return tf.stack([shape[-3] // 2, shape[-2] // 2, 4 * shape[-1]])

    def _inverse_event_shape_tensor(self, shape):
        return tf.stack([2 * shape[-3], 2 * shape[-2], shape[-1] // 4])


def coupling(submission, settings, arrays):
    """Calls one of the four coupling functions: arrays are its input, the mask, the kernels."""
    x, b, *kernels = arrays
    x, b = tf.constant(x), tf.constant(b)
    value = submission.names[settings["name"]](x, b, Network(kernels))
    return {"value": submission.returned(value), "inputs": submission.returned([x, b])}


def coupling_layer(submission, settings, arrays):
    """Builds a coupling layer, with a name and the rest, and reads its attributes."""
    function = Network(arrays)
    layer = submission.names[settings["name"]](
        function, settings["mask_type"], settings["orientation"], name=settings["label"]
    )
    submission.kept["layer"] = layer
    is_bijector = isinstance(layer, tfb.Bijector)
    return {
        "is_bijector": is_bijector,
        "event_ndims": getattr(layer, "forward_min_event_ndims", None) if is_bijector else None,
        "label": getattr(layer, "name", None) if is_bijector else None,
        "function": getattr(layer, "shift_and_log_scale_fn", None) is function,
        "mask_type": getattr(layer, "mask_type", None),
        "orientation": getattr(layer, "orientation", None),
    }


def layer_mask(submission, settings, arrays):
    """The mask that the last built coupling layer has for a shape."""
    layer = submission.kept["layer"]
    if not hasattr(layer, "_get_mask"):
        return {"missing": True}
    return {"mask": submission.returned(layer._get_mask(tf.TensorShape(settings["shape"])))}


def preprocess(submission, settings, arrays):
    """Value, log-det and inverse of the preprocessing bijector."""
    bijector = submission.names[settings["name"]](settings["alpha"])
    if not isinstance(bijector, tfb.Bijector):
        return {"other": submission.returned(bijector)}
    forward, back = (tf.constant(array) for array in arrays)
    return {
        "value": submission.returned(bijector.forward(tf.identity(forward))),
        "log_det": submission.returned(
            bijector.forward_log_det_jacobian(tf.identity(forward), event_ndims=3)
        ),
        "inverse": submission.returned(bijector.inverse(tf.identity(back))),
    }


def build_block(submission, settings, arrays):
    """Builds a block, runs it once, and tells its members in the order in which they apply."""
    log = []
    kernels = [arrays[6 * i : 6 * i + 6] for i in range(6)]
    networks = [Network(kernel, log, number) for number, kernel in enumerate(kernels)]
    squeeze = Squeeze()
    block = submission.names[settings["name"]](list(networks), squeeze)
    if not isinstance(block, tfb.Bijector):
        return {"other": submission.returned(block)}
    value = block.forward(tf.constant(arrays[36]))
    submission.kept[_BLOCK] = block
    members = _members(block)
    normalisations = [m for m in members if isinstance(m, tfb.BatchNormalization)]
    submission.kept["normalisations"] = normalisations
    return {
        "members": [_describe(member, squeeze, networks) for member in members],
        "is_chain": bool(getattr(block, "bijectors", None)),
        "calls": list(log),
        "channels": [int(m.batchnorm.gamma.shape[-1]) for m in normalisations],
        "value": submission.returned(value),
    }


def run_block(submission, settings, arrays):
    """Sets the variables of the normalisations, and maps forth and back."""
    block, start = submission.kept[_BLOCK], 2
    for member in submission.kept["normalisations"]:
        layer = member.batchnorm
        variables = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        for variable, value in zip(variables, arrays[start : start + 4], strict=True):
            variable.assign(value)
        start += 4
    result = {"value": submission.returned(block.forward(tf.constant(arrays[0])))}
    if settings["backward"]:
        result["inverse"] = submission.returned(block.inverse(tf.constant(arrays[1])))
    return result


def _members(bijector):
    """The bijectors of a chain, and of chains in it, in the order in which forward applies them."""
    parts = getattr(bijector, "bijectors", None)
    if not parts:
        return [bijector]
    return [member for part in reversed(list(parts)) for member in _members(part)]


def _describe(member, squeeze, networks):
    if member is squeeze:
        return {"what": "squeeze"}
    if isinstance(member, tfb.BatchNormalization):
        return {"what": "normalisation"}
    function = getattr(member, "shift_and_log_scale_fn", None)
    if function is None:
        return {"what": "other", "class": type(member).__name__}
    number = next((i for i, network in enumerate(networks) if network is function), -1)
    mask_type, orientation = getattr(member, "mask_type", ""), getattr(member, "orientation", -1)
    return {
        "what": "coupling",
        "mask": mask_type if isinstance(mask_type, str) else "",
        "orientation": int(orientation),
        "function": number,
    }


def build_network(submission, settings, arrays):
    """Builds the network and tells what is in it."""
    model = submission.names[settings["name"]](tuple(settings["shape"]), settings["filters"])
    if not isinstance(model, tf.keras.Model):
        return {"other": submission.returned(model)}
    submission.kept[_NETWORK] = model
    outputs = model.outputs if getattr(model, "outputs", None) else []
    layers = list(_leaves(model))
    variables = [(number, v) for number, layer in enumerate(layers) for v in layer.weights]
    submission.kept["variables"] = [variable for _, variable in variables]
    return {
        "functional": bool(outputs),
        "outputs": [[-1 if d is None else int(d) for d in output.shape] for output in outputs],
        "trainable": sum(int(np.prod(v.shape)) for v in model.trainable_weights),
        "others": sum(int(np.prod(v.shape)) for v in model.non_trainable_weights),
        "layers": [_layer(layer) for layer in layers],
        "variables": [
            {"layer": number, "role": _role(v), "shape": [int(d) for d in v.shape]}
            for number, v in variables
        ],
    }


def run_network(submission, settings, arrays):
    """Sets all variables, and calls the network as in use, as in training, and for its losses."""
    model, variables = submission.kept[_NETWORK], submission.kept["variables"]
    x = tf.constant(arrays[0])
    _assign(variables, arrays[1:])
    losses = [tf.convert_to_tensor(loss) for loss in model.losses]
    value = model(x, training=False)
    training = model(tf.identity(x), training=True)
    return {
        "value": submission.returned(value),
        "training": submission.returned(training),
        "losses": submission.returned(tf.stack(losses) if losses else np.zeros(0, np.float32)),
        "inputs": submission.returned([x]),
    }


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _leaves(layer):
    """Layers without layers in them, in the order of the model."""
    parts = list(layer._flatten_layers(recursive=False, include_self=False))
    if not parts:
        yield layer
    for part in parts:
        yield from _leaves(part)


def _role(variable):
    return str(getattr(variable, "path", variable.name)).split("/")[-1].partition(":")[0]


def _layer(layer):
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    padding, strides = getattr(layer, "padding", ""), getattr(layer, "strides", None)
    size = getattr(layer, "kernel_size", None)
    return {
        "class": type(layer).__name__,
        "activation": activation if isinstance(activation, str) else "",
        "padding": padding if isinstance(padding, str) else "",
        "size": [int(n) for n in size] if isinstance(size, tuple | list) else [],
        "strides": [int(n) for n in strides] if isinstance(strides, tuple | list) else [],
        "regularised": getattr(layer, "kernel_regularizer", None) is not None,
    }

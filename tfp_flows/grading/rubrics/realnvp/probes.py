"""Looks at a submission from inside its process. Holds no answers: it only reports.

Each probe takes the loaded submission, settings and arrays, and returns words, numbers and
values (`submission.returned`).
"""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb, tfd = tfp.bijectors, tfp.distributions
_BLOCK, _NETWORK = "block", "network"


class Network:
    """A function with weights of the grader's: shift and log-scale of each pixel.

    Both are linear in a pixel and its neighbours to the left and above, the log-scale through
    tanh. The weights serve any number of channels up to their own size. Sums of products take the
    place of matrix products, whose first one in a process is slow.
    """

    def __init__(self, kernels):
        self._kernels = [tf.convert_to_tensor(kernel) for kernel in kernels]

    def __call__(self, inputs, *_, **__):
        """Shift and log-scale, whatever else it is called with."""
        inputs = tf.convert_to_tensor(inputs)
        n = inputs.shape[-1]
        kernels = self._kernels
        if n != kernels[0].shape[-1]:
            kernels = [k[:n, :n] if k.shape.rank == 2 else k[:n] for k in kernels]
        near = tf.roll(inputs, 1, axis=-2) + tf.roll(inputs, 1, axis=-3)
        shift, log_scale = (
            _product(inputs, here) + _product(near, beside) + offset
            for here, beside, offset in (kernels[:3], kernels[3:])
        )
        return shift, tf.tanh(log_scale)


def _product(inputs, kernel):
    return tf.reduce_sum(inputs[..., None] * kernel, axis=-2)


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
    """Calls one of the four coupling functions: its input, the mask, a cotangent, the kernels."""
    given = [array.copy() for array in arrays[:2]]
    x, b, cotangent, *kernels = (tf.constant(array) for array in arrays)
    with tf.GradientTape() as tape:
        tape.watch([x, *kernels])
        value = submission.names[settings["name"]](x, b, Network(kernels))
    return {
        "value": submission.returned(value),
        "inputs": submission.returned(_taken_back([x, b], given)),
        "gradients": _gradients(submission, tape, value, [cotangent], [x, *kernels])
        if settings["derived"]
        else [],
    }


def coupling_layer(submission, settings, arrays):
    """Builds a coupling layer, with a name and the rest, and reads its attributes."""
    x, *kernels = (tf.constant(array) for array in arrays)
    function = Network(kernels)
    layer = submission.names[settings["name"]](
        function, settings["mask_type"], settings["orientation"], name=settings["label"]
    )
    submission.kept["layer"] = layer, kernels
    is_bijector = isinstance(layer, tfb.Bijector)
    kept = getattr(layer, "shift_and_log_scale_fn", None)
    return {
        "is_bijector": is_bijector,
        "event_ndims": getattr(layer, "forward_min_event_ndims", None) if is_bijector else None,
        "label": getattr(layer, "name", None) if is_bijector else None,
        "function": submission.returned(kept(x) if callable(kept) else None),
        "mask_type": getattr(layer, "mask_type", None),
        "orientation": getattr(layer, "orientation", None),
    }


def layer_methods(submission, settings, arrays):
    """Values and gradients of the four methods of the last built layer, and TFP's own sums."""
    layer, kernels = submission.kept["layer"]
    x, y, image, number = (tf.constant(array) for array in arrays)
    calls = (
        ("forward", x, image, {}),
        ("inverse", y, image, {}),
        ("forward_log_det_jacobian", x, number, {"event_ndims": 3}),
        ("inverse_log_det_jacobian", y, number, {"event_ndims": 3}),
    )
    methods = [_method(submission, layer, kernels, settings["derived"], *call) for call in calls]
    sums = {"log_det": methods[2].get("value", submission.returned(None))}
    for key, event_ndims in (("log_det_of_images", 3), ("log_det_at_once", 4)):
        try:
            value = tfb.Bijector.forward_log_det_jacobian(layer, tf.identity(x), event_ndims)
        except Exception:
            value = None
        sums[key] = submission.returned(value)
    return {"methods": methods, **sums}


def _method(submission, layer, kernels, derived, name, argument, cotangent, more):
    """What a method gives, or TFP derives from another one."""
    sources = [argument, *kernels]
    own, public = getattr(layer, f"_{name}", None), getattr(tfb.Bijector, name)
    try:
        with tf.GradientTape() as tape:
            tape.watch(sources)
            try:
                value = own(tf.identity(argument)) if own else None
            except NotImplementedError:
                value = None
            if value is None:
                value = public(layer, tf.identity(argument), **more)
    except NotImplementedError:
        return {"missing": True}
    except Exception:
        return {"error": True}
    return {
        "value": submission.returned(value),
        "gradients": _gradients(submission, tape, value, [cotangent], sources) if derived else [],
    }


def layer_mask(submission, settings, arrays):
    """The mask that the last built coupling layer has for a shape."""
    layer, _ = submission.kept["layer"]
    if not hasattr(layer, "_get_mask"):
        return {"missing": True}
    return {"mask": submission.returned(layer._get_mask(tf.TensorShape(settings["shape"])))}


def preprocess(submission, settings, arrays):
    """Value, log-det and inverse of the preprocessing bijector."""
    bijector = submission.names[settings["name"]](settings["alpha"])
    if not isinstance(bijector, tfb.Bijector):
        return {"other": submission.returned(bijector)}
    x, y, *cotangents = (tf.constant(array) for array in arrays)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = bijector.forward(tf.identity(x))
        log_det = bijector.forward_log_det_jacobian(tf.identity(x), event_ndims=3)
    with tf.GradientTape() as back:
        back.watch(y)
        inverse = bijector.inverse(tf.identity(y))
    return {
        "value": submission.returned(value),
        "log_det": submission.returned(log_det),
        "inverse": submission.returned(inverse),
        "gradients": _gradients(submission, tape, [value, log_det], cotangents, [x]),
        "gradients_back": _gradients(submission, back, inverse, cotangents, [y]),
    }


def build_block(submission, settings, arrays):
    """Builds a block, runs it once, and tells its members in the order in which they apply."""
    kernels = [[tf.constant(a) for a in arrays[6 * i : 6 * i + 6]] for i in range(6)]
    networks = [Network(kernel) for kernel in kernels]
    squeeze = Squeeze()
    block = submission.names[settings["name"]](list(networks), squeeze)
    if not isinstance(block, tfb.Bijector):
        return {"other": submission.returned(block)}
    block.forward(tf.constant(arrays[36]))
    members = _members(block)
    normalisations = [m.batchnorm for m in members if isinstance(m, tfb.BatchNormalization)]
    flat = [kernel for group in kernels for kernel in group]
    submission.kept[_BLOCK] = block, flat, normalisations
    return {
        "members": [_describe(member, squeeze, networks) for member in members],
        "is_chain": bool(getattr(block, "bijectors", None)),
        "channels": [int(layer.gamma.shape[-1]) for layer in normalisations],
    }


def run_block(submission, settings, arrays):
    """Sets the variables of the normalisations, and maps forth and back."""
    block, kernels, normalisations = submission.kept[_BLOCK]
    x, y, *cotangents = (tf.constant(array) for array in arrays[:4])
    for number, layer in enumerate(normalisations):
        variables = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
        for variable, value in zip(variables, arrays[4 + 4 * number :], strict=False):
            variable.assign(value)
    sources = [x, *kernels, *(v for layer in normalisations for v in (layer.gamma, layer.beta))]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        image = tf.identity(x)
        value = block.forward(image)
        log_det = block.forward_log_det_jacobian(image, event_ndims=3)
    result = {
        "value": submission.returned(value),
        "log_det": submission.returned(log_det),
        "gradients": _gradients(submission, tape, [value, log_det], cotangents, sources),
    }
    y = tf.reshape(y, value.shape) if tf.size(y) == tf.size(value) else y
    try:  # both change the statistics, and not every wrong block has an inverse
        inverse_log_det = block.inverse_log_det_jacobian(y, event_ndims=3)
        result["inverse_log_det"] = submission.returned(inverse_log_det)
        result["inverse"] = submission.returned(block.inverse(y))
    except Exception:
        pass
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
    try:
        again = tf.keras.Model(model.inputs, model.outputs)
    except Exception:  # no functional model
        again = None
    variables = [(number, v) for number, layer in enumerate(_leaves(model)) for v in layer.weights]
    submission.kept[_NETWORK] = model, again, [variable for _, variable in variables]
    return {
        "trainable": sum(int(np.prod(v.shape)) for v in (again or model).trainable_weights),
        "variables": [
            {"layer": number, "role": _role(v), "shape": [int(d) for d in v.shape]}
            for number, v in variables
        ],
    }


def run_network(submission, settings, arrays):
    """Sets all variables, and calls the network as in use, as in training, and for its losses."""
    model, again, variables = submission.kept[_NETWORK]
    given = [arrays[0].copy()]
    x, *cotangents = (tf.constant(array) for array in arrays[:3])
    for variable, value in zip(variables, arrays[3:], strict=True):
        variable.assign(value)
    losses = [tf.convert_to_tensor(loss) for loss in model.losses]
    sources = [x, *map(_storage, variables)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        value = model(x, training=False)
    result = {
        "value": submission.returned(value),
        "again": submission.returned(None if again is None else again(x, training=False)),
        "losses": submission.returned(tf.stack(losses) if losses else np.zeros(0, np.float32)),
        "inputs": submission.returned(_taken_back([x], given)),
        "gradients": _gradients(submission, tape, value, cotangents, sources),
    }
    with tf.GradientTape() as tape:
        tape.watch(sources)
        training = model(tf.identity(x), training=True)
    return {
        **result,
        "training": submission.returned(training),
        "training_gradients": _gradients(submission, tape, training, cotangents, sources),
    }


def _storage(variable):
    """The variable of TensorFlow behind one of Keras."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def _gradients(submission, tape, values, cotangents, sources):
    """Gradients by all sources of the sum of values times cotangents.

    Zeros where there are none; nothing where none can be had.
    """
    try:
        values = values if isinstance(values, list | tuple) else [values]
        pairs = list(zip(values, cotangents, strict=False))
        found = tape.gradient(
            [value for value, _ in pairs],
            sources,
            output_gradients=[_weight(*pair) for pair in pairs],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
    except Exception:  # nothing to derive, or an operation that has no gradient
        return []
    return [{"value": submission.returned(tf.convert_to_tensor(value))} for value in found]


def _taken_back(inputs, given):
    """What inputs hold; after that they hold what was given, because gradients read them."""
    now = [np.array(tensor) for tensor in inputs]
    for tensor, before, after in zip(inputs, given, now, strict=True):
        if not np.array_equal(before, after):
            tensor._numpy()[...] = before
    return now


def _weight(value, cotangent):
    """A cotangent for a value of the same entries, of one number, or of more for each image."""
    weight = np.asarray(cotangent)
    shape = tuple(value.shape)
    size = int(np.prod(shape))
    if not shape:
        weight = weight.sum()
    elif size == weight.size:
        weight = weight.reshape(shape)
    elif weight.ndim == 1 and size % weight.size == 0:
        weight = np.repeat(weight, size // weight.size).reshape(shape)
    else:
        raise ValueError("another number of entries")
    return tf.constant(weight.astype(value.dtype.as_numpy_dtype))


def _leaves(layer):
    """Layers without layers in them, in the order of the model."""
    parts = list(layer._flatten_layers(recursive=False, include_self=False))
    if not parts:
        yield layer
    for part in parts:
        yield from _leaves(part)


def _role(variable):
    return str(getattr(variable, "path", variable.name)).split("/")[-1].partition(":")[0]


def whole(submission, settings, arrays):
    """Puts all pieces of a submission together, with small networks, and looks at what comes out.

    The model is the submission's own if it has one that can be built; else the block stands for
    it. One network serves all layers of its number of channels.
    """
    names, networks = submission.names, {}
    build = names["get_conv_resnet"]

    def small(input_shape, filters=4):
        channels = input_shape[-1]
        if channels not in networks:
            networks[channels] = build((None, None, channels), 2)
        return networks[channels]

    small_image, image, y = (tf.constant(array) for array in arrays)
    names["get_conv_resnet"] = small
    functions = [small((32, 32, 3))] * 3 + [small((16, 16, 12))] * 3
    block = names["realnvp_block"](functions, names.get("Squeeze", Squeeze)())
    preprocess = names["get_preprocess_bijector"](0.05)
    flow = _Flow(tfb.Invert(tfb.Chain([block, preprocess])))
    result, model = {}, None
    if settings["model"]:
        try:
            model = names["RealNVPModel"]()
            law = model(image)
            own = _Flow(law.bijector)
            point = tf.fill(tf.shape(y), 0.5)
            result["RealNVPModel"] = submission.returned(law.distribution.log_prob(point))
            late = [
                names["AffineCouplingLayer"](small((16, 16, 6)), "checkerboard", i % 2)
                for i in range(4)
            ]
            early, rest = tf.split(flow.forward(small_image), 2, axis=-1)
            due = tf.concat([early, tfb.Chain(late[::-1]).forward(rest)], axis=-1)
            result["RealNVPMultiScale"] = submission.returned(due)
            flow = own
        except Exception:
            result["RealNVPModel"], model = submission.returned(None), None
    result |= _provided(submission, image, y)
    nll = names.get("nll") if model is not None else None
    try:
        found, tape, loss = _jacobian(submission, flow, small_image, nll or _nll)
    except NotImplementedError:
        if model is None:  # without a model nothing needs log-dets
            return result
        raise
    result |= found
    parts = (*networks.values(), flow.back)
    variables = {
        id(_storage(v)): _storage(v)
        for part in parts
        for v in getattr(part, "trainable_weights", getattr(part, "trainable_variables", ()))
    }
    gradients = tape.gradient(loss, list(variables.values()))
    sizes = [0.0 if g is None else tf.reduce_sum(abs(tf.convert_to_tensor(g))) for g in gradients]
    return {
        **result,
        "sizes": submission.returned(tf.stack(sizes)),
        "loss": submission.returned(loss),
    }


class _Flow:
    """From images to latents, as the inverse of a bijector."""

    def __init__(self, back):
        self.back = back

    def forward(self, x):
        return self.back.inverse(x)

    def log_det(self, x):
        return self.back.inverse_log_det_jacobian(x, event_ndims=3)


def _nll(y_true, y_pred):
    return -y_pred.log_prob(y_true)


def _jacobian(submission, flow, image, nll):
    """The latent of an image, the Jacobian there and the log-det; and the loss with its tape."""
    size = int(tf.size(image))
    x = tf.tile(image, [size, 1, 1, 1])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.forward(x)
        total = tf.reduce_sum(tf.linalg.diag_part(tf.reshape(z, [size, size])))
        log_det = flow.log_det(x)
        loss = nll(x, tfd.TransformedDistribution(_normal(z), flow.back))
    jacobian = tape.gradient(total, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    found = {
        "latent": submission.returned(z[:1]),
        "jacobian": submission.returned(tf.reshape(jacobian, [size, size])),
        "log_det": submission.returned(log_det[:1]),
    }
    return found, tape, loss


def _normal(images):
    """The standard normal of images of a size."""
    return tfd.Independent(tfd.Normal(tf.zeros(images.shape[1:]), 1.0), reinterpreted_batch_ndims=3)


def _provided(submission, x, y):
    """What provided functions give, those that there are."""
    names = submission.names

    def squeezed():
        squeeze = names["Squeeze"]()
        log_det = squeeze.forward_log_det_jacobian(tf.identity(x), event_ndims=3)
        return [squeeze.forward(tf.identity(x)), squeeze.inverse(tf.identity(y)), log_det]

    calls = {
        "checkerboard_binary_mask": lambda: [
            names["checkerboard_binary_mask"]((4, 6), orientation) for orientation in (0, 1)
        ],
        "Squeeze": squeezed,
        "nll": lambda: [names["nll"](x, _normal(x))],
    }
    found = {}
    for name, call in calls.items():
        if name in names:
            try:
                found[name] = submission.returned(call())
            except Exception:
                found[name] = submission.returned(None)
    return found

"""What a joint distribution says of its parts once some of them are observed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.vi.parts import Parts
from tfp_flows.vi.supports import support

tfd, tfb = tfp.distributions, tfp.bijectors

Pinned = tfp.experimental.distributions.JointDistributionPinned
# Draws at which supports are compared, and by how much they may differ.
_PLACES, _CLOSE = 2, 1e-4


class _Joint(Parts):
    """Parts whose supports depend on each other: the joint distribution maps them together."""

    def __init__(self, pinned: Pinned, *, parts, layout):
        super().__init__(parts=parts, layout=layout, bijectors=[None] * len(parts))
        self._together = pinned.experimental_default_event_space_bijector()

    def get_config(self):
        """Raises, as the supports are those of the model's code."""
        raise InputError(
            "The support of one part depends on another one's value, which is known to the model "
            "alone, so that the posterior cannot be saved; save draws of it."
        )

    def _through(self, values, forward: bool):
        structure = self.structured(values)
        ranks = self.structured([len(p.flat_shape if forward else p.shape) for p in self.parts])
        if forward:
            result = self._together.forward(structure)
            log_det = self._together.forward_log_det_jacobian(structure, ranks)
        else:
            result = self._together.inverse(structure)
            log_det = self._together.inverse_log_det_jacobian(structure, ranks)
        return self.leaves(result), tf.cast(log_det, self.dtype)


def pinned_by(joint, observed: Mapping[str, Any] | None) -> Pinned:
    """A joint distribution with some parts fixed.

    Args:
        joint: A `tfd.JointDistribution`, or one that is pinned already.
        observed: Values by name.

    Raises:
        InputError: If names are unknown, shapes do not fit, or nothing is left.
    """
    if isinstance(joint, Pinned):
        if observed:
            raise InputError("The model is pinned already; give observed to one of the two alone.")
        return joint
    _check_sizes(joint)
    batches = [tuple(shape) for shape in tf.nest.flatten(joint.batch_shape)]
    if any(batches):
        raise InputError(
            f"The model has batch shapes {batches}, so its log-density is several numbers a "
            "draw; put tfd.Independent or tfd.Sample around its parts, or build it with "
            "tfd.JointDistributionCoroutineAutoBatched."
        )
    names, shapes = _named(joint.event_shape, joint)
    dtypes = dict(zip(names, tf.nest.flatten(joint.dtype), strict=True))
    shapes = dict(zip(names, shapes, strict=True))
    values = {}
    for name, value in (observed or {}).items():
        if name not in shapes:
            raise unknown_name("observed part", name, names)
        values[name] = _observed(name, value, dtypes[name], shapes[name])
    if not values:
        raise InputError(
            f"There are no observations; give values of some of the parts {', '.join(names)}, as "
            f"observed={{{names[-1]!r}: ...}}."
        )
    if len(values) == len(names):
        raise InputError("All parts of the model are observed; there is nothing left to infer.")
    return joint.experimental_pin(**values)


def _check_sizes(joint) -> None:
    """Raises an `InputError` if shapes are not known before the model is drawn from."""
    try:
        known = all(shape.is_fully_defined() for shape in tf.nest.flatten(joint.event_shape))
        tf.nest.flatten(joint.batch_shape)
    except ValueError as error:
        if "unknown value as shape" not in str(error):
            raise
        known = False
    if not known:
        raise InputError(
            "The model has parts whose size is known only once it is drawn from, as where one part "
            "says how long another is, and a flow has one number of coordinates; give parts their "
            "largest size, and leave what is unused out of the likelihood."
        )


def _observed(name, value, dtype, shape):
    try:
        array = np.asarray(value)
    except ValueError:  # rows of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        raise InputError(f"The observed {name!r} is no array of numbers; got {value!r:.80}.")
    if not np.isfinite(array).all():
        raise InputError(f"The observed {name!r} holds NaN or infinity.")
    tensor = tf.cast(tf.convert_to_tensor(array), dtype)
    if not shape.is_compatible_with(tensor.shape):
        raise InputError(
            f"The observed {name!r} has shape {tuple(tensor.shape)}, the model makes events of "
            f"{tuple(shape.as_list())}; give one event, and put tfd.Sample around a part that is "
            "seen several times."
        )
    return tensor


def _named(structure, joint) -> tuple[list[str], list[Any]]:
    """Names of the leaves of a structure like the model's, nested ones joined by dots."""
    return tf.nest.flatten(layout_of(structure, joint)), tf.nest.flatten(structure)


def layout_of(structure, joint) -> Any:
    """The structure with its leaves' names in their place."""
    names = iter(joint._flat_resolve_names())

    def walk(item, path):
        if isinstance(item, dict):
            return {key: walk(value, [*path, str(key)]) for key, value in item.items()}
        if hasattr(item, "_fields"):
            return item._replace(
                **{key: walk(getattr(item, key), [*path, key]) for key in item._fields}
            )
        if isinstance(item, list | tuple):
            own = iter(names) if not path else map(str, range(len(item)))
            return type(item)(walk(value, [*path, next(own)]) for value in item)
        return ".".join(path)

    return walk(structure, [])


def parts_of(pinned: Pinned) -> Parts:
    """The parts that are not observed, with their supports.

    Raises:
        InputError: If one is discrete.
    """
    layout = layout_of(pinned.event_shape, pinned)
    names = tf.nest.flatten(layout)
    shapes = [tuple(shape.as_list()) for shape in tf.nest.flatten(pinned.event_shape)]
    dtypes = [tf.as_dtype(dtype) for dtype in tf.nest.flatten(pinned.dtype)]
    several = [_supports(pinned, names, seed=(i, 0)) for i in range(_PLACES)]
    for name, dtype, own in zip(names, dtypes, several[0], strict=True):
        if not dtype.is_floating or (own is None and _draws_integers(pinned, name)):
            raise InputError(
                f"The part {name!r} is discrete, and a flow has densities on the reals alone; sum "
                "it out of the model: tfd.MixtureSameFamily for labels of a mixture, "
                "tfd.HiddenMarkovModel for states in a row, tf.reduce_logsumexp over its values "
                "in a function else."
            )
        if own is None:
            raise InputError(
                f"TFP knows no map from the reals to where the part {name!r} lies; write the model "
                "as a function, tff.vi.Target(log_prob, parts={name: (shape, bijector)})."
            )
    flat = [
        tuple(own.inverse_event_shape(tf.TensorShape(shape)).as_list())
        for own, shape in zip(several[0], shapes, strict=True)
    ]
    parts = list(zip(names, shapes, flat, [dtype.name for dtype in dtypes], strict=True))
    bijectors = [None if type(b) is tfb.Identity else b for b in several[0]]
    alone = Parts(parts=parts, layout=layout, bijectors=bijectors)
    if _same_everywhere(alone, several):
        return alone
    return _Joint(pinned, parts=parts, layout=layout)


def _supports(pinned: Pinned, names, seed) -> list[Any]:
    """Of each part the map to the support that it has at one draw; None if none is known."""
    by_name = _distributions(pinned, seed)
    return [support(by_name[name]) for name in names]


def _distributions(pinned: Pinned, seed) -> dict[str, Any]:
    """The distribution of each part, the observed ones too, given a draw of those before it."""
    joint = pinned.distribution
    distributions, _ = joint.sample_distributions(seed=seed)
    names = tf.nest.flatten(layout_of(distributions, joint))
    return dict(zip(names, tf.nest.flatten(distributions), strict=True))


def _draws_integers(pinned: Pinned, name: str) -> bool:
    """Whether a part is one of those discrete ones that TFP draws as floats."""
    draws = _distributions(pinned, (0, 0))[name].sample(8, seed=(0, 4))
    return bool(tf.reduce_all(draws == tf.round(draws)))


def _same_everywhere(parts: Parts, several) -> bool:
    """Whether each part's support is the same at several draws of the others."""
    pieces = parts.split(2 * tf.random.stateless_normal([parts.dim], (0, 3), dtype=parts.dtype))
    for piece, first, *others in zip(pieces, *several, strict=True):
        value = first.forward(piece)
        for other in others:
            if not np.allclose(value, other.forward(piece), rtol=_CLOSE, atol=_CLOSE):
                return False
    return True

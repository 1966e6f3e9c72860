"""Where an amortised posterior gets its pairs of parameters and data from."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError, unknown_name
from tfp_flows.shapes import positive
from tfp_flows.vi import joints
from tfp_flows.vi.parts import Parts, of_shapes

tfd = tfp.distributions

# The names of parameters and data that have none.
PARAMETERS, DATA = "theta", "data"


class Pairs(NamedTuple):
    """Parameters and data that belong together, arrays ``[n, *shape]`` by name."""

    parameters: dict[str, np.ndarray]
    data: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        """How many they are."""
        return len(next(iter(self.parameters.values())))


class Simulations(NamedTuple):
    """Pairs, or what makes them.

    Attributes:
        parts: Names, shapes and supports of the parameters.
        shapes: Of the data, by name.
        draw: From a count and a seed to so many pairs; None if there are only those given.
        given: The given pairs.
        joint: The joint distribution that they are of, if they are.
    """

    parts: Parts
    shapes: dict[str, tuple[int, ...]]
    draw: Callable[[int, int], Pairs] | None = None
    given: Pairs | None = None
    joint: Any = None


def simulations(
    source: Any,
    observed: str | Sequence[str] | None = None,
    supports: Mapping[str, Any] | None = None,
) -> Simulations:
    """Finds out what a source of pairs makes, by a few of them.

    Args:
        source: A ``tfd.JointDistribution*``; a function of the number of simulations and a seed
            that returns parameters and data; or such a pair itself. Parameters and data are arrays
            ``[n, *shape]``, or dicts of arrays by name.
        observed: For a joint distribution, the name of the part, or the parts, that are data.
        supports: For functions and pairs, of parts by name a bijector from the reals.

    Raises:
        InputError: If the source does not give parameters and data that belong together.
    """
    if isinstance(source, tfd.JointDistribution):
        if supports is not None:
            raise InputError("A joint distribution knows its supports; leave supports out.")
        return _of_joint(source, observed)
    if observed is not None:
        raise InputError(
            "observed names parts of a joint distribution; the data of a simulator, or of a pair, "
            "are its second half."
        )
    if callable(source):
        first = _simulated(source, 2, 0)
        parts = _parts(first, supports)
        return Simulations(parts, _shapes(first.data), lambda n, seed: _simulated(source, n, seed))
    if not isinstance(source, tuple | list) or len(source) != 2:
        raise InputError(
            "A source of simulations is a tfd.JointDistribution, a function (count, seed) -> "
            f"(parameters, data), or a pair (parameters, data), got a {type(source).__name__}."
        )
    pairs = as_pairs(*source)
    return Simulations(_parts(pairs, supports), _shapes(pairs.data), given=pairs)


def as_pairs(parameters: Any, data: Any) -> Pairs:
    """Arrays by name.

    Raises:
        InputError: If they are not as many, or hold what is no finite number.
    """
    pairs = Pairs(_by_name(parameters, PARAMETERS), _by_name(data, DATA))
    counts = {name: len(array) for half in pairs for name, array in half.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} has {count:,}" for name, count in counts.items())
        raise InputError(f"Parameters and data must be as many: {told}.")
    return pairs


def as_data(data: Any, names: Sequence[str]) -> dict[str, Any]:
    """Data by name: a dict, or the only array.

    Raises:
        InputError: If names are missing or unknown.
    """
    if not isinstance(data, Mapping):
        if len(names) > 1:
            raise InputError(f"The data are several, {', '.join(names)}; give a dict by name.")
        return {names[0]: data}
    for name in data:
        if name not in names:
            raise unknown_name("part of the data", name, names)
    if missing := [name for name in names if name not in data]:
        raise InputError(f"The data {missing[0]!r} are missing; give all of {', '.join(names)}.")
    return {name: data[name] for name in names}


def as_context(by_name: Mapping[str, Any], shapes, embedded: bool):
    """Data ``[*batch, *shape]`` as the context of a flow."""
    if embedded:
        arrays = {name: np.asarray(value) for name, value in by_name.items()}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))
    flat = []
    for name, value in by_name.items():
        array = np.asarray(value, np.float64)  # the flow's own cast knows what it costs
        batch = array.shape[: array.ndim - len(shapes[name])]
        flat.append(array.reshape(*batch, -1))
    return np.concatenate(flat, axis=-1)


def _by_name(value: Any, default: str) -> dict[str, np.ndarray]:
    if hasattr(value, "_asdict"):
        value = value._asdict()
    given = value if isinstance(value, Mapping) else {default: value}
    found = {}
    for name, item in given.items():
        array = np.asarray(item)
        if array.dtype.kind not in "fiub" or array.ndim == 0 or not len(array):
            raise InputError(
                f"{name!r} is no array of numbers with a line a simulation; got {item!r:.60}."
            )
        if wrong := int((~np.isfinite(array.reshape(len(array), -1)).all(axis=1)).sum()):
            raise InputError(
                f"{name!r} holds NaN or infinity in {wrong:,} of {len(array):,} simulations; "
                "leave these out, or make the simulator finite."
            )
        found[str(name)] = array
    return found


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape[1:] for name, array in arrays.items()}


def _parts(pairs: Pairs, supports: Mapping[str, Any] | None) -> Parts:
    supports = dict(supports or {})
    for name in supports:
        if name not in pairs.parameters:
            raise unknown_name("parameter", name, pairs.parameters)
    given = {name: (s, supports.get(name)) for name, s in _shapes(pairs.parameters).items()}
    return of_shapes(given, tf.float32)


def _simulated(function: Callable, count: int, seed: int) -> Pairs:
    positive(count, "the number of simulations")
    try:
        made = function(count, seed)
    except Exception as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise InputError(
            f"The simulator fails with {type(error).__name__}: {first.rstrip('.')}."
        ) from error
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise InputError(
            f"A simulator returns a pair (parameters, data), got a {type(made).__name__}."
        )
    pairs = as_pairs(*made)
    if pairs.size != count:
        raise InputError(f"The simulator was asked for {count:,} pairs and made {pairs.size:,}.")
    return pairs


def _of_joint(joint, observed) -> Simulations:
    known = list(joint._flat_resolve_names())
    names = [observed] if isinstance(observed, str) else list(observed or ())
    if not names:
        raise InputError(f"Say which parts are data: observed=, of {', '.join(known)}.")
    for name in names:
        if name not in known:
            raise unknown_name("observed part", name, known)

    def by_name(structure) -> dict[str, Any]:
        layout = tf.nest.flatten(joints.layout_of(structure, joint))
        return dict(zip(layout, tf.nest.flatten(structure), strict=True))

    first = by_name(joint.sample(seed=(0, 0)))
    for name in names:
        if name not in first:
            raise InputError(f"{name!r} is a model of several parts; observe single ones.")
    parts = joints.parts_of(joints.pinned_by(joint, {name: first[name] for name in names}))

    def draw(count: int, seed: int) -> Pairs:
        with warnings.catch_warnings():
            # Seconds for tens of thousands, and the same for the same seed.
            warnings.filterwarnings("ignore", "Saw Tensor seed")
            found = by_name(
                joint.sample(positive(count, "the number of simulations"), seed=(seed, 1))
            )
        return as_pairs(
            {name: found[name].numpy() for name in parts.names},
            {name: found[name].numpy() for name in names},
        )

    return Simulations(parts, _shapes(draw(2, 0).data), draw, joint=joint)

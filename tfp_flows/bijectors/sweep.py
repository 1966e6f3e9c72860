"""Autoregressive maps in their slow direction, at the work of about one network pass.

The coordinate of degree ``d`` depends on hidden units of degree below ``d`` alone, and once it is
known, the units of degree ``d`` can be computed for good. A sweep goes through the degrees and
computes at each the few units that are new, so that each unit is computed once, where the
textbook's loop evaluates the whole network once a dimension.

The sweep goes in blocks: what a block takes from the blocks before it is one matrix product, and
only what it takes from itself is computed step by step. A few blocks are written out; many are a
loop, in a few stretches, each of which multiplies with no more than it can have filled.

The gradient is that of the implicit function: the adjoint of a triangular system is triangular
in the opposite order, so the same sweep runs backwards over transposed kernels. Nothing is stored
for each step.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfp_flows.networks.stack import Stack, Structure, pre_activations
from tfp_flows.transformers import Transformer

_SMALLEST_BLOCK = 11
_LARGEST_BLOCK = 64
_MOST_STRETCHES = 4


class _Layout(NamedTuple):
    """Which units of a layer a sweep computes when.

    A window may hold units of other steps too: what it computes too early is computed again in
    time, and until then all weights that lead from it to something finished are zero; what it
    computes again does not change.

    Args:
        firsts: First unit of each block, ``[blocks]``.
        starts: First place, within its block, of the window of each step, ``[blocks, steps]``.
        width: Length of the windows.
        known: Whether a unit of a block is finished before it, ``[blocks, length]``.
        done: Whether a unit of a block is finished with it, ``[blocks, length]``.
        size: Units of the layer.
    """

    firsts: np.ndarray
    starts: np.ndarray
    width: int
    known: np.ndarray
    done: np.ndarray
    size: int

    @property
    def length(self) -> int:
        """Units of a block."""
        return self.known.shape[1]

    def each(self, count: int) -> "_Layout":
        """The layout with ``count`` neighbours in the place of each unit."""
        return _Layout(
            firsts=count * self.firsts,
            starts=count * self.starts,
            width=count * self.width,
            known=np.repeat(self.known, count, axis=1),
            done=np.repeat(self.done, count, axis=1),
            size=count * self.size,
        )

    def reached(self, blocks: int, backwards: bool) -> tuple[int, int]:
        """First unit and end of what the first ``blocks`` blocks compute."""
        if backwards:
            return int(self.firsts[:blocks].min()), self.size
        return 0, int(self.firsts[:blocks].max()) + self.length


class _Plan(NamedTuple):
    """The layouts of the coordinates and of the hidden layers, in the order of the sweep."""

    coordinates: _Layout
    hidden: tuple[_Layout, ...]
    blocks: int
    steps: int
    backwards: bool


def _layout(unit_steps: np.ndarray, firsts: np.ndarray, steps: int, backwards: bool) -> _Layout:
    """Finds the units of each step.

    Args:
        unit_steps: When each unit becomes computable: ascending, or descending if ``backwards``.
        firsts: First step of each block.
        steps: Steps of a block.
        backwards: Whether the sweep goes down.
    """
    size = len(unit_steps)
    ordered = unit_steps[::-1] if backwards else unit_steps
    bounds = np.searchsorted(ordered, np.arange(firsts[-1] + steps + 1))
    width = max(1, int(np.diff(bounds).max()))
    length = max(width, int((bounds[firsts + steps] - bounds[firsts]).max()))
    units = np.minimum(bounds[firsts], size - length)
    starts = bounds[firsts[:, None] + np.arange(steps)] - units[:, None]
    starts = np.minimum(starts, length - width)
    own_steps, ends = ordered[units[:, None] + np.arange(length)], firsts + steps
    known = own_steps < np.concatenate([[0], ends[:-1]])[:, None]
    done = own_steps < ends[:, None]
    if backwards:
        units, starts = size - length - units, length - width - starts
        known, done = known[:, ::-1], done[:, ::-1]
    return _Layout(units.astype(np.int32), starts.astype(np.int32), width, known, done, size)


@functools.lru_cache(maxsize=64)
def _plan(structure: Structure, backwards: bool) -> _Plan:
    size = structure.size
    blocks = max(-(-size // _LARGEST_BLOCK), min(_MOST_STRETCHES, -(-size // _SMALLEST_BLOCK)))
    steps = -(-size // blocks)
    # The last block begins early enough to be as long as the others, and repeats a few steps.
    firsts = np.minimum(np.arange(blocks) * steps, size - steps)
    # Step j computes the units of degree j, then the coordinate of degree j + 1; backwards, the
    # units of degree D - j, then the coordinate of that degree.
    degrees = [np.arange(size), *(np.array(layer, np.int64) for layer in structure.degrees)]
    if backwards:
        degrees = [size - 1 - degrees[0], *(size - layer for layer in degrees[:0:-1])]
    coordinates, *hidden = (_layout(layer, firsts, steps, backwards) for layer in degrees)
    return _Plan(coordinates, tuple(hidden), blocks, steps, backwards)


class _State(NamedTuple):
    """Some neighbouring units of a layer.

    Args:
        values: ``[high - low, n]``.
        low: The first unit.
        high: The end.
    """

    values: tf.Tensor
    low: int
    high: int

    @classmethod
    def empty(cls, layout: _Layout, backwards: bool, n, dtype) -> "_State":
        """No units, at the end where a sweep begins."""
        end = layout.size if backwards else 0
        return cls(tf.zeros([0, n], dtype), end, end)

    def grown(self, low: int, high: int) -> "_State":
        """With zeros for more units."""
        paddings = [[self.low - low, high - self.high], [0, 0]]
        return _State(tf.pad(self.values, paddings), low, high)


def _rows(values: tf.Tensor, start, count: int) -> tf.Tensor:
    return tf.slice(values, [start, 0], [count, -1])


def _put(values: tf.Tensor, rows: tf.Tensor, start) -> tf.Tensor:
    places = start + tf.range(rows.shape[0])
    return tf.tensor_scatter_nd_update(values, places[:, None], rows)


def _sweep(plan, kernels, offsets, unit, emit, given, taken, n, outcomes=1):
    """Sweeps a network, features first.

    Args:
        plan: The order of the steps.
        kernels: Of each layer ``[inputs, outputs]``, or ``[outputs, inputs]`` backwards.
        offsets: ``[outputs, 1]`` or ``[outputs, n]`` of each layer, or None.
        unit: Maps a layer's number, its products ``[width, n]``, the first unit of the window
            and what it returned for the layers before to new values, and what to remember.
        emit: Maps a coordinate's number and the network's ``[given, n]`` outputs for it to its
            ``[taken, n]`` inputs and one row of results ``[1, outcomes * n]``.
        given: Outputs of the network for each coordinate.
        taken: Inputs of the network for each coordinate.
        n: Size of the batch.
        outcomes: Results of each coordinate, side by side.

    Returns:
        All inputs ``[D * taken, n]`` and results ``[D, outcomes * n]``.
    """
    coordinates = plan.coordinates
    layouts = [coordinates.each(taken), *plan.hidden, coordinates.each(given)]
    dtype = kernels[0].dtype

    def block(number, kernels, offsets, results, states):
        """Goes through the steps of a block; all arguments hold its own rows only."""
        firsts = [_at(layout.firsts, number) for layout in layouts]
        starts = [_at(layout.starts, number) for layout in layouts]
        own_coordinates = _at(coordinates.firsts, number), _at(coordinates.starts, number)

        def step(j, results, *states):
            states, memory = list(states), []
            for k, layout in enumerate(layouts[1:]):
                start = starts[k + 1][j]
                product = tf.matmul(_rows(kernels[k], start, layout.width), states[k])
                if offsets[k] is not None:
                    product += _rows(offsets[k], start, layout.width)
                if k == len(kernels) - 1:
                    break
                value, kept = unit(k, product, firsts[k + 1] + start, memory)
                memory.append(kept)
                states[k + 1] = _put(states[k + 1], value, start)
            place = own_coordinates[1][j]
            inputs, result = emit(own_coordinates[0] + place, product)
            states[0] = _put(states[0], inputs, starts[0][j])
            return j + 1, _put(results, result, place), *states

        variables = (tf.constant(0), results, *states)
        _, results, *states = tf.while_loop(
            lambda *_: True, step, variables, maximum_iterations=plan.steps
        )
        return results, states

    def outer(number, before, held, results):
        """Goes through a block of all rows.

        Args:
            number: Of the block.
            before: What its products with the blocks before use.
            held: What has room for the block as well.
            results: All results.
        """
        firsts = [_at(layout.firsts, number) for layout in layouts]
        own_kernels, own_offsets = [], []
        for k, (kernel, known, around) in enumerate(zip(kernels, before, held, strict=True)):
            sources, targets = layouts[k], layouts[k + 1]
            product = offsets[k]
            if product is not None:
                product = _rows(product, firsts[k + 1], targets.length)
            within = slice(known.low - around.low, known.high - around.low)
            if plan.backwards:
                rows = _rows(kernel, firsts[k + 1], targets.length)[:, around.low : around.high]
                own = tf.slice(rows, [0, firsts[k] - around.low], [-1, sources.length])
                through = tf.matmul(rows[:, within], known.values)
            else:
                columns = tf.slice(
                    kernel,
                    [around.low, firsts[k + 1]],
                    [around.high - around.low, targets.length],
                )
                own = tf.transpose(_rows(columns, firsts[k] - around.low, sources.length))
                through = tf.matmul(columns[within], known.values, transpose_a=True)
            if known.high > known.low:
                product = through if product is None else product + through
            if sources.known.any():
                own *= tf.cast(_at(~sources.known, number), dtype)
            own_offsets.append(product)
            own_kernels.append(own)
        own = [
            _rows(state.values, first - state.low, layout.length)
            for state, first, layout in zip(held, firsts, layouts, strict=False)
        ]
        first = _at(coordinates.firsts, number)
        own_results = _rows(results, first, coordinates.length)
        own_results, own = block(number, own_kernels, own_offsets, own_results, own)
        values = []
        for state, rows, first_row, layout in zip(held, own, firsts, layouts, strict=False):
            if not layout.done.all():
                rows *= tf.cast(_at(layout.done, number), dtype)[:, None]
            values.append(_put(state.values, rows, first_row - state.low))
        return _put(results, own_results, first), values

    results = tf.zeros([coordinates.size, outcomes * n], dtype)
    states = [_State.empty(layout, plan.backwards, n, dtype) for layout in layouts[:-1]]
    done = 0
    for last in _stretches(plan.blocks):
        held = [
            state.grown(*layout.reached(last, plan.backwards))
            for state, layout in zip(states, layouts, strict=False)
        ]
        if last == done + 1:
            results, values = outer(done, states, held, results)
        else:

            def following(number, results, *values, held=held):
                held = [
                    state._replace(values=value) for state, value in zip(held, values, strict=True)
                ]
                results, values = outer(number, held, held, results)
                return number + 1, results, *values

            variables = (tf.constant(done), results, *(state.values for state in held))
            _, results, *values = tf.while_loop(
                lambda *_: True, following, variables, maximum_iterations=last - done
            )
        states = [state._replace(values=value) for state, value in zip(held, values, strict=True)]
        done = last
    return states[0].values, results


def _at(values: np.ndarray, number):
    """One entry, of a number that is known or not."""
    return tf.constant(values)[number]


def _stretches(blocks: int) -> list[int]:
    """Where to stop and let the states grow."""
    count = min(_MOST_STRETCHES, blocks)
    return [-(-blocks * (i + 1) // count) for i in range(count)]


def _forwards(structure, transform, x, kernels, offsets):
    """Solves ``y = transform(x, network(y))``; returns ``y`` and log-slopes, both ``[n, D]``."""
    x = tf.transpose(x)
    added = [
        tf.transpose(tf.reshape(offset, [-1, kernel.shape[1]]))
        for kernel, offset in zip(kernels, offsets, strict=True)
    ]

    def unit(k, product, first, memory):
        del first
        if structure.skips(k):
            product += memory[k - 2]
        return structure.activation(product), product

    def emit(coordinate, parameters):
        value, log_slope = transform(_rows(x, coordinate, 1)[0], tf.transpose(parameters))
        return structure.entering(value)[None], tf.concat([value, log_slope], axis=0)[None]

    n = tf.shape(x)[1]
    _, results = _sweep(
        _plan(structure, False), kernels, added, unit, emit, structure.params, 1, n, outcomes=2
    )
    return tf.transpose(results[:, :n]), tf.transpose(results[:, n:])


def _backwards(structure, kernels, slopes, entry_slopes, upstream, value_partials, slope_terms):
    """Solves the adjoint system.

    Args:
        structure: What is fixed.
        kernels: As in a `Stack`.
        slopes: Derivatives of the activations of each hidden layer, ``[n, units]``.
        entry_slopes: Derivatives of what the network sees by the values, ``[n, D]``.
        upstream: Adjoints ``[n, D]`` of the values.
        value_partials: Derivatives of the values by their parameters, ``[n, D * P]``.
        slope_terms: Derivatives of the loss by the parameters through log-slopes, ``[n, D * P]``.

    Returns:
        Adjoints of the values, network included, ``[n, D]``, and of the parameters ``[n, D * P]``.
    """
    params, layers = structure.params, len(structure.degrees)
    slopes = [tf.transpose(slope) for slope in reversed(slopes)]
    entry_slopes, upstream, value_partials, slope_terms = (
        tf.transpose(values) for values in (entry_slopes, upstream, value_partials, slope_terms)
    )

    def unit(k, product, first, memory):
        value = product * _rows(slopes[k], first, product.shape[0])
        if k >= 2 and structure.skips(layers + 1 - k):
            value += memory[k - 2]
        return value, value

    def emit(coordinate, through_network):
        through_network *= _rows(entry_slopes, coordinate, 1)
        adjoint = _rows(upstream, coordinate, 1) + through_network
        place = coordinate * params
        of_parameters = adjoint * _rows(value_partials, place, params)
        return of_parameters + _rows(slope_terms, place, params), adjoint

    of_parameters, adjoint = _sweep(
        _plan(structure, True),
        kernels[::-1],
        [None] * len(kernels),
        unit,
        emit,
        1,
        params,
        tf.shape(upstream)[1],
    )
    return tf.transpose(adjoint), tf.transpose(of_parameters)


@functools.lru_cache(maxsize=32)
def _as_functions(structure: Structure, transformer: Transformer, direction: str):
    """Both sweeps as graphs, shared by all bijectors of one structure, for any batch size."""
    transform = getattr(transformer, direction)
    # Without AutoGraph, which rewrites Python's own loops for longer than tracing takes.
    options = {"reduce_retracing": True, "autograph": False}
    return (
        tf.function(functools.partial(_forwards, structure, transform), **options),
        tf.function(functools.partial(_backwards, structure), **options),
    )


def solve(
    transformer: Transformer, direction: str, x: tf.Tensor, stack: Stack
) -> tuple[tf.Tensor, tf.Tensor]:
    """Solves ``y = transform(x, network(y))`` for an autoregressive network.

    Equal, up to rounding, to evaluating the network once a dimension. Differentiable to any
    order; the first order costs two network passes and one sweep.

    Args:
        transformer: What makes values from given ones and parameters,
        direction: by its method ``"forward"`` or ``"inverse"``.
        x: ``[n, D]``, coordinates by ascending degree.
        stack: The network.

    Returns:
        ``y`` ``[n, D]`` and the sum of the log-slopes of ``transform``, ``[n]``.
    """
    structure, layers = stack.structure, len(stack.kernels)
    transform = getattr(transformer, direction)
    forwards = functools.partial(_forwards, structure, transform)
    backwards = functools.partial(_backwards, structure)
    if tf.executing_eagerly():
        forwards, backwards = _as_functions(structure, transformer, direction)
    found = []

    @tf.custom_gradient
    def values(x, *weights):
        y, log_slopes = forwards(x, weights[:layers], weights[layers:])

        def gradient(*upstream):
            # `found` and not `y`: what is outside can be differentiated once more.
            return _gradient(structure, transform, backwards, x_outside, found[0], stack, upstream)

        return (y, log_slopes), gradient

    x_outside = x
    found.extend(values(x, *stack.kernels, *stack.offsets))
    return found[0], tf.reduce_sum(found[1], axis=-1)


def _gradient(structure, transform, backwards, x, y, stack, upstream):
    """Adjoints of ``x``, the kernels and the offsets."""
    of_values, of_log_slopes = upstream
    shape = [-1, structure.size, structure.params]
    weights = [*stack.kernels, *stack.offsets]
    products = [functools.partial(_times, kernel=kernel) for kernel in stack.kernels]
    with tf.GradientTape(persistent=True) as network_tape:
        network_tape.watch(weights)
        *hidden, output = pre_activations(structure, products, stack.offsets, y)
    slopes = [_slope(structure.activation, value) for value in hidden]
    entry_slopes = _slope(structure.entering, y)
    with tf.GradientTape(persistent=True) as tape:
        parameters = tf.reshape(output, shape)
        tape.watch((x, parameters))
        values, log_slopes = transform(x, parameters)
    value_partials = tf.reshape(_or_zeros(tape, values, parameters), tf.shape(output))
    slope_terms = _or_zeros(tape, log_slopes, parameters, of_log_slopes)
    slope_terms = tf.reshape(slope_terms, tf.shape(output))
    adjoint, of_parameters = backwards(
        stack.kernels, slopes, entry_slopes, of_values, value_partials, slope_terms
    )
    of_x = adjoint * _or_zeros(tape, values, x) + _or_zeros(tape, log_slopes, x, of_log_slopes)
    of_weights = network_tape.gradient(output, weights, output_gradients=of_parameters)
    return [of_x, *of_weights]


def _times(x, kernel):
    return tf.matmul(x, kernel)


def _or_zeros(tape, target, source, upstream=None):
    return tape.gradient(
        target, source, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def _slope(activation, value):
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = activation(value)
    return tape.gradient(result, value)

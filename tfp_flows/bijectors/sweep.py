"""Autoregressive maps in their slow direction, at the work of about one network pass.

The coordinate of degree ``d`` depends on hidden units of degree below ``d`` alone, and once it is
known, the units of degree ``d`` can be computed for good. A sweep goes through the degrees and
computes at each the few units that are new, so that each unit is computed once, where the
textbook's loop evaluates the whole network once a dimension.

Many dimensions are swept in blocks: what a block takes from the blocks before it is one matrix
product, and only what it takes from itself is computed step by step.

Early steps see little of what there is in the end. The loop runs in a few stretches, and each
multiplies with no more than it can have filled.

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

_LARGEST_BLOCK = 64
_MOST_STRETCHES = 4


class _Layout(NamedTuple):
    """Where the units of a layer go: block after block, each filled up to the same length.

    Args:
        slots: Index of the unit in each place, -1 where there is none.
        starts: First place, within its block, of the window computed at each step.
        width: Length of the windows.
        length: Places in a block.
    """

    slots: np.ndarray
    starts: np.ndarray
    width: int
    length: int


class _Plan(NamedTuple):
    coordinates: np.ndarray
    layers: tuple[_Layout, ...]
    blocks: int
    steps: int


def _layout(unit_steps: np.ndarray, blocks: int, steps: int) -> _Layout:
    """Lays units out that become computable at the given steps; later ones are left out."""
    order = np.argsort(unit_steps, kind="stable")
    order = order[unit_steps[order] < blocks * steps]
    ordered = unit_steps[order]
    bounds = np.searchsorted(ordered, np.arange(blocks * steps + 1))
    width = max(1, int(np.diff(bounds).max()))
    firsts = bounds[::steps]
    length = max(width, int(np.diff(firsts).max()))
    slots = np.full((blocks, length), -1)
    for block in range(blocks):
        units = order[firsts[block] : firsts[block + 1]]
        slots[block, : len(units)] = units
    starts = bounds[:-1].reshape(blocks, steps) - firsts[:-1, None]
    return _Layout(slots.ravel(), np.minimum(starts, length - width), width, length)


@functools.lru_cache(maxsize=64)
def _plan(structure: Structure, backwards: bool) -> _Plan:
    size = structure.size
    blocks = -(-size // _LARGEST_BLOCK)
    steps = -(-size // blocks)
    coordinates = np.full(blocks * steps, -1)
    coordinates[:size] = np.arange(size)[::-1] if backwards else np.arange(size)
    # Step j computes the units of degree j, then the coordinate of degree j + 1; backwards, the
    # units of degree D - j, then the coordinate of that degree.
    degrees = [np.array(layer, np.int64) for layer in structure.degrees]
    unit_steps = [size - layer for layer in reversed(degrees)] if backwards else degrees
    unit_steps = [np.where(layer < size, layer, blocks * steps) for layer in unit_steps]
    layers = tuple(_layout(layer, blocks, steps) for layer in unit_steps)
    return _Plan(coordinates, layers, blocks, steps)


def _spread(slots: np.ndarray, count: int) -> np.ndarray:
    """Slots of single rows to slots of ``count`` rows each."""
    rows = slots[:, None] * count + np.arange(count)
    return np.where(slots[:, None] < 0, -1, rows).ravel()


def _arrange(values: tf.Tensor, slots: np.ndarray, axis: int = 0) -> tf.Tensor:
    """Brings entries along an axis into their places, zeros where there is none."""
    size = values.shape[axis]
    if np.array_equal(slots, np.arange(size)):
        return values
    if (slots < 0).any():
        padding = [[0, 0]] * values.shape.rank
        padding[axis] = [0, 1]
        values, slots = tf.pad(values, padding), np.where(slots < 0, size, slots)
    return tf.gather(values, slots, axis=axis)


def _rows(values: tf.Tensor, start, count: int) -> tf.Tensor:
    return tf.slice(values, [start, 0], [count, -1])


def _put(values: tf.Tensor, rows: tf.Tensor, start) -> tf.Tensor:
    places = start + tf.range(rows.shape[0])
    return tf.tensor_scatter_nd_update(values, places[:, None], rows)


def _sweep(plan, kernels, offsets, unit, emit, given, taken, n):
    """Sweeps a network, features first.

    Args:
        plan: The order of the steps.
        kernels: ``[outputs, inputs]`` of each layer, in the plan's places.
        offsets: ``[outputs, 1]`` or ``[outputs, n]`` of each layer, or None.
        unit: Maps a layer's number, its products ``[width, n]``, the first place of the window
            and what it returned for the layers before to new values, and what to remember.
        emit: Maps a step's number and the network's ``[given, n]`` outputs for its coordinate to
            the ``[taken, n]`` inputs of that coordinate and one row of results ``[1, n]``.
        given: Outputs of the network for each coordinate.
        taken: Inputs of the network for each coordinate.
        n: Size of the batch.

    Returns:
        All inputs ``[D * taken, n]`` and results ``[D, n]``.
    """
    steps = plan.steps
    starts = [tf.constant(layer.starts, tf.int32) for layer in plan.layers]
    lengths = [steps * taken, *(layer.length for layer in plan.layers)]

    def block(number, kernels, offsets, stretches):
        def step(j, results, *states):
            states, memory = list(states), []
            for k, layer in enumerate(plan.layers):
                start = starts[k][number, j]
                window = tf.slice(kernels[k], [start, 0], [layer.width, states[k].shape[0]])
                product = tf.matmul(window, states[k])
                if offsets[k] is not None:
                    product += _rows(offsets[k], start, layer.width)
                value, kept = unit(k, product, number * layer.length + start, memory)
                memory.append(kept)
                states[k + 1] = _put(states[k + 1], value, start)
            window = tf.slice(kernels[-1], [j * given, 0], [given, states[-1].shape[0]])
            output = tf.matmul(window, states[-1])
            if offsets[-1] is not None:
                output += _rows(offsets[-1], j * given, given)
            inputs, result = emit(number * steps + j, output)
            states[0] = _put(states[0], inputs, j * taken)
            return j + 1, _put(results, result, j), *states

        heights = [
            [
                last,
                last * taken,
                *(int(layer.starts[:, :last].max()) + layer.width for layer in plan.layers),
            ]
            for last in stretches
        ]
        return _in_stretches(step, stretches, heights, [steps, *lengths], kernels[0].dtype, n)

    if plan.blocks == 1:
        results, inputs, *_ = block(0, kernels, offsets, _stretches(steps))
        return inputs, results

    shapes = [*(layer.length for layer in plan.layers), steps * given]

    def outer(number, results, *states):
        own_kernels, own_offsets = [], []
        for kernel, offset, state, height, length in zip(
            kernels, offsets, states, shapes, lengths, strict=True
        ):
            rows = _rows(kernel, number * height, height)
            before = tf.matmul(rows[:, : state.shape[0]], state)
            if offset is not None:
                before += _rows(offset, number * height, height)
            own_offsets.append(before)
            own_kernels.append(tf.slice(rows, [0, number * length], [height, length]))
        result, *own = block(number, own_kernels, own_offsets, [steps])
        states = [
            _put(state, rows, number * length)
            for state, rows, length in zip(states, own, lengths, strict=True)
        ]
        return number + 1, _put(results, result, number * steps), *states

    stretches = _stretches(plan.blocks)
    each = [steps, *lengths]
    heights = [[last * rows for rows in each] for last in stretches]
    whole = [plan.blocks * rows for rows in each]
    results, inputs, *_ = _in_stretches(outer, stretches, heights, whole, kernels[0].dtype, n)
    return inputs, results


def _stretches(steps: int) -> list[int]:
    """Where to stop and let the states grow."""
    count = min(_MOST_STRETCHES, max(1, steps // 8))
    return [-(-steps * (i + 1) // count) for i in range(count)]


def _in_stretches(step, stretches, heights, whole, dtype, n):
    """Runs a loop in a few stretches, each over no more of the states than it can have filled.

    Args:
        step: Maps a number and the states to the following ones.
        stretches: The number of steps after which each stretch ends.
        heights: For each stretch, the rows of the states.
        whole: The rows of the states in the end.
        dtype: Of the states.
        n: Size of the batch.
    """
    first, states = 0, [tf.zeros([0, n], dtype) for _ in whole]
    for last, rows in zip(stretches, heights, strict=True):
        states = [_grow(state, row) for state, row in zip(states, rows, strict=True)]
        _, *states = tf.while_loop(
            lambda *_: True, step, (tf.constant(first), *states), maximum_iterations=last - first
        )
        first = last
    return [_grow(state, row) for state, row in zip(states, whole, strict=True)]


def _grow(state, rows):
    missing = rows - state.shape[0]
    return tf.pad(state, [[0, missing], [0, 0]]) if missing else state


def _forwards(structure, transform, x, kernels, offsets):
    """Solves ``y = transform(x, network(y))``; returns ``y`` and log-slopes, both ``[n, D]``."""
    plan, params = _plan(structure, False), structure.params
    places = [
        plan.coordinates,
        *(layer.slots for layer in plan.layers),
        _spread(plan.coordinates, params),
    ]
    turned = [
        _arrange(_arrange(tf.transpose(kernel), places[k + 1]), places[k], axis=1)
        for k, kernel in enumerate(kernels)
    ]
    added = [
        _arrange(tf.transpose(tf.reshape(offset, [-1, offset.shape[-1]])), places[k + 1])
        for k, offset in enumerate(offsets)
    ]
    x = _arrange(tf.transpose(x), plan.coordinates)

    def unit(k, product, start, memory):
        del start
        if structure.skips(k):
            product += memory[k - 2]
        return structure.activation(product), product

    def emit(step, parameters):
        value, log_slope = transform(_rows(x, step, 1)[0], tf.transpose(parameters))
        return value[None], log_slope[None]

    y, log_slopes = _sweep(plan, turned, added, unit, emit, params, 1, tf.shape(x)[1])
    return tuple(tf.transpose(rows[: structure.size]) for rows in (y, log_slopes))


def _backwards(structure, kernels, slopes, upstream, value_partials, slope_terms):
    """Solves the adjoint system.

    Args:
        structure: What is fixed.
        kernels: As in a `Stack`.
        slopes: Derivatives of the activations of each hidden layer, ``[n, units]``.
        upstream: Adjoints ``[n, D]`` of the values.
        value_partials: Derivatives of the values by their parameters, ``[n, D * P]``.
        slope_terms: Derivatives of the loss by the parameters through log-slopes, ``[n, D * P]``.

    Returns:
        Adjoints of the values, network included, ``[n, D]``, and of the parameters ``[n, D * P]``.
    """
    plan, params, layers = _plan(structure, True), structure.params, len(structure.degrees)
    spread = _spread(plan.coordinates, params)
    places = [spread, *(layer.slots for layer in plan.layers), plan.coordinates]
    turned = [
        _arrange(_arrange(kernel, places[k + 1]), places[k], axis=1)
        for k, kernel in enumerate(reversed(kernels))
    ]
    slopes = [
        _arrange(tf.transpose(slope), places[k + 1]) for k, slope in enumerate(reversed(slopes))
    ]
    upstream = _arrange(tf.transpose(upstream), plan.coordinates)
    value_partials = _arrange(tf.transpose(value_partials), spread)
    slope_terms = _arrange(tf.transpose(slope_terms), spread)

    def unit(k, product, start, memory):
        value = product * _rows(slopes[k], start, product.shape[0])
        if k >= 2 and structure.skips(layers + 1 - k):
            value += memory[k - 2]
        return value, value

    def emit(step, through_network):
        adjoint = _rows(upstream, step, 1) + through_network
        place = step * params
        of_parameters = adjoint * _rows(value_partials, place, params)
        return of_parameters + _rows(slope_terms, place, params), adjoint

    of_parameters, adjoint = _sweep(
        plan, turned, [None] * len(turned), unit, emit, 1, params, tf.shape(upstream)[1]
    )
    # Places are in descending order of the coordinates.
    adjoint = tf.reverse(adjoint[: structure.size], [0])
    of_parameters = tf.reshape(
        of_parameters[: structure.size * params], [structure.size, params, -1]
    )
    of_parameters = tf.reshape(tf.reverse(of_parameters, [0]), [structure.size * params, -1])
    return tf.transpose(adjoint), tf.transpose(of_parameters)


@functools.lru_cache(maxsize=32)
def _as_functions(structure: Structure, transformer: Transformer, direction: str):
    """Both sweeps as graphs, shared by all bijectors of one structure, for any batch size."""
    transform = getattr(transformer, direction)
    return (
        tf.function(functools.partial(_forwards, structure, transform), reduce_retracing=True),
        tf.function(functools.partial(_backwards, structure), reduce_retracing=True),
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
    with tf.GradientTape(persistent=True) as tape:
        parameters = tf.reshape(output, shape)
        tape.watch((x, parameters))
        values, log_slopes = transform(x, parameters)
    value_partials = tf.reshape(_or_zeros(tape, values, parameters), tf.shape(output))
    slope_terms = _or_zeros(tape, log_slopes, parameters, of_log_slopes)
    slope_terms = tf.reshape(slope_terms, tf.shape(output))
    adjoint, of_parameters = backwards(
        stack.kernels, slopes, of_values, value_partials, slope_terms
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

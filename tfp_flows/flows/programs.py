"""Compiled programs of a flow's functions, whose weights are constants."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfp_flows.flows import graphs
from tfp_flows.flows.solutions import Solutions

# Sizes of batches that get a program: those that people choose, and each at most twice the last.
_ROUND = {10**k * n for k in (1, 2, 3) for n in (1, 2, 3, 5, 7)}
SIZES = sorted(size for size in {2**k for k in range(13)} | _ROUND if size <= 2**12)
_PRODUCTS = ("BatchMatMulV2", "Conv2D", "MatMul")


class Programs:
    """Functions of rows as programs, each for one shape of its arguments, made when it is needed.

    Variables are read while a program is made, and never again. What depends on them alone (masked
    kernels, normalised weights, products of triangles, log-dets of linear maps) is computed then.

    Args:
        functions: Functions of tensors, whose first axis are the rows, by name; each returns a
            tensor or a tuple of them.
        name: The flow's name, for errors.
        lock: Held while a program is made.
        compiled: Whether XLA compiles the programs.
        narrow: Dtype of matrix products and convolutions; None for that of their arguments.
    """

    def __init__(self, functions: dict[str, Callable], name: str, lock, *, compiled: bool, narrow):
        self._functions, self._name, self._lock = functions, name, lock
        self._compiled, self._dtype = compiled, narrow
        self._known: dict[tuple, Callable] = {}

    def forget(self) -> None:
        """Throws all programs away."""
        with self._lock:
            self._known = {}

    def find(self, name: str, size: int, arrays: list[np.ndarray]) -> Callable:
        """The program of a function for arguments like these.

        Args:
            name: Of the function.
            size: Number of rows of the program.
            arrays: Arguments, of any number of rows.

        Returns:
            A function of as many tensors, which returns a list of tensors.

        Raises:
            ValueError: If the function draws random numbers, or cannot be computed in half
                precision.
        """
        key = (name, size, *[array.shape[1:] for array in arrays])
        found = self._known.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._known:
                specs = [tf.TensorSpec([size, *a.shape[1:]], a.dtype) for a in arrays]
                self._known[key] = self._made(name, specs)
            return self._known[key]

    def _made(self, name, specs):
        traced = tf.function(self._functions[name], autograph=False)
        # Loops stay what they are: XLA does not know those of lowered graphs.
        frozen = convert_variables_to_constants_v2(
            traced.get_concrete_function(*specs), lower_control_flow=False
        )
        if graphs.draws_noise(frozen):
            raise ValueError(
                f"{name} of {self._name} draws random numbers at each call, which a frozen flow "
                f"cannot repeat for rows that it fills up; call {name} of the flow itself, or "
                "build it without the part that draws them (bins=None)."
            )
        simple, known, replaced = graphs.is_simple(frozen), {}, {}
        if simple:
            known = graphs.constants(frozen)
        if self._dtype is not None:
            if not simple:
                raise ValueError(
                    f"{name} of {self._name} is a loop or has checks, whose products stay in "
                    f"{specs[0].dtype.name}; leave compute_dtype out."
                )
            replaced = dict.fromkeys(_PRODUCTS, self._narrow)

        def program(*rows):
            if simple:
                replaced["MatrixTriangularSolve"] = Solutions()
                return graphs.rebuilt(frozen, list(rows), known=known, replaced=replaced)
            found = frozen(*rows)
            return list(found) if isinstance(found, list | tuple) else [found]

        made = tf.function(program, autograph=False, jit_compile=self._compiled or None)
        # Flat: what checks structures and looks for tapes takes a quarter of a small call.
        concrete = made.get_concrete_function(*specs)
        return _Held(concrete, concrete.inference_fn.call_flat, concrete.captured_inputs)

    def _narrow(self, operation, taken):
        if not all(tensor.dtype.is_floating for tensor in taken):
            return None
        dtype = taken[0].dtype
        narrow = [tf.cast(tensor, self._dtype) for tensor in taken]
        attributes = dict(operation.node_def.attr)
        attributes["T"] = tf.compat.v1.AttrValue(type=self._dtype.as_datatype_enum)
        graph = tf.compat.v1.get_default_graph()
        made = graph.create_op(operation.type, narrow, dtypes=[self._dtype], attrs=attributes)
        return [tf.cast(made.outputs[0], dtype)]


class _Held:
    """A concrete function, called flat; it lives as long as its caller."""

    def __init__(self, concrete, call, captured):
        self._concrete, self._call, self._captured = concrete, call, tuple(captured)

    def __call__(self, *rows):
        return self._call(*rows, *self._captured)

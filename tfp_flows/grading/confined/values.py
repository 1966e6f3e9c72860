"""What a submission returned, as plain arrays or as words about it."""

from typing import Any

import numpy as np
import tensorflow as tf

from .wire import DEEPEST_SEQUENCE, LONGEST_SEQUENCE, MOST_AXES, MOST_NUMBERS, sendable

_LARGEST = 1 << 22
_MAX_TEXT = 300
_KINDS = "biufc"


def encode(value: Any, arrays: list[np.ndarray], depth: int = 0) -> dict[str, Any]:
    """Describes a value; arrays in it are appended to ``arrays``.

    Returns:
        ``kind`` "array" (with ``index``, ``dtype``, ``holder``), "none", "text", "sequence"
        (with ``items``) or "other"; ``type`` is the name of its class.
    """
    name = type_name(value)
    if value is None:
        return {"kind": "none", "type": name}
    if isinstance(value, str):
        return {"kind": "text", "type": name, "text": value[:_MAX_TEXT]}
    short = isinstance(value, tuple | list) and len(value) <= LONGEST_SEQUENCE
    if short and depth < DEEPEST_SEQUENCE:
        items = [encode(item, arrays, depth + 1) for item in value]
        return {"kind": "sequence", "type": name, "items": items}
    if tf.is_tensor(value) or isinstance(value, np.ndarray | np.generic | bool | int | float):
        return _array(value, name, arrays)
    return {"kind": "other", "type": name}


def _array(value: Any, name: str, arrays: list[np.ndarray]) -> dict[str, Any]:
    holder = "tensor" if tf.is_tensor(value) else "numpy"
    try:
        array = np.asarray(value)
        dtype = array.dtype.name
        if dtype in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            array = array.astype(np.float32)
    except Exception:  # a symbolic tensor, strings, or something with a strange __array__
        return {"kind": "other", "type": name}
    if array.dtype.kind not in _KINDS:
        return {"kind": "other", "type": f"{name} of {dtype}s"}
    left = MOST_NUMBERS - sum(max(1, other.size) for other in arrays)
    if array.nbytes > _LARGEST or array.size > left:
        return {"kind": "other", "type": f"{name} of {array.nbytes:,} bytes"}
    if array.ndim > MOST_AXES or (not array.size and max(array.shape) > _LARGEST):
        return {"kind": "other", "type": f"{name} of {array.ndim} axes"}
    arrays.append(sendable(array))
    return {
        "kind": "array",
        "type": name,
        "index": len(arrays) - 1,
        "dtype": dtype,
        "holder": holder,
    }


def type_name(value: Any) -> str:
    """Name of a value's class, printable and short."""
    name = str(type(value).__name__)[:60]
    return name if name.isprintable() else "?"

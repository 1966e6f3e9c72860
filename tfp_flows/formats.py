"""Of which format and which versions the files are that a fit writes.

Format 0 carries no number. Later versions read all earlier formats; none reads a later one.
"""

import platform
from collections.abc import Mapping
from typing import Any

from tfp_flows._version import __version__
from tfp_flows.errors import InputError

FORMAT = 1


def check_format(values: Mapping[str, Any], path) -> int:
    """The format of what a file holds.

    Args:
        values: Content of the file.
        path: The file, for the error.

    Raises:
        InputError: If a newer version wrote it, or the number is none.
    """
    number = values.get("format", 0)
    if not isinstance(number, int) or number < 0:
        raise InputError(f"{path} is damaged: its format is {number!r}, which is no number of one.")
    if number > FORMAT:
        raise InputError(
            f"{path} was written by a newer tfp-flows, in format {number}; this one reads formats "
            f"up to {FORMAT}: update it."
        )
    return number


def versions() -> dict[str, str]:
    """The versions of all that a result depends on."""
    import numpy as np
    import tensorflow as tf
    import tensorflow_probability as tfp

    from tfp_flows import keras_worlds

    return {
        "tfp_flows": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        keras_worlds.KERAS_NAME: keras_worlds.version(),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }

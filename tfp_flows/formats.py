"""The number of the format of all files that a fit writes: records, training states, models.

Format 0 carries no number. Later versions read all earlier formats; none reads a later one.
"""

from collections.abc import Mapping
from typing import Any

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

"""Writes a report in the forms that people and platforms read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tfp_flows.errors import unknown_name
from tfp_flows.grading.formats import coursera, github, gradescope, nbgrader, plain, text
from tfp_flows.grading.results import Report

_WRITERS: Mapping[str, tuple[Callable[[Report], str], str]] = MappingProxyType(
    {
        "text": (text.write, ".txt"),
        "json": (plain.write, ".json"),
        "coursera": (coursera.write, ".json"),
        "gradescope": (gradescope.write, ".json"),
        "github": (github.write, ".json"),
        "nbgrader": (nbgrader.write, ".ipynb"),
    }
)
FORMATS = tuple(_WRITERS)

__all__ = ["FORMATS", "render", "suffix"]


def render(report: Report, format: str = "text") -> str:
    """Writes a report as a text.

    Args:
        report: The report.
        format: One of `FORMATS`.

    Raises:
        InputError: There is no such format.
    """
    return _writer(format)[0](report)


def suffix(format: str) -> str:
    """The suffix of files in a format.

    Raises:
        InputError: There is no such format.
    """
    return _writer(format)[1]


def _writer(format: str) -> tuple[Callable[[Report], str], str]:
    if format not in _WRITERS:
        raise unknown_name("format", format, FORMATS)
    return _WRITERS[format]

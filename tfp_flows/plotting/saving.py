"""Saving figures."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tfp_flows.errors import InputError
from tfp_flows.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: "Figure", path: str | os.PathLike[str], *, dpi: int = 150) -> Path:
    """Writes a figure to a file, all of it or nothing.

    Args:
        figure: The figure.
        path: The file to write or replace; its suffix chooses the format (png, pdf, svg, ...).
        dpi: Dots per inch.

    Returns:
        The path.

    Raises:
        InputError: a suffix that is not a picture format, or a file that cannot be written.
    """
    path = Path(path)
    formats = figure.canvas.get_supported_filetypes()
    kind = path.suffix.lower().lstrip(".")
    if kind not in formats:
        raise InputError(
            f"Cannot write {path}: its suffix is {path.suffix!r}; use one of "
            f"{', '.join('.' + name for name in sorted(formats))}."
        )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format=kind)
    return path

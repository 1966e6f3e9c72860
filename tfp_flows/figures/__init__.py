"""The pictures of the notebooks and the README, each drawn by the code that it is about.

The numbers in them come from the package: a density is a flow's `log_prob`, a mask is a network's.
Nothing is downloaded, and all that is random has a seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tfp_flows.errors import unknown_name
from tfp_flows.figures import (
    bimodal,
    columns,
    coupling,
    masks,
    moons,
    multiscale,
    permutations,
    planar_radial,
    steps,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A picture that can be drawn.

    Args:
        draw: Draws it.
        tolerance: How far its numbers may be off on another machine, relative to their spread.
    """

    draw: Callable[[], "Figure"]
    tolerance: float = 2e-3


FIGURES: Mapping[str, Picture] = MappingProxyType(
    {
        "normal_to_bimodal": Picture(bimodal.draw),
        "flow_steps": Picture(steps.draw),
        "planar_radial": Picture(planar_radial.draw),
        "made_masks": Picture(masks.draw),
        "coupling": Picture(coupling.draw),
        "permutations": Picture(permutations.draw),
        "multiscale": Picture(multiscale.draw),
        # Rounding differs between processors, and training makes more of it with each step. Another
        # seed differs by 0.18.
        "two_moons": Picture(moons.draw, tolerance=0.3),
        "table_columns": Picture(columns.draw, tolerance=0.3),
    }
)
"""Name to picture; ``assets/`` holds a .png file of each."""


def draw(name: str) -> "Figure":
    """Draws a picture.

    Args:
        name: A key of :data:`FIGURES`.

    Returns:
        A matplotlib figure that pyplot does not know.

    Raises:
        InputError: If there is none of that name; the nearest is suggested.
    """
    if name not in FIGURES:
        raise unknown_name("figure", name, FIGURES)
    return FIGURES[name].draw()


__all__ = ["FIGURES", "Picture", "draw"]

"""What is cut shows along some direction, though it cancels along another."""

import numpy as np

from tfp_flows.grading.replies import Value
from tfp_flows.grading.rubrics.realnvp.gradients import cut


class Directions:
    """Gives directions in turn, where random ones are drawn."""

    def __init__(self, *directions):
        self._directions = iter(directions)

    def normal(self, size):
        direction = np.asarray(next(self._directions), float)
        assert direction.shape == size
        return direction


def lost(gradient, *directions):
    value = Value("array", "ndarray", np.asarray(gradient, np.float32), "float32")
    return cut(lambda arrays: arrays[0].sum(), [np.zeros(2)], [value], Directions(*directions))


def test_two_directions_are_looked_along():
    assert lost([1, 1], [1, -1], [1, 1]) == set()
    assert lost([0, 0], [1, -1], [1, 1]) == {0}
    assert lost([0, 0], [1, 1], [1, -1]) == {0}

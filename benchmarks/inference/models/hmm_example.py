"""Two hidden states with normal emissions of scale 1."""

from benchmarks.inference.models import hidden_states
from benchmarks.inference.models.pieces import joint, real, restricted_normal, tfb, tfd


def model(data):
    """Of the series ``y`` of length ``N``."""
    ordered = tfb.Chain([tfb.Exp(), tfb.Ascending()])

    def law():
        theta1, theta2 = yield from hidden_states.transitions()
        mu = yield restricted_normal("mu", [3, 10], 1, ordered)
        emission = tfd.Normal(mu, real(1))
        yield hidden_states.hidden_markov(theta1, theta2, emission, data["N"], "y")

    return joint(law, y=data["y"])

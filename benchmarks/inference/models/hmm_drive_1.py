"""Two hidden states of a drive in basketball, each seen by two numbers."""

import tensorflow as tf

from benchmarks.inference.models import hidden_states
from benchmarks.inference.models.pieces import joint, real, restricted_normal, tfb, tfd


def model(data):
    """Of ``u``, ``v``, their scales ``tau`` and ``rho``, and ``alpha``."""
    seen = tf.stack([real(data["u"]), real(data["v"])], axis=-1)
    scales = real([data["tau"], data["rho"]])

    def law():
        theta1, theta2 = yield from hidden_states.transitions(data["alpha"])
        phi = yield restricted_normal("phi", [0, 3], 1, tfb.Ascending())
        centre = yield restricted_normal("lambda_", [0, 3], 1, tfb.Ascending())
        emission = tfd.MultivariateNormalDiag(tf.stack([phi, centre], axis=-1), scales)
        yield hidden_states.hidden_markov(theta1, theta2, emission, data["N"], "seen")

    return joint(law, seen=seen)


def transformed(data, parameters):
    """The parameters; one is called as a keyword of Python."""
    return {name.rstrip("_"): value for name, value in parameters.items()}

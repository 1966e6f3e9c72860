"""Submissions whose values are right at a glance, and that cannot train or work together."""

from typing import NamedTuple

from grading.mutants import SOLUTION


class Fault(NamedTuple):
    name: str
    replaced: tuple[tuple[str, str], ...]
    items: dict[str, tuple[float, str]]  # points, and a regular expression for the message

    @property
    def source(self) -> str:
        text = SOLUTION
        for old, new in self.replaced:
            assert old in text, old
            text = text.replace(old, new)
        return text


_METHODS = SOLUTION[
    SOLUTION.index("    def _forward(self, x):") : SOLUTION.index("def realnvp_block")
]
LOG_DETS = _METHODS[_METHODS.index("    def _forward_log_det") :]
_MEMBERS = SOLUTION[
    SOLUTION.index("    bijectors = [") : SOLUTION.index("    return tfb.Chain(list(")
]
_FNS = "shift_and_log_scale_fns"
_BACKWARDS = f"""    bijectors = [
        AffineCouplingLayer({_FNS}[3], "channel", 0),
        AffineCouplingLayer({_FNS}[4], "channel", 1),
        tfb.BatchNormalization(),
        AffineCouplingLayer({_FNS}[5], "channel", 0),
        tfb.BatchNormalization(),
        AffineCouplingLayer({_FNS}[0], "checkerboard", 0),
        AffineCouplingLayer({_FNS}[1], "checkerboard", 1),
        AffineCouplingLayer({_FNS}[2], "checkerboard", 0),
        squeeze,
    ]
"""
_WRONG_MAP = "AffineCouplingLayer it does not work"
FAULTS = [
    Fault(
        "network sees the sum of the channels",
        (("l2(l=5e-5))(h0)", "l2(l=5e-5))(tf.reduce_sum(h0, -1, keepdims=True))"),),
        {"get_conv_resnet": (9, "kernels of convolution 1 are for fewer channels")},
    ),
    Fault(
        "network stops the gradient of the log-scale",
        (("= tf.math.tanh(log_scale)", "= tf.stop_gradient(tf.math.tanh(log_scale))"),),
        {"get_conv_resnet": (4.5, "Gradients .* it cannot train")},
    ),
    Fault(
        "network stops the gradient of a branch",
        (("h1 = tf.add(h, h0)", "h1 = tf.add(h, tf.stop_gradient(h0))"),),
        {"get_conv_resnet": (4.5, "Gradients to its input")},
    ),
    Fault(
        "network has everything wrong and a small kernel",
        (
            ("Conv2D(2 * input_shape[-1], (3, 3)", "Conv2D(2 * input_shape[-1], (1, 1)"),
            ("g2 = tf.add(g, h1)", "g2 = tf.sin(g)"),
        ),
        {"get_conv_resnet": (0, "kernel of .* outputs are wrong as well")},
    ),
    Fault(
        "maps and log-dets stop gradients",
        (
            ("x * tf.exp(s) + t", "x * tf.exp(tf.stop_gradient(s)) + t"),
            ("((y - t)", "((y - tf.stop_gradient(t))"),
            ("fldj = tf.reduce_sum((1 - b) * s",
             "fldj = tf.reduce_sum((1 - b) * tf.stop_gradient(s)"),
            ("ildj = -tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])",
             "ildj = tf.constant(-np.sum(((1 - b) * s).numpy(), axis=(1, 2, 3)))"),
        ),
        {
            "forward": (3, "Gradients to the input and the network"),
            "inverse": (3, "Gradients to the input and the network"),
            "forward_log_det_jacobian": (2.5, "Gradients"),
            "inverse_log_det_jacobian": (2.5, "Gradients"),
        },
    ),
    Fault(
        "layer without its methods",
        ((_METHODS, ""),),
        {
            "AffineCouplingLayer": (9, "methods are missing .* _forward, _inverse, _forward_log"),
            "realnvp_block": (12, _WRONG_MAP),
        },
    ),
    Fault(
        "layer with maps exchanged",
        (("return forward(x, b, self", "return inverse(x, b, self"),
         ("return inverse(y, b, self", "return forward(y, b, self")),
        {
            "AffineCouplingLayer": (9, "changed .each is the other one.*_forward, _inverse"),
            "realnvp_block": (12, _WRONG_MAP),
        },
    ),
    Fault(
        "layer with a log-det of the wrong sign",
        (("return forward_log_det_jacobian(x", "return -forward_log_det_jacobian(x"),),
        {
            "AffineCouplingLayer": (9, "are changed .*_forward_log_det_jacobian"),
            "realnvp_block": (12, _WRONG_MAP),
        },
    ),
    Fault("layer of the graded parts with maps", ((LOG_DETS, "\n\n"),), {}),
    Fault(
        "block without couplings",
        ((_MEMBERS, "    bijectors = [squeeze, tfb.BatchNormalization()]\n"),),
        {"realnvp_block": (0, "no coupling layer")},
    ),
    Fault(
        "block with no layer in its place",
        ((_MEMBERS, _BACKWARDS),),
        {"realnvp_block": (0, "No coupling layer stands in its place")},
    ),
]  # fmt: skip

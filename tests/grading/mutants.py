"""Planted errors: one each, as a replacement in solution.py, with the item and what must be said."""

from pathlib import Path
from typing import NamedTuple

SOLUTION = (Path(__file__).parent / "solution.py").read_text()


class Mutant(NamedTuple):
    item: str
    old: str
    new: str
    says: str  # a regular expression for the message
    count: int = 1  # how many places are replaced; 0 for all

    @property
    def source(self) -> str:
        assert self.old in SOLUTION
        return SOLUTION.replace(self.old, self.new, self.count or -1)


_FN = "shift_and_log_scale_fns"
_CONV = 'padding="SAME", activation="relu", kernel_regularizer=l2(l=5e-5))'
_SECOND_CONV = f"h = Conv2D(input_shape[-1], (3, 3), {_CONV}(h)"
_RESNET = [
    ("log_scale = tf.math.tanh(log_scale)", "", "log_scale is not passed through tanh"),
    ("log_scale = tf.math.tanh(log_scale)", "shift, log_scale = tf.tanh(shift), tf.tanh(log_scale)",
     "shift is passed through tanh"),
    ("log_scale = tf.math.tanh(log_scale)", "shift = tf.tanh(shift)", "tanh is on the shift"),
    ("outputs=[shift, log_scale]", "outputs=[log_scale, shift]", "outputs are in the wrong order"),
    ("shift, log_scale = tf.split", "log_scale, shift = tf.split", "halves of the split"),
    ("h1 = tf.add(h, h0)", "h1 = h", "first residual connection"),
    ("g2 = tf.add(g, h1)", "g2 = g", "second residual connection .* is missing"),
    ("g2 = tf.add(g, h1)", "g2 = tf.add(g, h0)", "adds the network's input"),
    ("    g = BatchNormalization()(g)\n    g2", "    g2", "normalisation after convolution 4 is missing"),
    ("    h = BatchNormalization()(h)\n    h1", "    h1", "normalisation after convolution 2 is missing"),
    ("BatchNormalization()(g)", "BatchNormalization()(g, training=False)", "statistics of the batch"),
    (_SECOND_CONV, _SECOND_CONV.replace('activation="relu", ', ""), "relu is missing: at convolution 2"),
    ("g2)\n    shift", "g2)\n    out = tf.nn.relu(out)\n    shift", "last convolution has the activation relu"),
    (", kernel_regularizer=l2(l=5e-5))(g2)", ")(g2)", "4 regularisation losses of 5"),
    ("l2(l=5e-5)", "l2(l=5e-4)", "factor of the regulariser", 0),
    ("regularizers import l2", "regularizers import l1 as l2", "kind of the regulariser"),
    ("Conv2D(2 * input_shape[-1], (3, 3)", "Conv2D(2 * input_shape[-1], (1, 1)", "kernel of"),
    ("Conv2D(2 * input_shape[-1], (3, 3)", "Conv2D(2 * input_shape[-1], (5, 5)", "kernel of .5, 5"),
    ("return Model(inputs=h0, outputs=[shift, log_scale])",
     "return Model(inputs=h0, outputs=out)", "not \\[shift, log_scale\\]"),
    ('padding="SAME", kernel', 'padding="VALID", kernel', "has the shape"),
    ("h = Conv2D(filters,", "h = Conv2D(32,", "Convolution 1 has 32 filters"),
]  # fmt: skip
_COUPLING = [
    ("forward", "x * tf.exp(s) + t", "x * tf.exp(-s) + t", "sign of log_scale"),
    ("forward", "x * tf.exp(s) + t", "(x + t) * tf.exp(s)", "wrong order"),
    ("forward", "x * tf.exp(s) + t", "x * tf.exp(s) - t", "sign of the shift"),
    ("forward", "x * tf.exp(s) + t", "x * s + t", "as if it were the scale"),
    ("forward", "b * x + (1 - b) * (x", "(1 - b) * (x", "keeps are lost"),
    ("forward", "b * x + (1 - b) * (x", "b * x + (x", "transformed too"),
    ("forward", "y = b * x + (1 - b) * (", "y = (1 - b) * x + b * (", "roles are swapped in the result"),
    ("forward", "t, s = shift_and_log_scale_fn(b * x)", "t, s = shift_and_log_scale_fn(x)",
     "entries that the mask hides"),
    ("forward", "t, s = shift_and_log_scale_fn(b * x)", "s, t = shift_and_log_scale_fn(b * x)",
     "outputs are taken in the wrong order"),
    ("forward", "    t, s = shift", "    b = 1 - b\n    t, s = shift", "roles are swapped"),
    ("inverse", "((y - t) * tf.exp(-s))", "((y - t) * tf.exp(s))", "sign of log_scale"),
    ("inverse", "((y - t) * tf.exp(-s))", "(y * tf.exp(-s) - t)", "wrong order"),
    ("inverse", "((y - t) * tf.exp(-s))", "(y * tf.exp(s) + t)", "formula of forward"),
    ("inverse", "t, s = shift_and_log_scale_fn(b * y)", "t, s = shift_and_log_scale_fn(y)",
     "entries that the mask hides"),
    ("inverse", "b * y + (1 - b) * ((y", "(1 - b) * y + b * ((y", "roles are swapped in the result"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum", "fldj = -tf.reduce_sum", "sign of the log-det"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum((1 - b) * s", "fldj = tf.reduce_sum(s",
     "keeps are counted too"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum((1 - b) * s", "fldj = tf.reduce_sum(b * s",
     "wrong half"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum", "fldj = tf.reduce_mean", "averaged"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])",
     "fldj = tf.reduce_sum((1 - b) * s)", "summed over the batch"),
    ("forward_log_det_jacobian", "fldj = tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])",
     "fldj = tf.reduce_sum((1 - b) * s, axis=[1, 2])", "wrong axes"),
    ("inverse_log_det_jacobian", "ildj = -tf", "ildj = tf", "sign of the log-det"),
    ("inverse_log_det_jacobian", "ildj = -tf.reduce_sum((1 - b) * s", "ildj = -tf.reduce_sum((1 - b) * t",
     "made of the shift"),
    ("inverse_log_det_jacobian", "ildj = -tf.reduce_sum((1 - b) * s, axis=[1, 2, 3])",
     "ildj = -(1 - b) * s", "none is made"),
]  # fmt: skip
_OTHERS = [
    ("channel_binary_mask", "parts = [zeros, ones]", "parts = [ones, zeros]", "halves are swapped"),
    ("channel_binary_mask", "if orientation == 1:\n        parts", "if orientation == 2:\n        parts",
     "With orientation 1 the mask's halves are swapped"),
    ("channel_binary_mask", "return tf.concat(parts, axis=-1)", "return tf.concat(parts, axis=-1)[0, 0]",
     "returns the shape"),
    ("channel_binary_mask", "return tf.concat(parts, axis=-1)",
     "return tf.cast(tf.concat(parts, axis=-1), tf.float64)", "float64"),
    ("channel_binary_mask", "def channel_binary_mask(num_channels, orientation=0)",
     "def channel_binary_mask(num_channels, orientation=1)", "Without an orientation"),
    ("AffineCouplingLayer", "forward_min_event_ndims=3, **kwargs", "forward_min_event_ndims=1, **kwargs",
     "forward_min_event_ndims"),
    ("AffineCouplingLayer", "forward_min_event_ndims=3, **kwargs", "forward_min_event_ndims=3",
     "do not reach the base class"),
    ("AffineCouplingLayer", "self.orientation = orientation", "self.orientation = 0",
     "not kept as attributes: orientation"),
    ("AffineCouplingLayer", 'if self.mask_type == "channel"', 'if self.mask_type != "channel"',
     "mask type for the other one"),
    ("AffineCouplingLayer", "checkerboard_binary_mask(shape[1:3], self.orientation)",
     "checkerboard_binary_mask(shape[1:3])", "does not use the orientation of a checkerboard"),
    ("AffineCouplingLayer", "shape[-1], self.orientation", "shape[-1], 1 - self.orientation",
     "wrong for the mask type 'channel'"),
    ("AffineCouplingLayer", "class AffineCouplingLayer(tfb.Bijector)", "class AffineCouplingLayer(tf.Module)",
     r"raises \(line \d+\) TypeError"),
    ("realnvp_block", f"{_FN}[5], \"channel\", 0),\n        tfb.BatchNormalization(),",
     f"{_FN}[5], \"channel\", 0),", "second normalisation is missing"),
    ("realnvp_block", "        tfb.BatchNormalization(),\n        squeeze", "        squeeze",
     "first normalisation is missing"),
    ("realnvp_block", "        tfb.BatchNormalization(),\n        squeeze,",
     "        squeeze,\n        tfb.BatchNormalization(),", "squeeze stands before the first normalisation"),
    ("realnvp_block", "list(reversed(bijectors))", "bijectors", "runs backwards"),
    ("realnvp_block", f"{_FN}[1], \"checkerboard\", 1", f"{_FN}[1], \"checkerboard\", 0",
     "orientations do not alternate"),
    ("realnvp_block", f"{_FN}[4], \"channel\", 1", f"{_FN}[4], \"channel\", 0",
     "orientations do not alternate"),
    ("realnvp_block", f"{_FN}[1], \"ch", f"{_FN}[2], \"ch", "functions are in the wrong order"),
    ("realnvp_block", f"{_FN}[3], \"channel\"", f"{_FN}[3], \"checkerboard\"", "in the wrong places"),
    ("realnvp_block", f"        AffineCouplingLayer({_FN}[5], \"channel\", 0),\n", "",
     "5 coupling layers"),
    ("realnvp_block", f"{_FN}[5], \"channel\", 0),\n        tfb.BatchNormalization()",
     f"{_FN}[5], \"channel\", 0),\n        tfb.BatchNormalization(training=False)", "normalise by the batch"),
    ("realnvp_block", "        squeeze,\n", "", "squeeze is there 0 times"),
    ("get_preprocess_bijector", "[logit, shift, scale]", "[scale, shift, logit]", "wrong order"),
    ("get_preprocess_bijector", "[logit, shift, scale]", "[logit, scale, shift]", "wrong order"),
    ("get_preprocess_bijector", "1 - 2 * alpha", "1 - alpha", "factor of x is wrong"),
    ("get_preprocess_bijector", "[logit, shift, scale]", "[logit, scale]", "shift by alpha is missing"),
    ("get_preprocess_bijector", "[logit, shift, scale]", "[shift, scale]", "logit is missing"),
    ("get_preprocess_bijector", "tfb.Invert(tfb.Sigmoid())", "tfb.Sigmoid()", "inverse is needed"),
    ("get_preprocess_bijector", "return tfb.Chain([logit, shift, scale])",
     "return tfb.Invert(tfb.Chain([logit, shift, scale]))", "runs backwards"),
]  # fmt: skip

MUTANTS = [
    *(Mutant("get_conv_resnet", *entry) for entry in _RESNET),
    *(Mutant(*entry) for entry in _COUPLING + _OTHERS),
]

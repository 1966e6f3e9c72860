"""Right submissions, written in odd ways and graded whole: each scores everything."""

import random

import pytest

from grading import ways
from grading.mutants import SOLUTION

GRADED = (
    "get_conv_resnet", "channel_binary_mask", "forward", "inverse", "forward_log_det_jacobian",
    "inverse_log_det_jacobian", "AffineCouplingLayer", "realnvp_block", "get_preprocess_bijector",
)  # fmt: skip
HEAD, *PARTS = SOLUTION.split("\n\n\n")
WITHIN = "    from tqdm import trange\n    import tensorflow_addons as tfa\n    import wandb\n"
CHANGES = {
    "tables": (
        ("def get_conv", "ACTS = {}\nfor i, key in enumerate(['h', 'o']):\n"
         "    ACTS[key] = ['relu', None][i]\nPADS = []\nPADS.append('SAME')\n\n\ndef get_conv"),
        ('activation="relu"', "activation=ACTS['h']"), ('padding="SAME"', "padding=PADS[0]"),
        ("def get_pre", "TWO = None\n\n\ndef setup():\n    global TWO\n    TWO = 2\n\n\n"
         "setup()\n\n\ndef get_pre"),
        ("1 - 2 * alpha", "1 - TWO * alpha"),
        ("import numpy as np", "import numpy as np\nlist = [1, 2]\nprint(list)\ndel list"),
    ),
    "bars": (
        ("    h0 = Input", f"{WITHIN}    for _ in trange(1):\n        pass\n    h0 = Input"),
        ("    return Model(", "    tf.keras.utils.plot_model(Model(h0, out), 'm.png')\n"
         "    display(out)\n    return Model("),
    ),
    "old names": (
        ("from tensorflow.keras.layers import Conv2D, BatchNormalization",
         "from keras.layers.convolutional import Conv2D\n"
         "from keras.layers.normalization import BatchNormalization"),
        ("from tensorflow.keras import Model, Input",
         "from keras.engine.training import Model\nfrom keras.engine import Input"),
        ("    scale = tfb.Scale(1 - 2 * alpha)\n    return tfb.Chain([logit, shift, scale])",
         "    whole = tfb.Affine(shift=alpha, scale_identity_multiplier=1 - 2 * alpha)\n"
         "    return tfb.Chain([logit, whole])"),
    ),
    "values of their time": (
        ("def get_pre", "two = 2\nFACTOR = two\ntwo = 1000\n\n\ndef get_pre"),
        ("1 - 2 * alpha", "1 - FACTOR * alpha"),
        ("def get_conv", "def rectify(v):\n    return tf.nn.relu(v)\n\n\n"
         "tf.keras.utils.get_custom_objects().update({'rectify': rectify})\n\n\ndef get_conv"),
        ('activation="relu"', 'activation="rectify"'),
    ),
}  # fmt: skip


def _score(grader, place, data, name):
    (place / name).write_bytes(data)
    report = grader.grade(place / name)
    wrong = {item.id: item.message for item in report.items if item.points < item.maximum}
    assert wrong == {}
    assert report.percent == 100


@pytest.mark.parametrize("change", CHANGES)
def test_right_though_odd(change, grader, tmp_path):
    text = SOLUTION
    for old, new in CHANGES[change]:
        assert old in text
        text = text.replace(old, new)
    _score(grader, tmp_path, text.encode(), "submission.py")


def _name_of(part):
    words = part.partition("(")[0].split()
    return words[1] if words and words[0] in ("def", "class") else ""


@pytest.mark.parametrize("seed", range(5))
def test_pieces_in_all_ways(seed, grader, tmp_path):
    draw = random.Random(seed)
    head, form = draw.choice(sorted(ways.HEADS)), draw.choice(sorted(ways.SUFFIXES))
    pieces = [ways.HEADS[head], HEAD]
    for part in PARTS[:-1]:
        name = _name_of(part)
        way = draw.choice(ways.PIECES) if name in GRADED else ways.plain
        pieces += [way(name, part + "\n") if name else part, ways.NOISE[draw.choice([*ways.NOISE])]]
    _score(grader, tmp_path, *ways.written(pieces, form))

"""One row a kind of work: tiny data, quick options, what is refused, what its runs are for."""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from agent_row import AGENTS

FIXTURES = Path(__file__).parent / "fixtures"
# One for all tests of a process; each Keras writes its own.
_FOLDER = tempfile.TemporaryDirectory(prefix="backbone-")
BACKBONE = Path(_FOLDER.name) / "tiny.keras"


@dataclasses.dataclass(frozen=True)
class Row:
    """What the checks of all kinds need.

    Attributes:
        kind: Name of the kind.
        write: Writes what is fitted to into a folder; ``write(folder, changed=True)`` something
            slightly other under the same name. Returns the DATA of `fit`.
        options: Options of `fit` for a run of three quick rounds; in them ``{folder}`` stands for
            the folder of the data.
        data_changes: Whether what is fitted to can change.
        of: What of the kind the row is about, where it has several.
        verbs: For each verb what follows RUN, given the folder of the data; the last is the output.
        bad: Options, and a part of the sentence that refuses them.
        foreign: An option of another kind.
    """

    kind: str
    write: Callable[..., str]
    options: list[str]
    verbs: dict[str, Callable[[Path], list[str]]]
    bad: list[tuple[list[str], str]]
    foreign: list[str]
    data_changes: bool = True
    of: str = ""

    @property
    def name(self) -> str:
        """Name of the row: that of the kind, and what of it."""
        return f"{self.kind}_{self.of}" if self.of else self.kind


def _mixed(folder: Path, changed: bool = False) -> str:
    r = np.random.default_rng(0)
    kinds, legs = r.choice(["ant", "bee", ""], 120), r.poisson(4, 120)
    weights = r.gamma(2.0, size=120)
    legs[7] += changed
    lines = map("{},{},{:.17g}".format, kinds, legs, weights)
    (folder / "ants.csv").write_text("\n".join(["kind,legs,weight", *lines, ""]))
    return str(folder / "ants.csv")


def _table(folder: Path, changed: bool = False) -> str:
    values = np.random.default_rng(0).standard_normal((120, 2))
    values[7, 1] += 1e-3 * changed
    np.save(folder / "table.npy", values)
    return str(folder / "table.npy")


def _table_parts(folder: Path, changed: bool = False) -> str:
    values = np.random.default_rng(0).standard_normal((150, 2))
    values[7, 1] += 1e-3 * changed
    place = folder / "parts_of_table"
    place.mkdir(exist_ok=True)
    for k in range(3):
        np.savetxt(place / f"{k}.csv", values[k::3], delimiter=",", header="a,b", comments="")
    return str(place)


def _images(folder: Path, changed: bool = False) -> str:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (60, 4, 4, 1)).astype(np.uint8)
    # Of one image in the training part the label changes, no pixel.
    labels = np.arange(60) % 2 ^ (np.arange(60) == 7) * changed
    parts = {"x_train": pixels[:40], "x_val": pixels[40:50], "x_test": pixels[50:]}
    names = {"y_train": labels[:40], "y_val": labels[40:50], "y_test": labels[50:]}
    np.savez(folder / "images.npz", **parts, **names)
    return str(folder / "images.npz")


def _target(folder: Path, changed: bool = False) -> str:
    formula = "-tf.reduce_sum((x - 0.5) ** 2, axis=-1)" + " - 0.1" * changed
    text = f"import tensorflow as tf\n\n\ndef log_density(x):\n    return {formula}\n"
    (folder / "target.py").write_text(text)
    np.save(folder / "points.npy", np.zeros((3, 2)))
    return str(folder / "target.py:log_density")


def _recordings(folder: Path, changed: bool = False) -> str:
    generator = np.random.default_rng(0)
    parts = {}
    for part, count in {"train": 400, "test": 100}.items():
        audio = (3000 * generator.standard_normal(count)).astype(np.int16)
        audio[7] += 3 * changed
        parts |= {f"{part}_audio": audio, f"{part}_offsets": np.arange(0, count + 1, 50)}
    np.savez(folder / "clips.npz", sample_rate=8000, **parts)
    noisy = {"train_audio": parts["train_audio"], "train_offsets": np.array([0, 400])}
    np.savez(folder / "noisy.npz", sample_rate=8000, **noisy)
    with open(folder / "like.npz", "wb") as file:
        mel = {"rate": 8000, "hop": 8, "window": 16, "bands": 4, "high": 4000.0}
        np.savez(file, mel=np.zeros((6, 4)), settings=json.dumps(mel))
    return str(folder / "clips.npz")


def _parts(folder: Path, changed: bool = False) -> str:
    """Pictures of good parts and of bad ones, and a backbone of random weights."""
    import tensorflow as tf
    from PIL import Image

    generator = np.random.default_rng(0)
    for kind, count in (("train/good", 40), ("test/good", 4), ("test/spot", 4)):
        (folder / "parts" / kind).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = generator.integers(90, 140, (20, 24), dtype=np.uint8)
            pixels[0, 0] += changed and i == 7
            if kind.endswith("spot"):
                pixels[5:12, 8:15] = 250
            Image.fromarray(pixels).save(folder / "parts" / kind / f"{i:02d}.png")
    masks = folder / "parts" / "ground_truth" / "spot"
    masks.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((20, 24), np.uint8)
    mask[5:12, 8:15] = 255
    for i in range(3):
        Image.fromarray(mask).save(masks / f"{i:02d}_mask.png")
    if not BACKBONE.exists():
        tf.keras.utils.set_random_seed(0)
        layers = tf.keras.layers
        options = {"strides": 2, "padding": "same", "activation": "tanh"}
        tf.keras.Sequential(
            [
                tf.keras.Input([16, 16, 3]),
                layers.Rescaling(1 / 64, -2),
                layers.Conv2D(4, 3, name="first", **options),
                layers.Conv2D(6, 3, name="second", **options),
            ]
        ).save(BACKBONE)
    return str(folder / "parts")


def _model(folder: Path, changed: bool = False) -> str:
    text = (
        "import tensorflow_probability as tfp\n\ntfd = tfp.distributions\n\n\n"
        "@tfd.JointDistributionCoroutineAutoBatched\ndef model():\n"
        f"    mean = yield tfd.Normal(0.0, {5.0 + changed}, name='mean')\n"
        "    scale = yield tfd.HalfCauchy(0.0, 2.0, name='scale')\n"
        "    yield tfd.Sample(tfd.Normal(mean, scale), 5, name='y')\n"
    )
    (folder / "model.py").write_text(text)
    (folder / "data.json").write_text(json.dumps({"y": [1.0, 2.5, 3.0, 0.5, 1.5]}))
    return f"{folder / 'model.py'}:model"


ROWS = [
    Row(
        kind="tables",
        write=_table,
        options=["--layers", "1", "--hidden", "4", "--batch-size", "32"],
        verbs={
            "sample": lambda folder: ["-n", "3", "-o", "samples.csv"],
            "score": lambda folder: [str(folder / "table.npy"), "-o", "scores.csv"],
            "plot": lambda folder: ["-o", "picture.png"],
            "export": lambda folder: ["-o", "served"],
        },
        bad=[
            (["--columns", "9"], "column"),
            (["--learning-rate", "-1"], "give a positive number"),
            (["--hidden", "4;8"], "--hidden is '4;8'"),
            (["--flow", "mfa"], "did you mean 'maf'"),
            (["--flow", "glow", "--kind", "tables"], "glow is a flow of images"),
        ],
        foreign=["--size", "8"],
    ),
    Row(
        kind="tables",
        of="streamed",
        write=_table_parts,
        options=["--stream", "--layers", "1", "--hidden", "4", "--batch-size", "32"],
        verbs={
            "score": lambda folder: [str(folder / "parts_of_table"), "-o", "scores"],
            "sample": lambda folder: ["-n", "3", "-o", "samples"],
        },
        bad=[(["--by", "a"], "--by is for tables that are read whole")],
        foreign=["--size", "8"],
    ),
    Row(
        kind="tables",
        of="columns",
        write=_mixed,
        options=["--hidden", "4", "--batch-size", "32"],
        verbs={
            "sample": lambda folder: ["-n", "3", "-o", "samples.csv"],
            "score": lambda folder: [str(folder / "ants.csv"), "-o", "scores.csv"],
            "impute": lambda folder: [str(folder / "ants.csv"), "-o", "filled.csv"],
            "ask": lambda folder: ["legs", "-o", "answers.csv"],
            "schema": lambda folder: ["-o", "schema.toml"],
            "plot": lambda folder: ["-o", "picture.png"],
        },
        bad=[(["--columns", "9"], "column"), (["--given", "legz"], "did you mean 'legs'")],
        foreign=["--size", "8"],
    ),
    Row(
        kind="images",
        write=_images,
        options=[
            *("--flow", "glow", "--hidden", "2", "--batch-size", "16", "--by-class"),
            *("--flow-option", "num_levels=1", "--flow-option", "depth=1"),
        ],
        verbs={
            "sample": lambda folder: ["-n", "3", "--class", "1", "-o", "samples.png"],
            "plot": lambda folder: ["-o", "picture.png"],
            "export": lambda folder: ["-o", "served"],
        },
        bad=[
            (["--size", "3"], "larger than size 3"),
            (["--learning-rate", "nan"], "give a positive number"),
            (["--flow-option", "alpha=2"], "alpha must be in (0, 0.5)"),
            (["--kind", "images", "--flow", "maf"], "maf is a flow of vectors"),
        ],
        foreign=["--columns", "a"],
    ),
    Row(
        kind="targets",
        write=_target,
        options=["--dim", "2", "--layers", "1", "--hidden", "4", "--batch-size", "8"],
        verbs={
            "sample": lambda folder: ["-n", "3", "--weights", "-o", "samples.csv"],
            "score": lambda folder: [str(folder / "points.npy"), "-o", "scores.csv"],
            "plot": lambda folder: ["-o", "picture.png"],
            "export": lambda folder: ["-o", "served"],
        },
        bad=[
            (["--spread", "-1"], "give a positive number"),
            (["--learning-rate", "0"], "give a positive number"),
            (["--flow", "realnpv"], "did you mean 'realnvp'"),
            (["--flow", "glow"], "glow is a flow of images"),
            (["--flow-option", "depth=3"], "Unknown option of realnvp 'depth'"),
        ],
        foreign=["--columns", "a"],
    ),
    Row(
        kind="speech",
        write=_recordings,
        options=[
            *("--hop", "8", "--window", "16", "--bands", "4", "--segment", "32", "--hidden", "4,4"),
            *("--flow-option", "squeeze=4", "--flow-option", "depth=2", "--batch-size", "4"),
            *("--flow-option", "condition_units=[4]", "--flow-option", "early_every=1"),
            *("--flow-option", "early_size=1"),
        ],
        verbs={
            "sample": lambda folder: [
                *("--like", str(folder / "like.npz"), "--denoise"),
                *("--latents-of", str(folder / "noisy.npz"), "-o", "out.wav"),
            ],
            "score": lambda folder: [str(folder / "clips.npz"), "-o", "scores.csv"],
            "clean": lambda folder: [str(folder / "noisy.npz"), "-o", "clean.wav"],
            "plot": lambda folder: ["-o", "picture.png"],
            "export": lambda folder: ["-o", "served"],
        },
        bad=[
            (["--segment", "30"], "a segment of whole frames"),
            (["--learning-rate", "0"], "give a positive number"),
            (["--window", "64", "--segment", "64"], "fewer than 64"),
            (["--window", "17"], "an even number of samples longer"),
            (["--high", "5000"], "half the rate"),
            (["--segment", "400"], "more than two segments"),
            (["--flow", "glow"], "glow is a flow of images"),
            (["--flow-option", "kernel_size=2"], "kernel_size must be odd"),
        ],
        foreign=["--columns", "a"],
    ),
    Row(
        kind="anomaly",
        write=_parts,
        options=[
            *("--flow", "fastflow", "--backbone", str(BACKBONE), "--layers", "1"),
            *("--feature-layers", "second", "--false-alarms", "0.2"),
        ],
        verbs={
            "score": lambda folder: [str(folder / "parts" / "test"), "-o", "scores.csv"],
            "evaluate": lambda folder: [str(folder / "parts"), "-o", "page.png"],
            "plot": lambda folder: ["-o", "picture.png"],
        },
        bad=[
            (["--false-alarms", "0.01"], "needs 99 held-out pictures"),
            (["--held-out", "2"], "give a share between 0 and 1"),
            (["--feature-layers", "secnod"], "did you mean 'second'"),
            (["--backbone", "efficientnet_lite"], "did you mean 'efficientnet_lite0'"),
            (["--size", "20"], "takes pictures of 16 x 16"),
            (["--flow", "glow"], "glow is a flow of images"),
        ],
        foreign=["--columns", "a"],
    ),
    Row(
        kind="posteriors",
        write=_model,
        options=[
            *("--observed", "{folder}/data.json", "--flow", "realnvp", "--layers", "2"),
            *("--hidden", "4", "--batch-size", "16", "--evaluation-draws", "500"),
        ],
        verbs={
            "sample": lambda folder: ["-n", "3", "--resample", "-o", "samples.csv"],
            "chains": lambda folder: [
                *("-n", "10", "--chains", "2", "--warm-up", "10", "-o", "chains.npz")
            ],
            "plot": lambda folder: ["-o", "picture.png"],
        },
        bad=[
            (["--flow", "full_rnak"], "did you mean 'full_rank'"),
            (["--flow", "full_rank"], "full_rank has no sizes to choose"),
            (["--learning-rate", "0"], "give a positive number"),
            (["--flow-option", "depth=3"], "Unknown option of realnvp 'depth'"),
            (["--observed", "{folder}/gone.json"], "Cannot read"),
            (["--observed", "{folder}/model.py"], "give a .json or an .npz file"),
        ],
        foreign=["--columns", "a"],
    ),
    Row(**AGENTS),
]

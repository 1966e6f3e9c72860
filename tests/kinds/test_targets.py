"""Targets: formulas against quadrature and identities, weights against closed forms, bad files."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf
from commands import bad, good

import tfp_flows as tff
from tfp_flows.kinds.targets.formulas import FORMULAS
from tfp_flows.kinds.targets.settings import TargetSettings
from tfp_flows.kinds.targets.source import load
from tfp_flows.kinds.targets.trainer import ReverseKL
from tfp_flows.vi.steps import STEPS
from tfp_flows.vi.weights import measures

QUICK = ["--kind", "targets", "--layers", 2, "--hidden", 8, "--batch-size", 32]
HEAD = "import tensorflow as tf\ndef f(x):\n    "
# Of a normal of deviation 0.5 around 1 in each of D coordinates, times 7.
NORMAL = HEAD + "return tf.math.log(7.0) - 2 * tf.reduce_sum((x - 1) ** 2, axis=-1)\n"


@pytest.mark.parametrize("name", FORMULAS)
def test_draws_are_of_the_density(name):
    """Stein's identity: the mean of ``x_i d log p / d x_i`` is -1 for each coordinate."""
    formula = FORMULAS[name]
    dim = formula.fixed or 3
    x = tf.constant(formula.draw(20_000, dim, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = formula.log_density(x)
    assert value.shape == [20_000]
    products = (x * tape.gradient(value, x)).numpy()
    error = products.std(axis=0) / math.sqrt(len(products))
    assert (error < 0.5).all()
    np.testing.assert_allclose(products.mean(axis=0), -1, atol=5 * error.max())


@pytest.mark.parametrize("name", FORMULAS)
def test_normalisers_are_those_of_quadrature(name):
    formula = FORMULAS[name]
    # Past the walls of the potentials and the tails of the others; the funnel's neck is narrow.
    reach = {"banana": (60, 200), "rosenbrock": (7, 40), "funnel": (25, 0)}.get(name, (7, 7))
    x0 = np.linspace(-reach[0], reach[0], 1201)
    if name == "funnel":
        y = np.linspace(-9, 9, 201)
        x1 = np.exp(x0 / 2)[:, None] * y  # stretched as the funnel is
        width = np.exp(x0 / 2)[:, None] * (y[1] - y[0])
    else:
        centre = {"banana": -0.03 * (x0**2 - 100), "rosenbrock": x0**2}.get(name, 0 * x0)
        half = {"banana": 9, "rosenbrock": 0.7}.get(name, 7)
        y = np.linspace(-half, half, 801)
        x1, width = centre[:, None] + y, y[1] - y[0]
    points = np.stack(np.broadcast_arrays(x0[:, None], x1), axis=-1)
    density = np.exp(formula.log_density(tf.constant(points)).numpy())
    total = (density * width).sum() * (x0[1] - x0[0])
    value, error = formula.log_normaliser(2)
    assert error < 1e-5
    assert value == pytest.approx(math.log(total), abs=1e-5 + error)


def test_normaliser_and_draws_of_a_longer_rosenbrock():
    axis = np.linspace(-3, 5, 1601)
    step = axis[1] - axis[0]
    a, b = axis[:, None], axis[None, :]
    pairs = np.exp(-((1 - a) ** 2) - ((1 - b) ** 2) - 100 * (b - a**2) ** 2)
    expected = math.log(pairs.sum() * step**2 * math.sqrt(math.pi / 100))
    formula = FORMULAS["rosenbrock"]
    assert formula.log_normaliser(3)[0] == pytest.approx(expected, abs=1e-6)
    draws, pairs = formula.draw(20_000, 3, 0), pairs / pairs.sum()
    means = [(pairs * value).sum() for value in (a, b, b**2)]
    np.testing.assert_allclose(draws.mean(axis=0), means, atol=5 * draws.std(axis=0).max() / 141)
    deviation = (draws[:, 2] - draws[:, 1] ** 2).std()
    assert deviation == pytest.approx(math.sqrt(1 / 200), rel=0.03)


def test_measures_of_log_normal_weights():
    """If ``log w`` is normal of mean m and deviation s, all of them have closed forms."""
    m, s, count = -3.0, 0.7, 200_000
    found = measures(m + s * np.random.default_rng(0).standard_normal(count))
    assert found["bound_nats"] == pytest.approx(m, abs=0.01)
    assert found["bound_standard_error"] == pytest.approx(s / math.sqrt(count), rel=0.02)
    assert found["log_normaliser"] == pytest.approx(m + s**2 / 2, abs=0.01)
    assert found["effective_share"] == pytest.approx(math.exp(-(s**2)), rel=0.03)
    error = math.sqrt((math.exp(s**2) - 1) / count)
    assert found["log_normaliser_standard_error"] == pytest.approx(error, rel=0.05)
    json.dumps(found, allow_nan=False)


def test_measures_where_the_target_is_not_finite():
    found = measures(np.array([0.0, 0.0, -np.inf, np.nan]))
    assert found["bound_nats"] is None
    assert found["draws_not_finite"] == 2
    assert found["log_normaliser"] == pytest.approx(math.log(0.5))
    assert measures(np.array([np.nan, -np.inf]))["log_normaliser"] is None


@pytest.mark.deep
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_a_file_of_ones_own(tmp_path, dim):
    (tmp_path / "beside.py").write_text("SEVEN = 7.0\n")
    text = "from beside import SEVEN\n" + NORMAL.replace("7.0", "SEVEN")
    (tmp_path / "normal.py").write_text(text)
    flow = ["planar"] if dim == 1 else ["realnvp"]
    options = ["--kind", "targets", "--dim", dim, "--epochs", 6, "--layers", 2, "--batch-size", 64]
    out = tmp_path / "run"
    data = f"{tmp_path / 'normal.py'}:f"
    done = good("fit", data, *options, "--flow", *flow, "--learning-rate", 0.02, "--out", out)
    assert "Effective sample size: " in done.stdout
    assert {"target.png", "training_curve.png"} <= {path.name for path in out.iterdir()}
    test = tff.open_run(out).metrics["test"]
    expected = math.log(7) + dim / 2 * math.log(math.pi / 2)
    error = test["log_normaliser_standard_error"]
    assert test["log_normaliser"] == pytest.approx(expected, abs=5 * error + 1e-3)
    assert expected - 0.1 < test["bound_nats"] < expected + 5 * test["bound_standard_error"]
    assert test["effective_share"] > 0.8
    assert test["known_log_normaliser"] == {"value": None, "error": None}
    # Samples and their weights are those of the model and the file.
    good("sample", out, "-n", 50, "--weights", "-o", tmp_path / "s.npy")
    x, weights = np.split(np.load(tmp_path / "s.npy").astype(np.float32), [dim], axis=1)
    log_q = tff.open_run(out).model.flow.log_prob(x).numpy()
    log_p = math.log(7) - 2 * ((x - 1) ** 2).sum(axis=1)
    np.testing.assert_allclose(weights[:, 0], log_p - log_q, atol=2e-3)
    # The flow alone, once the file is gone.
    (tmp_path / "normal.py").unlink()
    assert "only samples are drawn" in good("plot", out).stderr
    assert "Cannot read" in bad("sample", out, "--weights", "-o", tmp_path / "w.csv")
    np.save(tmp_path / "wide.npy", np.zeros((4, dim + 1)))
    said = bad("score", out, tmp_path / "wide.npy", "-o", tmp_path / "scores.csv")
    assert str(dim + 1) in said


@pytest.mark.deep
def test_a_named_target_has_its_normaliser(tmp_path):
    out = tmp_path / "run"
    options = [*QUICK, "--flow", "realnvp", "--epochs", 2, "--no-plots", "--dtype", "float64"]
    done = good("fit", "funnel", *options, "--dim", 3, "--out", out)
    expected = math.log(3) + 1.5 * math.log(2 * math.pi)
    run = tff.open_run(out)
    assert run.metrics["test"]["known_log_normaliser"]["value"] == pytest.approx(expected)
    assert f"known: {expected:.4f}" in done.stdout
    assert run.model.flow.dtype == tf.float64
    assert run.settings.dim == 3


@pytest.mark.parametrize(
    ("flow", "name", "remarks"),
    [
        ("planar", "u1", []),
        ("iaf", "u2", ["soft walls at |x0| = 4"]),
        ("maf", "u3", ["soft walls at |x0| = 4", "maf is slow at drawing samples"]),
        ("ffjord", "funnel", ["ffjord is slow at drawing samples"]),
        ("circular_nsf", "u1", ["covers a box alone"]),
    ],
)
def test_remarks(flow, name, remarks):
    found = load(TargetSettings(data=name, flow=flow).check()).remarks()
    assert len(found) == len(remarks)
    assert all(part in one for part, one in zip(remarks, found, strict=True))


FILES = [
    ("def g(x):\n    return x\n", "has no 'f'"),
    ("f = 3\n", "holds something that is no function: 'f'"),
    ("import nothing_of_this_name\n", "does not run: ModuleNotFoundError: No module named"),
    ("def f(x:\n", "does not run: SyntaxError"),
    (HEAD + "return -x ** 2\n", "returns shape (512, 2) for points of shape (512, 2)"),
    (HEAD + "return tf.reduce_sum(x)\n", "returns shape () for"),
    (HEAD + "return 3.0\n", "returns float, not a tensor"),
    (HEAD + "return tf.cast(x[:, 0], tf.float64)\n", "returns float64 for points of float32"),
    (HEAD + "return x[:, 0] * float('nan')\n", "not finite at every one of 512 draws"),
    (HEAD + "return tf.math.log(x[:, 0])\n", "draws of the flow it begins with (deviation 1)"),
    (HEAD + "return tf.round(tf.stop_gradient(x[:, 0]))\n", "is not differentiable"),
    (HEAD + "import numpy as np\n    return np.sum(np.array(x), 1)\n", "fails at points of shape"),
    (HEAD + "return x[:, 0] + x[:, 5]\n", "fails at points of shape (512, 2)"),
    (HEAD + "return -tf.sqrt(tf.abs(x[:, 0] * 0))\n", "The gradient of t.py:f is not finite"),
]


def test_files_that_will_not_do(tmp_path):
    path, out = tmp_path / "t.py", tmp_path / "run"
    for text, message in FILES:
        path.write_text(text)
        assert message in bad("fit", f"{path}:f", *QUICK, "--dim", 2, "--out", out), text
        assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["u5"], "Unknown target 'u5'; did you mean 'u"),
        (["funel"], "did you mean 'funnel'"),
        (["gone.py:f", "--dim", 2], "There is no file"),
        (["gone.py", "--dim", 2], "names nothing in a file; give file.py:name, as gone.py:log_den"),
        (["gone.py:", "--dim", 2], "names nothing in a file"),
        (["{file}"], "The dimension of"),
        (["{folder}"], "is no target"),
        (["u1", "--dim", 3], "--dim is 3, but u1 has 2 dimensions"),
        (["rosenbrock", "--dim", 1], "rosenbrock needs at least 2"),
        (["{file}", "--dim", 1], "needs at least 2, got 1"),
        (["u1", "--columns", "a"], "--columns is of tables"),
        (["u1", "--size", 8], "--size is of images"),
        (["u1", "--flow", "circular_nsf", "--spread", 2], "leave --spread out"),
    ],
)
def test_options_that_will_not_do(tmp_path, arguments, message):
    (tmp_path / "t.py").write_text(NORMAL)
    names = {"file": f"{tmp_path / 't.py'}:f", "folder": tmp_path}
    arguments = [str(argument).format(**names) for argument in arguments]
    assert message in bad("fit", *arguments, "--kind", "targets", "--out", tmp_path / "run")


def test_steps_without_a_finite_loss_change_nothing():
    """A target that is not a number at some draws leaves weights and moments finite."""
    flow = tff.flows.realnvp(event_shape=2, num_layers=1, hidden_units=[4], seed=0)
    flow.adapt(np.random.default_rng(0).standard_normal((100, 2)).astype(np.float32))
    model = tff.FlowModel(flow)

    def trained(cut):
        def log_density(x):
            return tf.where(x[:, 0] > cut, math.nan, -tf.reduce_sum((x - 0.2) ** 2, axis=-1))

        options = {"seed": 0, "batch_size": 4, "learning_rate": 1e-2}
        trainer = ReverseKL(model, log_density, decay_patience=3, warm_up=0, **options)
        before = model.get_weights()
        loss, kept = trainer._steps.train(tf.constant(0), tf.constant(1e-2), tf.constant(1.0))
        return before, model.get_weights(), trainer.state(), float(loss), int(kept)

    before, after, state, loss, kept = trained(-10.0)
    assert kept == 0
    assert math.isnan(loss)
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)
    _, after, state, loss, kept = trained(2.0)
    assert 0 < kept < STEPS
    assert state["update"][0] == kept
    assert math.isfinite(loss)
    assert all(np.isfinite(array).all() for array in [*after, *state["moment"]])


def test_steps_are_those_of_keras_adam():
    """A round of the trainer's loop, and the same draws with Keras' optimizer."""

    def log_density(x):
        return -0.5 * tf.reduce_sum((x - 1) ** 2, axis=-1)

    def new():
        return tff.flows.planar(event_shape=2, num_layers=2, standardize=False, seed=1)

    model, mine = tff.FlowModel(new()), new()
    options = {"seed": 3, "batch_size": 16, "learning_rate": 1e-2, "decay_patience": 3}
    # XLA draws other numbers from the same seed.
    trainer = ReverseKL(model, log_density, warm_up=0, compiled=False, **options)
    trainer._steps.train(tf.constant(7), tf.constant(1e-2), tf.constant(1.0))
    optimizer = tf.keras.optimizers.Adam(1e-2, epsilon=1e-8, global_clipnorm=5.0)
    rises = (np.arange(STEPS) + 1) / 200

    @tf.function
    def step(place):
        with tf.GradientTape() as tape:
            x, log_q = mine.sample_and_log_prob(16, seed=tf.stack([3, place]))
            loss = tf.reduce_mean(log_q - log_density(x))
        gradients = tape.gradient(loss, mine.trainable_variables)
        optimizer.apply_gradients(zip(gradients, mine.trainable_variables, strict=True))

    for place, rise in enumerate(rises):
        optimizer.learning_rate = 1e-2 * rise
        step(tf.constant(7 + place))
    for one, two in zip(model.flow.trainable_variables, mine.trainable_variables, strict=True):
        np.testing.assert_allclose(one, two, atol=2e-3)

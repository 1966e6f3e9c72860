"""Posteriors of any data, learned from simulations, against those that are known."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.vi.simulations import simulations

tfd, tfb = tfp.distributions, tfp.bijectors
keras = tf.keras
DESIGN = np.random.default_rng(0).normal(size=(5, 3))
NOISE = 0.5
TINY = {"num_layers": 1, "hidden_units": [16], "verbose": False, "epochs": 2, "simulated": 600}


def linear(count, seed, noise=NOISE):
    generator = np.random.default_rng(seed)
    theta = generator.normal(size=(count, 3))
    return theta, theta @ DESIGN.T + noise * generator.normal(size=(count, 5))


def exact(data):
    covariance = np.linalg.inv(np.eye(3) + DESIGN.T @ DESIGN / NOISE**2)
    mean = data @ DESIGN @ covariance / NOISE**2
    return tfd.MultivariateNormalTriL(mean, np.linalg.cholesky(covariance))


def moons(count, seed):
    """Two crescents, after Greenberg et al. 2019, arXiv:1905.07488, appendix A.5.4."""
    generator = np.random.default_rng(seed)
    theta = generator.uniform(-1, 1, (count, 2))
    angle = generator.uniform(-np.pi / 2, np.pi / 2, count)
    radius = generator.normal(0.1, 0.01, count)
    crescent = np.stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)], axis=1)
    place = [-np.abs(theta.sum(axis=1)), theta[:, 1] - theta[:, 0]]
    return {"theta": theta}, crescent + np.stack(place, axis=1) / np.sqrt(2)


@tfd.JointDistributionCoroutineAutoBatched
def joint():
    slope = yield tfd.Normal(tf.zeros(2), 1.0, name="slope")
    scale = yield tfd.HalfNormal(1.0, name="scale")
    yield tfd.Normal(tf.reduce_sum(slope) + tf.zeros(4), scale + 0.1, name="y")


@pytest.fixture(scope="module")
def small():
    return tff.vi.fit_amortised(joint, "y", **TINY)


def test_a_joint_distribution(small):
    data = joint.sample(seed=(1, 1)).y.numpy()
    several = np.stack([data, data + 1, data - 1])
    draws = small.sample(50, several)
    assert draws.slope.shape == (50, 3, 2)
    assert draws.scale.shape == (50, 3)
    assert (draws.scale.numpy() > 0).all()
    assert small.log_prob(draws, several).shape == (50, 3)
    one = small.given(data)
    assert "Gaussian at the start" not in one.report()  # it began at none
    assert one.seconds == small.seconds > 0
    np.testing.assert_allclose(
        one.log_prob(one.sample(5)), small.log_prob(one.sample(5), data), rtol=1e-5
    )
    assert list(one.summary().index) == ["slope[0]", "slope[1]", "scale"]
    target = tff.vi.Target(joint, observed={"y": data})
    z, log_weights = one._evaluation()
    np.testing.assert_allclose(
        log_weights[:9],
        target.unconstrained_log_prob(z[:9]) - one.flow.log_prob(z[:9]),
        rtol=1e-4,
        atol=1e-4,
    )
    assert np.isfinite(one.k_hat)
    found = small.calibrate(60, 40)
    assert list(found.ranks) == ["slope[0]", "slope[1]", "scale", "log_prob", "distance"]
    assert found.ranks.to_numpy().min() >= 0
    assert found.ranks.to_numpy().max() <= 40


def test_saved_and_loaded(small, tmp_path):
    small.save(tmp_path / "amortised.keras")
    loaded = tff.load(tmp_path / "amortised.keras")
    data = np.ones(4, np.float32)
    draws = small.sample(5, data)
    np.testing.assert_array_equal(loaded.sample(5, data).slope, draws.slope)
    np.testing.assert_array_equal(loaded.log_prob(draws, data), small.log_prob(draws, data))
    assert loaded.history == small.history
    with pytest.raises(tff.InputError, match="no simulator"):
        loaded.calibrate()
    with pytest.raises(tff.InputError, match="needs the model"):
        loaded.given(data).k_hat  # noqa: B018
    pairs = small._simulations.draw(60, 5)
    assert len(loaded.calibrate(draws=20, pairs=pairs).ranks) == 60


@pytest.mark.deep
def test_pairs_and_an_embedding_of_sets():
    generator = np.random.default_rng(0)
    mean = generator.uniform(2, 4, 600)
    seen = mean[:, None, None] + generator.normal(size=(600, 8, 1))
    network = keras.Sequential(
        [
            keras.Input([None, 1]),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.GlobalAveragePooling1D(),
        ]
    )
    posterior = tff.vi.fit_amortised(
        ({"mean": mean}, seen),
        supports={"mean": tfb.Sigmoid(2.0, 4.0)},
        embedding=network,
        **TINY,
    )
    draws = posterior.sample(20, seen[:3, :5])["mean"].numpy()
    assert draws.shape == (20, 3)
    assert (draws > 2).all()
    assert (draws < 4).all()
    assert posterior.shapes == {"data": (None, 1)}
    fresh = posterior.calibrate(draws=20, pairs=({"mean": mean[:70]}, seen[:70]))
    assert list(fresh.ranks) == ["mean", "log_prob", "distance"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((joint,), "Say which parts are data: observed="),
        ((joint, "z"), "'z'"),
        (((np.ones((200, 2)), np.ones((201, 2))),), "'theta' has 200, 'data' has 201"),
        (((np.ones((20, 2)), np.ones((20, 2))),), "20 simulations are too few"),
        (((np.full((200, 2), np.nan), np.ones((200, 2))),), "NaN or infinity in 200 of 200"),
        ((lambda n, seed: np.ones(n),), "returns a pair"),
        ((lambda n, seed: (np.ones((3, 1)), np.ones((3, 1))),), "asked for 2 pairs and made 3"),
        ((lambda n, seed: 1 / 0,), "simulator fails with ZeroDivisionError"),
        ((linear, "y"), "leave observed|the data of a simulator"),
        ((7,), "got a int"),
    ],
)
def test_sources_that_will_not_do(arguments, message):
    with pytest.raises(tff.InputError, match=message):
        tff.vi.fit_amortised(*arguments, **TINY)


@pytest.mark.deep
def test_parameters_stay_with_their_data():
    """Also where given pairs are sorted."""
    generator = np.random.default_rng(0)
    theta = generator.normal(size=(2000, 2))
    theta = theta[np.argsort(theta[:, 0])]
    data = theta + 0.3 * generator.normal(size=(2000, 2))
    options = {**TINY, "epochs": 12, "batch_size": 100, "learning_rate": 1e-2}
    posterior = tff.vi.fit_amortised((theta, data), flow="maf", **options)
    fresh = generator.normal(size=(300, 2))
    seen = fresh + 0.3 * generator.normal(size=(300, 2))
    given = posterior.log_prob({"theta": fresh}, seen).numpy().mean()
    assert given > tfd.Normal(0.0, 1.0).log_prob(fresh).numpy().sum(axis=-1).mean() + 1
    found = posterior.calibrate(draws=50, pairs=(fresh, seen))
    assert (found.table["coverage_90"] > 0.6).all(), found.table


@pytest.mark.deep
def test_what_a_simulator_made_can_be_given_back():
    pairs = simulations(linear).draw(600, 0)
    posterior, again = (tff.vi.fit_amortised(of, flow="maf", **TINY) for of in (pairs, linear))
    assert posterior.history == again.history


@pytest.mark.deep
def test_small_changes_of_large_data_are_seen():
    """Of data far from zero single precision has nothing left, and is refused."""
    theta, data = linear(600, 0)
    options = {"flow": "maf", "dtype": "float64", **TINY}
    far, near = (tff.vi.fit_amortised((theta, data + by), **options) for by in (1e9, 0.0))
    np.testing.assert_allclose(far.history["val_loss"], near.history["val_loss"], rtol=1e-3)
    with pytest.raises(ValueError, match="float64"):
        tff.vi.fit_amortised((theta, data + 1e9), **TINY)


def test_data_that_will_not_do(small):
    with pytest.raises(tff.InputError, match=r"shape \(3,\); one data set has \(4,\)"):
        small.sample(2, np.ones(3))
    with pytest.raises(tff.InputError, match="hold NaN"):
        small.sample(2, np.full(4, np.nan))
    with pytest.raises(tff.InputError, match="2 data sets, and a posterior is of one"):
        small.given(np.ones((2, 4)))
    with pytest.raises(tff.InputError, match="'x'"):
        small.given({"x": np.ones(4)})
    outside = {"theta": tfb.Sigmoid(-0.5, 0.5)}
    with pytest.raises(tff.InputError, match="outside of their supports"):
        tff.vi.fit_amortised(linear, supports=outside, **TINY)
    with pytest.raises(tff.InputError, match="'thet'"):
        tff.vi.fit_amortised(linear, supports={"thet": None}, **TINY)
    with pytest.raises(tff.InputError, match="glow takes no vectors"):
        tff.vi.fit_amortised(linear, flow="glow", **TINY)


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.xla
def test_a_gaussian_linear_simulator_is_calibrated_and_another_noise_is_found_out():
    posterior = tff.vi.fit_amortised(linear, verbose=False)
    theta, data = linear(4000, 99)
    nats = exact(data).log_prob(theta).numpy().mean()
    ours = posterior.log_prob({"theta": theta}, data).numpy().mean()
    assert ours == pytest.approx(nats, abs=0.06)
    found = posterior.calibrate()
    # So many simulations leave it a trace too sure, inside of the band, but not by much.
    assert set(found.wrong) <= {"log_prob"}, str(found)
    assert found.table.loc["log_prob", "coverage_90"] > 0.83
    noisier = posterior.calibrate(pairs=linear(500, 7, noise=2 * NOISE))
    assert "too sure" in str(noisier)
    assert "log_prob" in noisier.wrong


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.xla
def test_two_moons_are_calibrated():
    box = {"theta": tfb.Sigmoid(-1.0, 1.0)}
    posterior = tff.vi.fit_amortised(moons, supports=box, verbose=False)
    found = posterior.calibrate()
    assert found.good, str(found)
    draws = posterior.sample(2000, np.zeros(2))["theta"].numpy()
    assert 0.2 < (draws.sum(axis=1) > 0).mean() < 0.8  # both crescents

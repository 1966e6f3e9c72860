"""Base distributions: normalised, sampled from what they say, trained and saved with a flow."""

import numpy as np
import pytest
import tensorflow as tf
from depth import quick

import tfp_flows as tff

BASES = {
    "mixture": lambda dtype: tff.bases.GaussianMixture(event_shape=2, seed=0, dtype=dtype),
    "student": lambda dtype: tff.bases.StudentT(event_shape=2, df=6.0, dtype=dtype),
    "torus": lambda dtype: tff.bases.UniformTorus(event_shape=2, dtype=dtype),
    "resampled": lambda dtype: tff.bases.Resampled(event_shape=2, seed=0, dtype=dtype),
}
ENDS = {"student": 60.0, "torus": np.pi}


@pytest.fixture(params=sorted(BASES))
def name(request):
    return request.param


def moved(name, dtype=tf.float32):
    base = BASES[name](dtype)
    generator = np.random.default_rng(1)
    for variable in base.trainable_variables:
        variable.assign_add(tf.cast(generator.normal(0, 0.4, variable.shape), dtype))
    return base


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64], ids=["float32", "float64"])
def test_densities_integrate_to_one_and_samples_follow_them(name, dtype):
    base = moved(name, dtype)
    end = ENDS.get(name, 9.0)
    # Cells' centres; the torus has no ends.
    axis = end * (2 * (np.arange(600) + 0.5) / 600 - 1)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    density = np.exp(base.log_prob(tf.constant(grid, dtype)).numpy().astype(np.float64))
    mass = density * (axis[1] - axis[0]) ** 2
    assert mass.sum() == pytest.approx(1, abs=2e-3)
    samples = base.sample(20_000, seed=1).numpy()
    assert samples.shape == (20_000, 2)
    assert samples.dtype == dtype.as_numpy_dtype
    for function in (np.abs, np.cos, lambda x: np.tanh(x - 0.5)):
        expected = (mass[..., None] * function(grid)).sum(axis=(0, 1))
        values = function(samples)
        error = values.std(axis=0) / np.sqrt(len(values))
        np.testing.assert_array_less(np.abs(values.mean(axis=0) - expected), 5 * error + 2e-3)


def test_samples_are_those_of_their_seed(name):
    base = moved(name)
    np.testing.assert_array_equal(base.sample(5, seed=(0, 3)), base.sample(5, seed=(0, 3)))
    assert not np.array_equal(base.sample(5, seed=(0, 3)), base.sample(5, seed=(0, 4)))
    assert base.sample((2, 3), seed=0).shape == (2, 3, 2)


def test_temperature_shrinks_towards_the_mean():
    base = moved("mixture", tf.float64)
    flow = tff.flows.realnvp(event_shape=2, hidden_units=[4], base=base, seed=0, dtype=tf.float64)
    mean = base.mean()
    assert np.abs(mean).max() > 0.1
    z, cool = (flow.to_latent(flow.sample(5, seed=(0, 1), temperature=t)) for t in (1.0, 0.25))
    np.testing.assert_allclose(cool, mean + 0.25 * (z - mean), atol=1e-9)


@pytest.mark.parametrize("name", quick(BASES, "mixture"))
def test_fit_trains_and_saves_them(name, tmp_path):
    data = np.random.default_rng(2).standard_t(3, size=(256, 2)).clip(-3, 3)
    base = BASES[name](tf.float32)
    recipe = tff.flows.circular_nsf if name == "torus" else tff.flows.realnvp
    flow = recipe(event_shape=2, num_layers=2, hidden_units=[4], base=base, seed=0)
    before = [variable.numpy() for variable in base.trainable_variables]
    model = tff.FlowModel(flow)
    model.compile("adam")
    model.fit(data, epochs=2, verbose=0)
    for old, variable in zip(before, base.trainable_variables, strict=True):
        assert not np.array_equal(old, variable)
    model.save(tmp_path / "model.keras")
    again = tff.load(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(data), model.predict(data), rtol=1e-6)
    np.testing.assert_array_equal(again.flow.sample(4, seed=(0, 1)), flow.sample(4, seed=(0, 1)))


def test_student_has_the_tails_of_its_degrees_of_freedom():
    base = tff.bases.StudentT(event_shape=1, df=2.0)
    far, further = base.log_prob([[1e4], [1e5]]).numpy()
    assert (far - further) / np.log(10) == pytest.approx(3, abs=1e-3)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tff.bases.GaussianMixture(event_shape=(2, 2)), "vectors"),
        (lambda: tff.bases.GaussianMixture(event_shape=2, num_components=0), "positive"),
        (lambda: tff.bases.StudentT(event_shape=2, df=-1.0), "df must be positive"),
        (lambda: tff.bases.Resampled(event_shape=2, num_tries=1), "num_tries"),
        (lambda: tff.bases.UniformTorus(event_shape=0), "event_shape"),
        (
            lambda: tff.flows.maf(event_shape=2, base=tff.bases.UniformTorus(event_shape=2)),
            "use circular_nsf",
        ),
        (
            lambda: tff.flows.circular_nsf(event_shape=2, base=tff.bases.StudentT(event_shape=2)),
            "no density of angles",
        ),
        (lambda: tff.bases.GaussianMixture(event_shape=2, num_components=2.5), "positive integer"),
        (lambda: tff.bases.StudentT(event_shape=2, degrees=3.0), "degrees"),
    ],
)
def test_arguments_are_checked(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()

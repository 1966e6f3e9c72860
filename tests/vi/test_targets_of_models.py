"""What a model says of its parts: names, supports, the flat vector, and models that will not do."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.vi.choice import choose
from tfp_flows.vi.divergence import blame, check_falls_off
from tfp_flows.vi.laplace import Density, Start, begin

tfd, tfb = tfp.distributions, tfp.bijectors
DOUBLE = tf.float64


def f8(value):
    return tf.constant(value, DOUBLE)


def regression():
    """Supports of each kind: the reals, positive, an interval, a simplex."""

    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        slope = yield tfd.Sample(tfd.Normal(f8(0), f8(1)), 2, name="slope")
        scale = yield tfd.HalfNormal(f8(2), name="scale")
        share = yield tfd.Uniform(f8(0), f8(3), name="share")
        mixed = yield tfd.Dirichlet(f8([1, 2, 3]), name="mixed")
        yield tfd.Normal(tf.reduce_sum(slope) * share + mixed, scale, name="y")

    return model, {"y": [0.5, 1.0, -0.2]}


def named():
    return tfd.JointDistributionNamed(
        {
            "b": tfd.Gamma(2.0, 1.0),
            "a": lambda b: tfd.Sample(tfd.Normal(0.0, b), 2),
            "y": lambda a: tfd.Independent(tfd.Normal(a, 1.0), 1),
        }
    )


def test_parts_and_the_vector():
    model, observed = regression()
    target = tff.vi.Target(model, observed=observed)
    assert target.names == ("slope", "scale", "share", "mixed")
    assert target.dim == 6
    z = tf.random.stateless_normal([5, 6], (0, 1), dtype=DOUBLE)
    structure = target.unpack(z)
    assert structure._fields == target.names
    np.testing.assert_allclose(target.pack(structure), z, atol=1e-9)
    np.testing.assert_allclose(target.pack(structure._asdict()), z, atol=1e-9)
    np.testing.assert_allclose(tf.reduce_sum(structure.mixed, axis=-1), 1.0)
    pinned = model.experimental_pin(**observed)
    wanted = pinned.unnormalized_log_prob(structure)
    np.testing.assert_allclose(target.log_prob(structure), wanted)
    # The last entry of a simplex follows from the others.
    log_dets = target.unconstrained_log_prob(z) - wanted
    for row, log_det in zip(z[:2], log_dets, strict=False):
        with tf.GradientTape() as tape:
            tape.watch(row)
            values = target.parts.leaves(target.unpack(row))
            flat = tf.concat([tf.reshape(v, [-1]) for v in values], axis=0)[:-1]
        np.testing.assert_allclose(
            log_det, np.linalg.slogdet(tape.jacobian(flat, row))[1], atol=1e-8
        )


def test_log_dets_are_those_of_tfp():
    target = tff.vi.Target(named(), observed={"y": [1.0, 2.0]})
    assert target.names == ("a", "b")
    bijector = target.joint.experimental_default_event_space_bijector()
    z = tf.random.stateless_normal([4, 3], (0, 1))
    theirs = {"a": z[:, :2], "b": z[:, 2]}
    value = bijector.forward(theirs)
    log_det = bijector.forward_log_det_jacobian(theirs, {"a": 1, "b": 0})
    ours = target.unpack(z)
    tf.nest.map_structure(np.testing.assert_array_equal, ours, value)
    np.testing.assert_allclose(
        target.unconstrained_log_prob(z) - target.log_prob(ours), log_det, rtol=1e-4
    )


def test_a_support_that_depends_on_another_part(tmp_path):
    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        top = yield tfd.HalfNormal(1.0, name="top")
        inner = yield tfd.Uniform(0.0, top, name="inner")
        yield tfd.Normal(inner, 1.0, name="y")

    target = tff.vi.Target(model, observed={"y": 0.3})
    structure = target.unpack(tf.random.stateless_normal([50, 2], (0, 1)))
    assert (structure.inner < structure.top).numpy().all()
    flow = choose("full_rank", 2, Start(np.zeros(2), np.eye(2), 0.0), tf.float32, 0)
    with pytest.raises(tff.InputError, match="depends on another"):
        tff.vi.Posterior(flow.flow, target.parts).save(tmp_path / "a.keras")


def test_a_model_that_does_not_broadcast_is_mapped():
    design = tf.constant([[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])
    model = tfd.JointDistributionSequential(
        [
            tfd.Sample(tfd.Normal(0.0, 1.0), 2),
            lambda a: tfd.Independent(tfd.Normal(tf.tensordot(design, a, 1), 1.0), 1),
        ]
    )
    target = tff.vi.Target(model, observed={"x": [1.0, 2.0, 3.0]})
    assert not target.batched
    z = tf.random.stateless_normal([3, 2], (0, 1))
    pinned = model.experimental_pin(x=[1.0, 2.0, 3.0])
    wanted = [pinned.unnormalized_log_prob([row]) for row in z]
    np.testing.assert_allclose(target.unconstrained_log_prob(z), wanted, rtol=1e-5)


def test_a_flat_prior():
    prior = tff.vi.Flat(2, low=1.0, dtype=DOUBLE)
    draws = prior.sample(3, seed=0)
    assert draws.shape == [3, 2]
    np.testing.assert_array_equal(prior.log_prob(draws), 0)
    assert (draws.numpy() > 1).all()
    assert prior.log_prob(f8([0.5, 2])) == -np.inf
    for low, high in ((None, None), (None, 2.0), (0.0, 2.0)):
        one = tff.vi.Flat(low=low, high=high)
        assert one.log_prob(one.sample(20, seed=1)).numpy().sum() == 0
    with pytest.raises(tff.InputError, match="low must be below high"):
        tff.vi.Flat(low=1.0, high=1.0)


def poisson():
    return tfd.JointDistributionNamed({"k": tfd.Poisson(2.0), "y": lambda k: tfd.Normal(k, 1.0)})


def batch():
    return tfd.JointDistributionNamed(
        {"k": tfd.Normal(tf.zeros(3), 1.0), "y": tfd.Normal(0.0, 1.0)}
    )


def growing():
    """The second part is as long as the first one says."""
    return tfd.JointDistributionNamed(
        {
            "n": tfd.Uniform(1.0, 9.0),
            "x": lambda n: tfd.Sample(tfd.Normal(0.0, 1.0), tf.cast(n, tf.int32)),
            "y": lambda x: tfd.Normal(tf.reduce_sum(x, axis=-1), 1.0),
        }
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tff.vi.Target(growing(), observed={"y": 1.0}), "give parts their largest size"),
        (lambda: tff.vi.Target(named(), observed={"yy": 1.0}), "did you mean 'y'"),
        (lambda: tff.vi.Target(named()), "There are no observations; give values of some of"),
        (lambda: tff.vi.Target(named(), observed={"y": [1.0]}), r"shape \(1,\), the model makes"),
        (lambda: tff.vi.Target(named(), observed={"y": [1.0, np.nan]}), "holds NaN"),
        (lambda: tff.vi.Target(named(), observed={"y": ["a", "b"]}), "no array of numbers"),
        (lambda: tff.vi.Target(poisson(), observed={"y": 1.0}), "sum it out of the model"),
        (lambda: tff.vi.Target(batch(), observed={"y": 1.0}), "batch shapes"),
        (lambda: tff.vi.Target(lambda a: -(a**2)), "needs its parts"),
        (lambda: tff.vi.Target(lambda a: -(a**2), parts={"b": ()}), "'b'"),
        (lambda: tff.vi.Target(lambda a: -(a**2), parts={"a": 3}), "one number a draw"),
        (lambda: tff.vi.Target(lambda a: a / "x", parts={"a": ()}), "fails with TypeError"),
        (
            lambda: tff.vi.Target(lambda a: tf.random.normal(a.shape), parts={"a": ()}),
            "leave what is random out",
        ),
    ],
)
def test_models_that_will_not_do(build, message):
    with pytest.raises(tff.InputError, match=message):
        build()


def of_function(function, **parts):
    target = tff.vi.Target(function, parts=parts or {"a": ()}, dtype=DOUBLE)
    return target, Density(target.unconstrained_log_prob, target.dim, DOUBLE)


def test_a_density_without_an_integral():
    for function, word in (
        (lambda a, b: -(a**2), "does not fall"),
        (lambda a, b: b - a**2, "grows"),
    ):
        target, density = of_function(function, a=(), b=())
        start = Start(np.zeros(2), np.eye(2), 0.0)
        with pytest.raises(tff.InputError, match=f"{word} without end along the part 'b'"):
            check_falls_off(target, density, start)
    target, density = of_function(lambda a: tfd.Cauchy(f8(0), f8(1)).log_prob(a))
    check_falls_off(target, density, begin(density, 0))


def test_the_part_to_blame():
    @tfd.JointDistributionCoroutineAutoBatched
    def model():
        a = yield tfd.Normal(0.0, 1.0, name="a")
        b = yield tfd.Normal(tf.sqrt(-1.0 - a**2), 1.0, name="b")
        yield tfd.Normal(a + b, 1.0, name="y")

    target = tff.vi.Target(model, observed={"y": 1.0})
    with pytest.raises(tff.InputError, match="part 'b' is NaN at any of the starts"):
        tff.vi.fit(target, verbose=False)

    @tfd.JointDistributionCoroutineAutoBatched
    def impossible():
        a = yield tfd.HalfNormal(1.0, name="a")
        yield tfd.Uniform(0.0, a / (1 + a), name="y")

    target = tff.vi.Target(impossible, observed={"y": 3.0})
    density = Density(target.unconstrained_log_prob, 1, tf.float32)
    assert "observed 'y' is impossible" in str(blame(target, density, 0))


def test_a_start_is_the_mode_with_its_curvature():
    covariance = np.array([[4.0, 1.9e-3], [1.9e-3, 1e-6]])
    normal = tfd.MultivariateNormalTriL(f8([5, -1e-3]), f8(np.linalg.cholesky(covariance)))
    _, density = of_function(lambda a: normal.log_prob(a), a=(2,))
    start = begin(density, 0)
    np.testing.assert_allclose(start.location, [5, -1e-3], rtol=1e-5)
    np.testing.assert_allclose(start.scale @ start.scale.T, covariance, rtol=1e-5)
    np.testing.assert_allclose(start.bound, 0, atol=0.2)

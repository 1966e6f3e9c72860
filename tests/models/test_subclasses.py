"""Classes that users derive from ours keep their arguments, their weights and their names."""

import dataclasses
import json
import sys
import textwrap

import numpy as np
import pytest
import rows
import tensorflow as tf
import tensorflow_probability as tfp
from keras_support import small

import tfp_flows as tff
from tfp_flows import serialization

keras = tf.keras
tfb = tfp.bijectors
pytestmark = pytest.mark.keras
X = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)


class Tempered(tff.FlowModel):
    """Takes an argument without a default, and has a weight of its own."""

    def __init__(self, flow, power, *, offsets=(0.0,), **options):
        super().__init__(flow, **options)
        self.power, self.offsets = power, offsets
        self.shift = self.add_weight(name="shift", shape=(), initializer="zeros")

    def call(self, x, context=None, training=False):
        log_prob = super().call(x, context, training)
        return self.power * log_prob + sum(self.offsets) + tf.convert_to_tensor(self.shift)


class Built(tff.FlowModel):
    """Builds its flow itself, with a permutation that is drawn anew each time."""

    def __init__(self, size):
        mixing = tff.bijectors.Permutation(event_shape=size, permutation="random")
        inner = tff.bijectors.Coupling(event_shape=size, hidden_units=[4])
        chain = tff.bijectors.Chain([inner, mixing])
        super().__init__(tff.Flow(tff.flows.standard_normal(size), chain))


class InTheWayOfKeras(tff.FlowModel):
    """Says itself what is written; its function has no written form."""

    def __init__(self, flow, function=tf.identity, power=1.0, **options):
        super().__init__(flow, **options)
        self.function, self.power = function, power

    def get_config(self):
        return {**super().get_config(), "power": self.power}


class ScaledLayer(tff.FlowLayer):
    def __init__(self, flow, factor, **options):
        super().__init__(flow, **options)
        self.factor = factor

    def call(self, x, context=None, training=False):
        return self.factor * super().call(x, context, training)


def reloaded(model, path):
    model.save(path / "m.keras")
    return tff.load(path / "m.keras")


def test_a_model_of_a_users_own(tmp_path):
    model = Tempered(small(), 2.5, offsets=[1.0, 0.25], name="mine")
    model.shift.assign(0.5)
    rows.randomise(model.flow)
    loaded = reloaded(model, tmp_path)
    assert type(loaded) is Tempered
    assert (loaded.power, loaded.offsets, loaded.name) == (2.5, [1.0, 0.25], "mine")
    expected = 2.5 * model.flow.log_prob(X) + 1.25 + 0.5
    np.testing.assert_allclose(loaded(X), expected, rtol=1e-6)
    assert len(loaded.trainable_variables) == len(model.trainable_variables)
    clone = keras.models.clone_model(model)
    assert (clone.power, clone.offsets) == (2.5, [1.0, 0.25])


def test_a_compiled_and_frozen_model_of_a_users_own(tmp_path):
    model = Tempered(small(), 0.5)
    model.compile("adam")
    model.fit(X, verbose=0)
    model.trainable = False
    loaded = reloaded(model, tmp_path)
    assert not loaded.trainable
    np.testing.assert_array_equal(loaded(X), model(X))
    np.testing.assert_array_equal(loaded.shift, model.shift)


def test_a_model_that_builds_its_flow_itself(tmp_path):
    for seed in range(4):
        model = Built(6)
        rows.randomise(model.flow, seed=seed)
        x = rows.points((5,), tf.float32, event_shape=(6,))
        loaded = reloaded(model, tmp_path)
        assert type(loaded) is Built
        np.testing.assert_array_equal(loaded.flow.log_prob(x), model.flow.log_prob(x))
        np.testing.assert_array_equal(loaded(x), model(x))


def test_a_model_that_says_itself_what_is_written(tmp_path):
    model = InTheWayOfKeras(small(), function=lambda x: x, power=3.0)
    loaded = reloaded(model, tmp_path)
    assert loaded.power == 3.0
    assert loaded.function is tf.identity
    np.testing.assert_array_equal(loaded.flow.log_prob(X), model.flow.log_prob(X))


def test_an_argument_without_a_written_form_is_refused_when_saving(tmp_path):
    model = Tempered(small(), lambda: 2.0)
    with pytest.raises(tff.InputError, match="has no written form"):
        model.save(tmp_path / "m.keras")


def test_a_layer_of_a_users_own(tmp_path):
    inputs = keras.Input([2])
    layer = ScaledLayer(small(), 4.0, output="latent", name="mine")
    model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
    rows.randomise(layer.flow)
    loaded = reloaded(model, tmp_path)
    again = loaded.get_layer("mine")
    assert (type(again), again.factor, again.output_kind) == (ScaledLayer, 4.0, "latent")
    np.testing.assert_allclose(again(X), 4 * layer.flow.to_latent(X), rtol=1e-6)
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)


def two_modules(folder, text):
    """A package with two modules that hold the same text, imported."""
    package = folder / "twins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for name, factor in (("first", 2.0), ("second", 3.0)):
        (package / f"{name}.py").write_text(textwrap.dedent(text).replace("FACTOR", str(factor)))


TWINS = """
    import tensorflow as tf
    import tfp_flows as tff

    class Twice(tff.bijectors.Bijector):
        def __init__(self, *, event_shape):
            super().__init__(event_shape=event_shape)

        def _forward_and_log_det(self, x, context, training):
            return FACTOR * x, tf.fill(tf.shape(x)[:-1], 2 * tf.math.log(FACTOR))

        def _inverse_and_log_det(self, y, context, training):
            return y / FACTOR, -tf.fill(tf.shape(y)[:-1], 2 * tf.math.log(FACTOR))

    class Model(tff.FlowModel):
        factor = FACTOR

        def __init__(self, flow, extra, **options):
            super().__init__(flow, **options)
            self.extra = extra
"""


@pytest.fixture
def twins(tmp_path, monkeypatch):
    two_modules(tmp_path, TWINS)
    monkeypatch.syspath_prepend(str(tmp_path))
    import twins.first
    import twins.second

    yield twins
    for name in [name for name in sys.modules if name.split(".")[0] == "twins"]:
        del sys.modules[name]


def test_two_classes_of_one_name_in_one_package(twins, tmp_path):
    pair = [twins.first.Twice(event_shape=2), twins.second.Twice(event_shape=2)]
    written = json.loads(json.dumps(serialization.encode(tff.bijectors.Chain(pair))))
    assert [type(member) for member in serialization.decode(written).bijectors] == [
        twins.first.Twice,
        twins.second.Twice,
    ]
    flow = tff.Flow(tff.flows.standard_normal(2), tff.bijectors.Chain([*pair, _scale()]))
    for module in (twins.first, twins.second):
        loaded = reloaded(module.Model(flow, extra=module.__name__), tmp_path)
        assert type(loaded) is module.Model
        assert loaded.extra == module.__name__
        np.testing.assert_array_equal(loaded.flow.log_prob(X), flow.log_prob(X))


def _scale():
    return tff.bijectors.Scale(event_shape=2)


def test_older_files_that_name_the_package_alone(twins):
    old = {"$object": "twins>Twice", "config": {"$dict": [["event_shape", 2]]}}
    with pytest.raises(tff.InputError, match=r"both twins\.first and twins\.second define one"):
        serialization.decode(old)
    own = {**old, "$object": f"{__name__.split('.')[0]}>Bent", "config": {"$dict": [["size", 2]]}}
    assert serialization.decode(own) == Bent(size=2)


def test_a_class_that_moved_is_found_where_its_old_module_names_it(twins):
    twins.first.Moved = twins.second.Twice
    old = {"$object": "twins.first:Moved", "config": {"$dict": [["event_shape", 2]]}}
    assert type(serialization.decode(old)) is twins.second.Twice
    with pytest.raises(tff.InputError, match=r"Unknown class 'twins\.first:Gone'"):
        serialization.decode({**old, "$object": "twins.first:Gone"})
    # Only classes that can be written are ever built.
    twins.first.run = print
    with pytest.raises(tff.InputError, match=r"Unknown class 'twins\.first:run'"):
        serialization.decode({**old, "$object": "twins.first:run"})


def _made(factor):
    class Local(tff.transformers.Transformer):
        num_parameters = 1

        def forward(self, x, parameters):
            return factor * x, tf.zeros_like(x) + np.log(factor)

    return Local


def test_a_class_that_was_defined_twice_is_not_taken_for_another():
    first, second = _made(2.0), _made(3.0)
    with pytest.raises(tff.InputError, match="two different classes of the one name"):
        serialization.encode([first(), second()])
    with pytest.warns(UserWarning, match="was defined again after this object was made"):
        serialization.encode(first())
    assert type(serialization.decode(serialization.encode(second()))) is second


class Bent(tff.transformers.Additive):
    def __init__(self, size):
        self.size = size


@dataclasses.dataclass(frozen=True)
class Frozen(tff.transformers.Additive):
    strength: float = 1.0


class Gathered(tff.bijectors.Chain):
    """Takes its members one by one."""

    def __init__(self, first, *others, name=None):
        super().__init__([first, *others], name=name)


class Named:
    """A mixin with a constructor, which knows nothing of recording."""

    def __init__(self, label, *args, **options):
        super().__init__(*args, **options)
        self.label = label


class Labelled(Named, tff.bijectors.Scale):
    pass


class Recipe(tff.Flow):
    def __init__(self, size, units=8):
        chain = tff.bijectors.Coupling(event_shape=size, hidden_units=[units], seed=0)
        super().__init__(tff.flows.standard_normal(size), chain)


class Net(tff.Configurable, tf.Module):
    def __init__(self, width, /, inputs, *, outputs=2):
        super().__init__()
        self.a = tf.Variable(tf.random.stateless_normal([inputs, width], [0, 1]))
        self.b = tf.Variable(tf.random.stateless_normal([width, outputs], [0, 1]))

    def __call__(self, x):
        return tf.tanh(x @ self.a) @ self.b


@pytest.mark.parametrize(
    "value",
    [
        Bent(2),
        Frozen(strength=3.0),
        Gathered(_scale(), tff.bijectors.Permutation(event_shape=2), _scale()),
        Labelled("mine", event_shape=2),
        Recipe(2, units=3),
        tff.bijectors.Coupling(event_shape=2, conditioner=Net(5, inputs=1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_constructors_of_all_forms_are_repeated(value):
    again = serialization.decode(json.loads(json.dumps(serialization.encode(value))))
    assert type(again) is type(value)
    for name in ("size", "strength", "label"):
        assert getattr(again, name, None) == getattr(value, name, None)
    shapes = [tuple(v.shape) for v in getattr(value, "variables", ())]
    assert [tuple(v.shape) for v in getattr(again, "variables", ())] == shapes
    if hasattr(value, "event_shape"):
        method = "inverse" if isinstance(value, tfb.Bijector) else "log_prob"
        if method == "inverse":
            np.testing.assert_array_equal(again.inverse(X), value.inverse(X))
        else:
            np.testing.assert_array_equal(again.log_prob(X), value.log_prob(X))


def test_classes_of_the_package_have_names_of_their_own():
    from tfp_flows import config

    ours = [cls for cls in _all_subclasses(tff.Configurable) if _is_ours(cls)]
    keys = [config.class_key(cls) for cls in ours]
    assert len(set(keys)) == len(keys) > 30


def _all_subclasses(cls):
    return [sub for each in cls.__subclasses__() for sub in (each, *_all_subclasses(each))]


def _is_ours(cls):
    return cls.__module__.startswith("tfp_flows.")

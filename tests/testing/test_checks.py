"""The public checks: right bijectors pass, and each planted fault is named."""

import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_flows as tff
from tfp_flows.testing import CheckFailed, check_bijector, check_flow, check_transformer

tfd = tfp.distributions


class Tilt(tff.bijectors.Bijector):
    """``y = x exp(s) + t c``, a user's own bijector, with a context."""

    def __init__(self, *, event_shape, context_shape=None, start=0.1, dtype=tf.float64):
        super().__init__(event_shape=event_shape, context_shape=context_shape, dtype=dtype)
        size = self.event_shape[0]
        self.s = tf.Variable(np.full(size, start), dtype=self.dtype, name="s")
        self.t = None
        if context_shape is not None:
            shape = (self.context_shape[0], size)
            self.t = tf.Variable(np.full(shape, start), dtype=self.dtype, name="t")

    def _shift(self, context):
        return 0 if context is None else tf.linalg.matvec(self.t, context, transpose_a=True)

    def _log_det(self, value):
        return tf.broadcast_to(tf.reduce_sum(self.s), tf.shape(value)[:-1])

    def _forward_and_log_det(self, x, context, training):
        return x * tf.exp(self.s) + self._shift(context), self._log_det(x)

    def _inverse_and_log_det(self, y, context, training):
        return (y - self._shift(context)) * tf.exp(-self.s), -self._log_det(y)


class WrongSign(Tilt):
    def _inverse_and_log_det(self, y, context, training):
        x, log_det = super()._inverse_and_log_det(y, context, training)
        return x, -log_det

    def _forward_and_log_det(self, x, context, training):
        y, log_det = super()._forward_and_log_det(x, context, training)
        return y, -log_det


class NoInverse(Tilt):
    def _inverse_and_log_det(self, y, context, training):
        x, log_det = super()._inverse_and_log_det(y, context, training)
        return x + 0.01, log_det


class Stale(Tilt):
    """Keeps what it computed for a tensor, whatever becomes of its weights."""

    def __init__(self, **options):
        super().__init__(**options)
        self.__dict__["_kept"] = {}

    def _forward_and_log_det(self, x, context, training):
        result = super()._forward_and_log_det(x, context, training)
        return self._kept.setdefault(id(x), (x, *result))[1:]

    def _inverse_value(self, y, context, training):
        return self._inverse_and_log_det(y, context, training)[0]


class Hidden(Tilt):
    def __init__(self, **options):
        super().__init__(**options)
        secret = tf.Variable(tf.zeros([], self.dtype), name="secret")
        self.__dict__["_read"] = lambda: secret

    def _shift(self, context):
        return self._read() + super()._shift(context)


class Late(Tilt):
    """Makes a variable when it is called first."""

    def _shift(self, context):
        if "late" not in self.__dict__:
            with tf.init_scope():
                self.late = tf.Variable(tf.zeros([], self.dtype), name="late")
        return self.late + super()._shift(context)


class Unused(Tilt):
    def __init__(self, **options):
        super().__init__(**options)
        self.spare = tf.Variable(tf.zeros([], self.dtype), name="spare")


class IgnoresContext(Tilt):
    def _shift(self, context):
        return 0 if context is None else 0 * super()._shift(context)


class BatchBound(Tilt):
    """Centres by the mean of the batch."""

    def _forward_and_log_det(self, x, context, training):
        y, log_det = super()._forward_and_log_det(x, context, training)
        return y + tf.reduce_mean(tf.stop_gradient(x)), log_det


class Forgets(Tilt):
    """What its constructor drew is not in its configuration."""

    def __init__(self, **options):
        super().__init__(**options)
        self._drawn = np.random.default_rng().normal()

    def _shift(self, context):
        return self._drawn + super()._shift(context)


class Explodes(Tilt):
    def _forward_and_log_det(self, x, context, training):
        y, log_det = super()._forward_and_log_det(x, context, training)
        return y, log_det + 0 * tf.reduce_sum(tf.exp(tf.abs(x)), axis=-1)


class WrongGradient(Tilt):
    def _shift(self, context):
        return super()._shift(context) + 0.3 * tf.stop_gradient(self.s)


class CutInPrograms(Tilt):
    """Differs in a traced function."""

    def _log_det(self, value):
        return super()._log_det(value) + (0.0 if tf.executing_eagerly() else 0.5)


class WrongShape(Tilt):
    def _log_det(self, value):
        return tf.reduce_sum(self.s)


class Raises(Tilt):
    def _inverse_and_log_det(self, y, context, training):
        raise RuntimeError("not today")


FAULTS = [
    (WrongSign, {}, "jacobian", r"log-det of forward differs from .*autodiff by .* wrong sign"),
    (NoInverse, {}, "round_trips", r"inverse\(forward\(x\)\) differs from x by 0\.01 .* at \["),
    (Stale, {}, "fresh_values", r"forward.* after an update of weights differs .* it is stale"),
    (Hidden, {}, "variables", r"the variable 'secret:0' is hidden"),
    (Late, {}, "variables", r"the variable 'late:0' was made by a call"),
    (Unused, {}, "variables", r"the variable 'spare:0' has no gradient"),
    (IgnoresContext, {"context_shape": 2}, "context_matters", r"forward ignores its context"),
    (BatchBound, {}, "independent", r"the value of forward of one event differs"),
    (Forgets, {}, "config_round_trip", r"differs from that of the original"),
    (Explodes, {}, "far_points", r"the log-det of forward is not finite at"),
    (WrongGradient, {}, "gradients", r"the gradient of forward .* finite differences give"),
    (CutInPrograms, {}, "compiled", r"log-det of .* in a tf\.function differs"),
    (WrongShape, {}, "round_trips", r"log-dets of shape \(\), expected \(4,\)"),
    (Raises, {}, "round_trips", r"raised RuntimeError: not today"),
]


@pytest.mark.parametrize("context_shape", [None, 2])
def test_a_right_bijector_passes_all_of_them(context_shape):
    ran = check_bijector(lambda: Tilt(event_shape=3, context_shape=context_shape))
    assert ran == list(tff.testing.BIJECTOR_CHECKS)


@pytest.mark.parametrize(
    ("cls", "options", "check", "says"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS]
)
def test_a_planted_fault_is_named(cls, options, check, says):
    def build():
        return cls(event_shape=3, **options)

    with pytest.raises(CheckFailed, match=says) as caught:
        check_bijector(build, checks=[check])
    assert re.match(rf"{cls.__name__}, check '{check}", str(caught.value))
    # Without being asked for this check, the fault is found as well.
    with pytest.raises(CheckFailed):
        check_bijector(build)


class Exponential(tff.bijectors.Bijector):
    """From the line to positive numbers."""

    def _forward_and_log_det(self, x, context, training):
        return tf.exp(x), tf.reduce_sum(x, axis=-1)

    def _inverse_and_log_det(self, y, context, training):
        return tf.math.log(y), -tf.reduce_sum(tf.math.log(y), axis=-1)


class OneWay(tff.bijectors.Bijector):
    """Has no way to data."""

    def _inverse_and_log_det(self, y, context, training):
        return tf.math.log(y), -tf.reduce_sum(tf.math.log(y), axis=-1)


def test_domains_and_directions():
    def build():
        return Exponential(event_shape=2, dtype=tf.float64)

    with pytest.raises(CheckFailed, match="not finite"):
        check_bijector(build, checks=["far_points"])
    domains = {"data_domain": (0.0, np.inf), "latent_domain": (-5.0, 5.0)}
    assert "far_points" in check_bijector(build, **domains)
    with pytest.raises(CheckFailed, match="has no forward direction"):
        check_bijector(lambda: OneWay(event_shape=2))
    check_bijector(
        lambda: OneWay(event_shape=2, dtype=tf.float64),
        directions=["inverse"],
        data_domain=(0.0, np.inf),
    )


def test_wrong_requests():
    def build():
        return Tilt(event_shape=2)

    with pytest.raises(tff.InputError, match="Unknown check 'jacobean'; did you mean 'jacobian'"):
        check_bijector(build, checks=["jacobean"])
    with pytest.raises(tff.InputError, match="Unknown direction 'back'"):
        check_bijector(build, directions=["back"])
    with pytest.raises(TypeError, match="takes what derives from"):
        check_bijector(lambda: tfp.bijectors.Exp())
    with pytest.raises(CheckFailed, match="expected <dtype: 'float32'>"):
        check_bijector(build, dtype=tf.float32)
    with pytest.raises(TypeError, match=r"takes a tfp_flows\.Flow"):
        check_flow(build)
    with pytest.raises(TypeError, match="takes a tfp_flows"):
        check_transformer(build)


def _flow(cls, **options):
    return tff.Flow(tff.flows.standard_normal(2, dtype=tf.float64), cls(event_shape=2, **options))


def test_flows():
    assert check_flow(lambda: _flow(Tilt)) == [
        *("density", "integral", "distribution", "gradient_at_samples")
    ]
    ran = check_flow(lambda: _flow(Tilt, context_shape=2))
    assert ran == ["density", "conditional", "distribution", "gradient_at_samples"]
    with pytest.raises(CheckFailed, match="log_prob differs from base plus log-det by autodiff"):
        check_flow(lambda: _flow(WrongSign))
    with pytest.raises(CheckFailed, match="density integrates to"):
        check_flow(lambda: _flow(WrongSign), checks=["integral"])
    with pytest.raises(CheckFailed, match="log_prob ignores the context"):
        check_flow(lambda: _flow(IgnoresContext, context_shape=2))


def test_checks_are_loaded_at_first_use():
    code = "import sys, tfp_flows; assert 'tensorflow' not in sys.modules; print('well')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "well\n", done.stderr

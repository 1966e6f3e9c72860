"""The public checks of transformers: right ones pass, each planted fault is named."""

import pytest
import tensorflow as tf

import tfp_flows as tff
from tfp_flows.testing import CheckFailed, check_transformer


class Cubic(tff.transformers.Transformer):
    """``x = y + a y**3 / 3`` of data, by ``a = exp(parameter)``; its inverse by bisection."""

    num_parameters = 1
    error, slope = 0.0, 1.0

    def inverse(self, y, parameters):
        a = tf.exp(parameters[..., 0])
        return self.slope * (y + a * y**3 / 3), tf.math.log1p(a * y**2) + self.error

    def forward(self, x, parameters):
        low, high = tf.minimum(x, 0.0), tf.maximum(x, 0.0)
        for _ in range(100):
            middle = (low + high) / 2
            above = self.inverse(tf.stop_gradient(middle), parameters)[0] > x
            low, high = tf.where(above, low, middle), tf.where(above, middle, high)
        y = tf.stop_gradient((low + high) / 2)
        value, log_slope = self.inverse(y, parameters)
        y = y - (value - x) * tf.exp(-tf.stop_gradient(log_slope))
        return y, -self.inverse(y, parameters)[1]


class WrongSlope(Cubic):
    error = 0.1


class Folded(Cubic):
    def inverse(self, y, parameters):
        return tf.sin(y), tf.math.log(tf.abs(tf.cos(y)))


@pytest.mark.parametrize("name", ["Affine", "RationalQuadraticSpline", "SumOfSquares"])
def test_transformers_of_ours(name):
    check_transformer(getattr(tff.transformers, name)())


def test_transformers():
    check_transformer(Cubic())
    says = r"log-slope of inverse differs from that of autodiff by 0\.1"
    with pytest.raises(CheckFailed, match=says):
        check_transformer(WrongSlope())
    with pytest.raises(CheckFailed, match="Folded, check 'round_trip': inverse is not strictly"):
        check_transformer(Folded())

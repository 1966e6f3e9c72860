"""A standardiser that outliers do not rule."""

import math

import tensorflow as tf

from tfp_flows.bijectors.scale import Standardize, batch_moments, remark_on

KNEE = 16.0
# Where the logarithm ends, so that a latent of any size has a finite event.
_STEEPEST = 70.0


class RobustStandardize(Standardize):
    """Standardisation by the bulk of the data, whose far tails are drawn in.

    ``z = (y - centre) / scale`` within 16 scales of the centre; ``16 + log(1 + |z| - 16)`` with
    the sign of ``z`` beyond, so that one row at 10^5 costs a flow some hundred nats and not 10^9.
    The map is invertible, with a continuous slope, and its log-det is exact.

    Centre and scale are mean and standard deviation, as in `Standardize`. Only for columns whose
    standard deviation is more than five times that of their bulk, because a few rows are far from
    all others, they are the median and the deviation of the bulk (see `tfp_flows.spread`), and
    `adapt` warns.

    Args:
        event_shape: Shape of an event.
        per_channel: Whether one centre and scale serve all places of a channel, the last axis.
        dtype: ``float32`` or ``float64``.
        name: Name for ops.
    """

    def _measure(self, data):
        remark_on(
            data,
            self,
            "it is standardised by its bulk, and those values count as a tail; drop them if they "
            "are errors",
        )
        return batch_moments(data, self, robust=True)

    def _forward_and_log_det(self, x, context, training):
        inner = tf.clip_by_value(x, -KNEE, KNEE)
        beyond = tf.abs(x) - tf.abs(inner)
        steep = tf.minimum(beyond, _STEEPEST)
        far = tf.math.expm1(steep) + math.exp(_STEEPEST) * (beyond - steep)
        y, log_det = super()._forward_and_log_det(inner + tf.sign(x) * far, context, training)
        return y, log_det + self._total(steep)

    def _inverse_and_log_det(self, y, context, training):
        z, log_det = super()._inverse_and_log_det(y, context, training)
        inner = tf.clip_by_value(z, -KNEE, KNEE)
        beyond = tf.abs(z) - tf.abs(inner)
        near = tf.minimum(beyond, math.expm1(_STEEPEST))
        steep = tf.math.log1p(near)
        far = steep + math.exp(-_STEEPEST) * (beyond - near)
        return inner + tf.sign(z) * far, log_det - self._total(steep)

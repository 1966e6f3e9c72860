"""What a flow knows of its distribution beside densities and samples."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

_FROM_SAMPLES = {
    "mean": "tf.reduce_mean(flow.sample(10_000), axis=0)",
    "variance": "tf.math.reduce_variance(flow.sample(10_000), axis=0)",
    "stddev": "tf.math.reduce_std(flow.sample(10_000), axis=0)",
    "covariance": "tfp.stats.covariance(flow.sample(10_000))",
    "mode": "x, log_prob = flow.sample_and_log_prob(10_000), then x[tf.argmax(log_prob)]",
    "entropy": "-tf.reduce_mean(flow.sample_and_log_prob(10_000)[1])",
    "kl_divergence": "x, log_prob = flow.sample_and_log_prob(10_000), then "
    "tf.reduce_mean(log_prob - other.log_prob(x))",
    "cross_entropy": "-tf.reduce_mean(other.log_prob(flow.sample(10_000)))",
    "distribution function": "the share of flow.sample(10_000) below a point",
    "quantile function": "np.quantile(flow.sample(10_000), levels, axis=0), of each column alone",
}


class Statistics:
    """Mixin of `Flow`: distribution functions in one dimension; ways by samples for the rest."""

    def _no_formula(self, name: str):
        raise NotImplementedError(
            f"{self.name} has no {name} in closed form; estimate it from samples: "
            f"{_FROM_SAMPLES[name]} (with the context, for a conditional flow)."
        )

    def _mean(self, **_):
        self._no_formula("mean")

    def _variance(self, **_):
        self._no_formula("variance")

    def _stddev(self, **_):
        self._no_formula("stddev")

    def _covariance(self, **_):
        self._no_formula("covariance")

    def _mode(self, **_):
        self._no_formula("mode")

    def _entropy(self, **_):
        self._no_formula("entropy")

    def _cross_entropy(self, other):
        del other
        self._no_formula("cross_entropy")

    def _scalar_base(self, function: str):
        """The base as a distribution of numbers, and whether it keeps the axis of the event."""
        if self.event_shape.rank != 1 or self.event_shape[0] != 1:
            self._no_formula(function)
        base, keeps_axis = self.distribution, True
        while isinstance(base, tfd.BatchBroadcast | tfd.Sample | tfd.Independent):
            keeps_axis &= not isinstance(base, tfd.Sample)
            base = base.distribution
        if isinstance(base, tfd.MultivariateNormalLinearOperator):
            base = tfd.Normal(base.mean(), base.stddev())
        return base, keeps_axis

    def _increases(self, like, context):
        """Whether larger latents are larger data, for the batch of ``like``."""
        one = tf.ones_like(like)
        return (self.from_latent(one, context) > self.from_latent(-one, context))[..., 0]

    def _below(self, value, context, function: str, opposite: str):
        base, keeps_axis = self._scalar_base("distribution function")
        z = self.to_latent(value, context)
        point = z if keeps_axis else z[..., 0]
        try:
            up, down = (getattr(base, each)(point) for each in (function, opposite))
        except NotImplementedError:
            self._no_formula("distribution function")
        if keeps_axis and not base.event_shape.rank:
            up, down = up[..., 0], down[..., 0]
        return tf.where(self._increases(z, context), up, down)

    def _cdf(self, value, context=None):
        return self._below(value, context, "cdf", "survival_function")

    def _log_cdf(self, value, context=None):
        return self._below(value, context, "log_cdf", "log_survival_function")

    def _survival_function(self, value, context=None):
        return self._below(value, context, "survival_function", "cdf")

    def _log_survival_function(self, value, context=None):
        return self._below(value, context, "log_survival_function", "log_cdf")

    def _quantile(self, value, context=None):
        base, keeps_axis = self._scalar_base("quantile function")
        levels = value[..., None] if keeps_axis else value
        try:
            low, high = (base.quantile(each) for each in (levels, 1 - levels))
        except NotImplementedError:
            self._no_formula("quantile function")
        if not keeps_axis:
            low, high = low[..., None], high[..., None]
        increases = self._increases(low, context)[..., None]
        return self.from_latent(tf.where(increases, low, high), context)


def kl_divergence(first, second, name=None):
    """The divergence of two flows through one bijector, which is that of their bases.

    Raises:
        NotImplementedError: If they are others; the error tells the way by samples.
    """
    one_map = getattr(first, "bijector", None) is getattr(second, "bijector", first)
    if one_map and isinstance(first, Statistics) and isinstance(second, Statistics):
        return tfd.kl_divergence(first.distribution, second.distribution, name=name)
    flow = first if isinstance(first, Statistics) else second
    flow._no_formula("kl_divergence")

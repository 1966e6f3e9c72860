"""numpyro's flow guides, on the same log-density: TensorFlow computes it and its gradient."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import tensorflow as tf
import tensorflow_probability as tfp
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoBNAFNormal, AutoIAFNormal
from numpyro.infer.initialization import init_to_value

from tfp_flows import vi

LEARNING_RATE, DRAWS = 0.01, 20_000


def numpyro_bnaf(joint, observed: Mapping[str, Any], job: Mapping[str, Any]):
    """One block neural autoregressive flow of two hidden layers, numpyro's default."""
    return _fitted(AutoBNAFNormal, joint, observed, job)


def numpyro_iaf(joint, observed: Mapping[str, Any], job: Mapping[str, Any]):
    """Three inverse autoregressive flows of two hidden layers, numpyro's default."""
    return _fitted(AutoIAFNormal, joint, observed, job)


def _fitted(guide_class, joint, observed, job):
    jax.config.update("jax_enable_x64", True)
    target = vi.Target(joint, observed=observed)
    log_prob = _in_jax(target)

    def model():
        real = dist.constraints.independent(dist.constraints.real, 1)
        z = numpyro.sample("z", dist.ImproperUniform(real, (), (target.dim,)))
        numpyro.factor("model", log_prob(z))

    def rate(step):
        return LEARNING_RATE * 0.5 * (1 + jnp.cos(jnp.pi * step / job["steps"]))

    guide = guide_class(model, init_loc_fn=init_to_value(values={"z": jnp.zeros(target.dim)}))
    svi = SVI(model, guide, numpyro.optim.ClippedAdam(rate), Trace_ELBO(num_particles=job["draws"]))
    key = jax.random.PRNGKey(job["seed"])
    result = svi.run(key, job["steps"], progress_bar=False)
    draws = guide.sample_posterior(key, result.params, sample_shape=(DRAWS,))["z"]
    leaves = target.parts.leaves(target.unpack(tf.constant(np.asarray(draws))))
    return dict(zip(target.names, (leaf.numpy() for leaf in leaves), strict=True)), None, {}


def _in_jax(target: vi.Target):
    """The log-density as a function of JAX, vectors of one point or many."""

    @tf.function(autograph=False)
    def value_and_gradient(z):
        return tfp.math.value_and_gradient(target.unconstrained_log_prob, z)

    def computed(z):
        z = np.asarray(z)
        values, gradients = value_and_gradient(tf.constant(z.reshape(-1, target.dim)))
        return values.numpy().reshape(z.shape[:-1]), gradients.numpy().reshape(z.shape)

    @jax.custom_vjp
    def log_prob(z):
        return forward(z)[0]

    def forward(z):
        shapes = (
            jax.ShapeDtypeStruct(z.shape[:-1], z.dtype),
            jax.ShapeDtypeStruct(z.shape, z.dtype),
        )
        return jax.pure_callback(computed, shapes, z, vmap_method="expand_dims")

    def backward(gradient, cotangent):
        return (cotangent[..., None] * gradient,)

    log_prob.defvjp(forward, backward)
    return log_prob

"""Planted faults: one small replacement each, and the tests that should notice first."""

from typing import NamedTuple

TABLE = "tests/bijectors/test_table.py"
FLOWS = "tests/flows/test_flow_table.py"


class Fault(NamedTuple):
    """A fault.

    Args:
        name: What is wrong.
        path: File below the package.
        old: Text that stands there exactly once.
        new: What replaces it.
        first: Arguments of pytest for the tests that should notice, to run before all others.
    """

    name: str
    path: str
    old: str
    new: str
    first: tuple[str, ...]


def _rows(words: str) -> tuple[str, ...]:
    return (TABLE, "-k", words)


FAULTS = (
    Fault(
        "coupling: sign of the log-det of the inverse",
        "transformers/affine.py",
        "tf.exp(-log_scale), -log_scale",
        "tf.exp(-log_scale), log_scale",
        _rows("coupling_affine"),
    ),
    Fault(
        "coupling: the log-det of pixels counts those that pass",
        "bijectors/partition.py",
        "super().total(tf.where(self._mask, tf.zeros_like(log_slopes), log_slopes))",
        "super().total(log_slopes)",
        _rows("pixel_mask"),
    ),
    Fault(
        "coupling: the parts of a scattered mask are put back in another order",
        "bijectors/partition.py",
        "permute(value, self._places, self._order)",
        "permute(value, self._order, self._places)",
        ("tests/bijectors/test_bijectors.py", TABLE, "-k", "mask"),
    ),
    Fault(
        "planar: wrong term in the log-det",
        "bijectors/planar.py",
        "slope * (1 - square)), axis=-1)",
        "slope * (1 - bend)), axis=-1)",
        _rows("planar"),
    ),
    Fault(
        "spline: wrong term in the slope",
        "transformers/spline.py",
        "numerator = last * share * share + 2 * slope * both + first * rest * rest",
        "numerator = first * share * share + 2 * slope * both + last * rest * rest",
        _rows("coupling_spline"),
    ),
    Fault(
        "spline: outside is the edge",
        "transformers/spline.py",
        "return tf.where(outside, y, x), tf.where(outside",
        "return x, tf.where(outside",
        ("tests/bijectors/test_transformers.py", "-k", "spline"),
    ),
    Fault(
        "MADE: an output sees its own input",
        "networks/autoregressive.py",
        "np.repeat(order - 1, self._params)",
        "np.repeat(order, self._params)",
        _rows("maf and not maf_"),
    ),
    Fault(
        "MADE: the context reaches no layer but the first",
        "networks/autoregressive.py",
        'if self._conditional and (k == 0 or self._conditional_layers == "all_layers"):',
        "if self._conditional and k == 0:",
        ("tests/networks/test_networks.py",),
    ),
    Fault(
        "chain: the context is dropped on the way to data",
        "bijectors/compose.py",
        "return method(value, contexts[place], training)",
        "own = contexts[place]\n"
        '            own = None if own is None else own * float(direction == "inverse")\n'
        "            return method(value, own, training)",
        _rows("chain"),
    ),
    Fault(
        "chain: forward and inverse go through members in one order",
        "bijectors/compose.py",
        "places = reversed(range(len(self.bijectors)))",
        "places = range(len(self.bijectors))",
        _rows("chain"),
    ),
    Fault(
        "base: the log-det at what inverse returned is that of old weights",
        "bijectors/base.py",
        "            log_det = self.forward_and_log_det(x, context, training)[1]\n",
        "            held = getattr(x, _MEMO, None)\n"
        "            log_det = self.forward_and_log_det(x, context, training)[1]\n"
        "            log_det = log_det if held is None else -held[0]\n",
        _rows("coupling_spline and fresh"),
    ),
    Fault(
        "chain: members of TFP keep their cache",
        "bijectors/compose.py",
        "fresh = tf.identity(value)",
        "fresh = value",
        ("tests/bijectors/test_tfp_faults.py", "-k", "members_of_tfp"),
    ),
    Fault(
        "permutation: the way back is the way there",
        "bijectors/permutation.py",
        "self._back = np.argsort(self.permutation)",
        "self._back = np.array(self.permutation)",
        _rows("permutation or linear"),
    ),
    Fault(
        "permutation: the drawn order is not saved",
        "bijectors/permutation.py",
        "        if not self._reverse:\n            config",
        "        if False:\n            config",
        _rows("permutation and config"),
    ),
    Fault(
        "numerics: the gradient of a permutation goes the same way",
        "numerics.py",
        "return permute(upstream, inverse, permutation, axis)",
        "return permute(upstream, permutation, inverse, axis)",
        _rows("permutation or maf_additive"),
    ),
    Fault(
        "MAF: the drawn input order ignores the seed",
        "bijectors/autoregressive.py",
        "input_order = (generator.permutation(size) + 1).tolist()",
        "input_order = (np.random.permutation(size) + 1).tolist()",
        ("tests/bijectors/test_bijectors.py", "tests/flows/test_flows.py", "-k", "seed or order"),
    ),
    Fault(
        "networks: the seed is ignored",
        "networks/initial.py",
        "2**31) if seed is None else seed)",
        "2**31))",
        ("tests/bijectors/test_bijectors.py", "-k", "seeds"),
    ),
    Fault(
        "batch normalisation: evaluation takes the statistics of its batch",
        "bijectors/batchnorm.py",
        "if training is None or training is False:",
        "if training is False and y.shape.rank > len(self.event_shape):\n"
        "            return self._batch_statistics(y)\n"
        "        if training is None or training is False:",
        _rows("batchnorm"),
    ),
    Fault(
        "batch normalisation: moving statistics stand still",
        "bijectors/batchnorm.py",
        "moving.assign_add(tf.where(",
        "moving.assign_add(0 * tf.where(",
        ("tests/bijectors/test_bijectors.py", "tests/models/test_keras.py"),
    ),
    Fault(
        "standardiser: its log-det is dropped",
        "bijectors/scale.py",
        "return (y - self._shift) * tf.exp(-self._log_scale), -self._log_det(y)",
        "return (y - self._shift) * tf.exp(-self._log_scale), 0 * self._log_det(y)",
        _rows("standardize"),
    ),
    Fault(
        "diagonal maps of images: the log-det counts one place",
        "bijectors/scale.py",
        "return tf.broadcast_to(places * tf.reduce_sum(log_scale), batch)",
        "return tf.broadcast_to(tf.reduce_sum(log_scale), batch)",
        _rows("channel"),
    ),
    Fault(
        "logit: the log-det lacks the term of alpha",
        "bijectors/pixels.py",
        "+ tf.nn.softplus(-x) + math.log1p(-2 * self._alpha)",
        "+ tf.nn.softplus(-x)",
        _rows("logit"),
    ),
    Fault(
        "multi-scale: what leaves is what stays",
        "bijectors/multiscale.py",
        "return value[..., :staying], value[..., staying:]",
        "return value[..., -staying:], value[..., :-staying]",
        _rows("multiscale"),
    ),
    Fault(
        "residual: the log-det has the wrong sign in the forward direction",
        "bijectors/residual.py",
        "return unflattened(self, x, y, -_exact(function, y))",
        "return unflattened(self, x, y, _exact(function, y))",
        _rows("residual"),
    ),
    Fault(
        "residual: the estimate lacks the weight of the series",
        "bijectors/residual.py",
        "total - along / (reached * tf.cast(k, y.dtype))",
        "total - along / reached",
        ("tests/bijectors/test_residual.py",),
    ),
    Fault(
        "block neural: the share of the identity is forgotten in the slope",
        "bijectors/block_neural.py",
        "tf.zeros_like(y) + log_rest], axis=0)",
        "tf.zeros_like(y)], axis=0)",
        _rows("block_neural"),
    ),
    Fault(
        "ODE: a weight of the fourth-order method",
        "ode.py",
        "return step / 6 * (one + 2 * two + 2 * three + four)",
        "return step / 6 * (one + two + 3 * three + four)",
        ("tests/bijectors/test_continuous.py",),
    ),
    Fault(
        "ODE: the adjoint forgets the integrals",
        "ode.py",
        "                    for weight, integrand in zip(of_integrals, integrands, strict=True):\n"
        "                        total += tf.reduce_sum(weight * integrand)\n",
        "                    del integrands\n",
        (*_rows("continuous and gradients"),),
    ),
    Fault(
        "searched roots lose their second derivatives",
        "numerics.py",
        "        root = root - tf.where(sloped, step, zero)",
        "        root = root - tf.where(sloped, value / tf.stop_gradient(slope), zero)",
        ("tests/ground/test_numerics.py",),
    ),
    Fault(
        "Gaussianisation: the density of the latent is not taken off",
        "transformers/gaussianization.py",
        "return x, log_density - _log_normal(x)",
        "return x, log_density",
        _rows("gaussianization"),
    ),
    Fault(
        "Bernstein: coefficients are not cumulated",
        "transformers/polynomial.py",
        "coefficients.append(coefficients[-1] + step * slope)",
        "coefficients.append(coefficients[0] + step * slope)",
        _rows("bernstein"),
    ),
    Fault(
        "flow: log_prob takes the log-det off",
        "flows/flow.py",
        "log_prob = self.distribution.log_prob(x) + log_det",
        "log_prob = self.distribution.log_prob(x) - log_det",
        (FLOWS, "-k", "density and maf"),
    ),
    Fault(
        "flow: samples with densities have the density of the base",
        "flows/flow.py",
        "return x, self.distribution.log_prob(z) - log_det",
        "return x, self.distribution.log_prob(z)",
        (FLOWS, "-k", "density and maf"),
    ),
    Fault(
        "flow: a temperature scales about the origin",
        "flows/flow.py",
        "z = mean + tf.cast(temperature, z.dtype) * (z - mean)",
        "z = tf.cast(temperature, z.dtype) * z",
        ("tests/flows/test_bases.py", "-k", "temperature"),
    ),
    Fault(
        "saving: arrays come back column by column",
        "serialization.py",
        'return flat.reshape(value["shape"]).copy()',
        'return flat.reshape(value["shape"], order="F").copy()',
        (TABLE, "-k", "config and (pixel or given)"),
    ),
    Fault(
        "saving: what stands twice is built twice",
        "serialization.py",
        'return {"$ref": self._numbers[id(value)]}',
        "return self._shared(value)",
        ("tests/models/test_saving.py", "-k", "twice or once"),
    ),
    Fault(
        "Keras: the first weight is not loaded",
        "models/tracking.py",
        "        for name, variable in expected.items():\n",
        "        for name, variable in list(expected.items())[1:]:\n",
        ("tests/models/test_saving.py",),
    ),
    Fault(
        "training: weights of examples are ignored in the loss",
        "models/flow_model.py",
        "return tf.math.divide_no_nan(tf.reduce_sum(losses * weight), tf.reduce_sum(weight))",
        "return tf.reduce_mean(losses)",
        ("tests/models/test_keras_data.py", "-k", "weights"),
    ),
    Fault(
        "training: bits per dimension in nats",
        "models/flow_model.py",
        "scale = math.log(2) * (",
        "scale = 1.0 * (",
        ("tests/models/test_keras.py",),
    ),
    Fault(
        "training: filled-up steps of a call count",
        "models/steps.py",
        "lambda i, *_: i < count, step",
        "lambda i, *_: i < longest, step",
        ("tests/models/test_keras_steps.py",),
    ),
    Fault(
        "feed: of a last, partial batch one row counts",
        "models/feed.py",
        "order[None, place * self._size :]",
        "order[None, place * self._size : place * self._size + 1]",
        ("tests/models/test_feed.py", "tests/models/test_keras_steps.py"),
    ),
    Fault(
        "feed: every pass has the order of the first",
        "models/feed.py",
        "seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(number, tf.int64)])",
        "seed = tf.stack([tf.constant(self.seed, tf.int64), tf.zeros([], tf.int64)])",
        ("tests/models/test_feed.py",),
    ),
    Fault(
        "resume: steps draw other noise",
        "models/flow_model.py",
        "self._seeded(self._noise_seed, step, compiled)",
        'tf.name_scope("noise")',
        ("tests/models/test_callbacks.py",),
    ),
    Fault(
        "resume: an epoch is skipped",
        "training_state.py",
        'self.epoch, self.stopped = state["epoch"], state["stopped"]',
        'self.epoch, self.stopped = state["epoch"] + 1, state["stopped"]',
        ("tests/models/test_callbacks.py",),
    ),
    Fault(
        "resume: the moments of the optimiser begin anew",
        "models/callbacks.py",
        "            for variable, value in zip(variables, arrays[name], strict=True):\n"
        "                variable.assign(value)",
        "            for variable, value in zip(variables, arrays[name], strict=True):\n"
        '                if name == "weight":\n'
        "                    variable.assign(value)",
        ("tests/models/test_callbacks.py",),
    ),
    Fault(
        "training: the best weights are not restored",
        "models/callbacks.py",
        "model.set_weights(self.progress.best_weights)",
        "model.get_weights()",
        ("tests/models/test_callbacks.py",),
    ),
    Fault(
        "early stopping: one epoch late",
        "training_state.py",
        "self.stopped = self.wait >= self.patience",
        "self.stopped = self.wait > self.patience",
        ("tests/models/test_callbacks.py",),
    ),
    Fault(
        "p-values: ties count for an alarm",
        "conformal.py",
        'np.searchsorted(ordered, scores, side="left")',
        'np.searchsorted(ordered, scores, side="right")',
        ("tests/ground/test_conformal.py",),
    ),
    Fault(
        "columns: the mean over cells forgets how wide they are",
        "models/columns.py",
        "mean = (weights * totals",
        "mean = (np.full_like(weights, 1 / weights.shape[1]) * totals",
        ("tests/models/test_columns.py",),
    ),
    Fault(
        "tables: held-out rows without density are left out",
        "kinds/tables/held_out_rows.py",
        "float(t) if f else None for t, f in zip(texts, finite, strict=True)",
        "float(t) for t, f in zip(texts, finite, strict=True) if f",
        ("tests/kinds/test_held_out_rows.py",),
    ),
)

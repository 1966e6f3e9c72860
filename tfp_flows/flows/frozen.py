"""A flow whose weights stand still, as compiled programs of its functions."""

import bisect
import copy
import threading

import tensorflow as tf
from tensorflow.python.eager import record

from tfp_flows.flows import chunks
from tfp_flows.flows.filled_rows import filled, rows_of
from tfp_flows.flows.programs import SIZES, Programs
from tfp_flows.flows.weights import Watched
from tfp_flows.shapes import positive


class FrozenFlow:
    """Densities, latents and samples of a flow by programs whose weights are constants.

    Made by `Flow.frozen`. A call of ``n`` rows runs a program for the next of a few batch sizes,
    which is compiled when it is first needed; rows that fill it up are copies of the first.
    Methods take and return what those of the flow do, in evaluation, to the rounding of sums
    (1e-6 in float32). Under a ``tf.GradientTape`` and inside of a ``tf.function`` they are those
    of the flow itself, so that gradients flow.

    With ``check`` each call looks, exactly, whether a variable of the flow was written since; if
    so, all programs are thrown away and the new weights are frozen. Without, the numbers are those
    of the weights at the time of freezing, or of the last `refresh`, whatever becomes of the flow.

    Args:
        flow: The flow. It is copied and stays as it is.
        check: Whether each call looks for changed weights.
        batch_sizes: Sizes that get programs; the default are powers of two and 10, 20, 30, 50, 70
            and so on, up to 4,096. More rows are cut into parts of the largest, or of those that
            the flow takes at once.
        compute_dtype: ``"bfloat16"`` for the products of matrices and convolutions in it.
        jit_compile: Whether XLA compiles the programs; ``"auto"`` does unless results have checks
            that only programs of TensorFlow can make (continuous and residual flows).

    Raises:
        ValueError: If the flow has batches of its own (``given``, a base with a batch shape, TFP's
            bijectors with batches of parameters), or an argument is out of range.
    """

    def __init__(
        self, flow, *, check: bool = True, batch_sizes=None, compute_dtype=None, jit_compile="auto"
    ):
        if chunks.fixed_axes(flow) > 0 or flow.batch_shape.rank != 0:
            raise ValueError(
                f"{flow.name} has a batch shape of its own, {flow.batch_shape}, or a part that "
                "does not tell of one, so its rows are not alike; freeze the flow before given(), "
                "and pass the context to each call."
            )
        if jit_compile not in ("auto", True, False):
            raise ValueError(f"jit_compile must be 'auto', True or False, got {jit_compile!r}.")
        if compute_dtype is not None and tf.as_dtype(compute_dtype) != tf.bfloat16:
            raise ValueError(f"compute_dtype must be None or 'bfloat16', got {compute_dtype!r}.")
        if batch_sizes is not None:
            batch_sizes = sorted({positive(size, "A batch size") for size in batch_sizes})
            if not batch_sizes:
                raise ValueError("batch_sizes must hold at least one number, got none.")
        if jit_compile == "auto":
            modules = (flow.bijector, *flow.submodules)
            jit_compile = not any(getattr(one, "checks_results", False) for one in modules)
        self._flow, self._copy, self._check = flow, copy.deepcopy(flow), bool(check)
        self._sizes = batch_sizes or SIZES
        self._watched, self._lock = Watched(flow.variables), threading.RLock()
        compute = None if compute_dtype is None else tf.as_dtype(compute_dtype)
        self._programs = Programs(
            _functions(self._copy), flow.name, self._lock, compiled=jit_compile, narrow=compute
        )
        self._most: dict[tuple, int] = {}
        # Batches of these numbers of rows are programs' own, and are not looked at further.
        free = None in self._copy.bijector.event_shape
        self._exact = {size for size in self._sizes if not free and size <= self._largest(1, False)}

    @property
    def stale(self) -> bool:
        """Whether a variable of the flow differs from what was frozen."""
        return self._watched.changed()

    def refresh(self) -> None:
        """Freezes the weights that the flow has now, and throws the programs of others away."""
        with self._lock:
            self._watched.take()
            for mine, value in zip(self._copy.variables, self._watched.values, strict=True):
                mine.assign(value)
            self._programs.forget()

    def log_prob(self, value, context=None):
        """Log-density in nats; see `Flow.log_prob`."""
        return self._rows("log_prob", value, context)

    def prob(self, value, context=None):
        """Density; see `Flow.prob`."""
        return tf.exp(self.log_prob(value, context))

    def to_latent(self, x, context=None):
        """Maps data to latents; see `Flow.to_latent`."""
        return self._rows("to_latent", x, context)

    def from_latent(self, z, context=None):
        """Maps latents to data; see `Flow.from_latent`."""
        return self._rows("from_latent", z, context)

    def sample(
        self, sample_shape=(), context=None, seed=None, *, length=None, temperature: float = 1.0
    ):
        """Draws samples, those of the flow for the same seed; see `Flow.sample`."""
        if self._plain():
            return self._source().sample(
                sample_shape, context, seed, length=length, temperature=temperature
            )
        if not temperature >= 0:
            raise ValueError(f"temperature must not be negative, got {temperature!r}.")
        return self._copy._drawn(
            self._given("sample"), sample_shape, context, seed, length, temperature
        )

    def sample_and_log_prob(self, sample_shape=(), context=None, seed=None, *, length=None):
        """Draws samples, with their log-density in nats; see `Flow.sample_and_log_prob`."""
        if self._plain():
            return self._source().sample_and_log_prob(sample_shape, context, seed, length=length)
        return self._copy._drawn(
            self._given("sample_and_log_prob"), sample_shape, context, seed, length
        )

    def _plain(self) -> bool:
        """Whether the flow itself is to be called; looks for changed weights."""
        if not tf.executing_eagerly() or record.could_possibly_record():
            return True
        if self._check and self._watched.changed():
            self.refresh()
        return False

    def _source(self):
        return self._flow if self._check else self._copy

    def _rows(self, name, value, context):
        if self._plain():
            return getattr(self._source(), name)(value, context)
        flow = self._copy
        event = flow.bijector.latent_shape if name == "from_latent" else flow.bijector.event_shape
        found = rows_of(value, event, flow.dtype, context, flow.context_shape, flow.context_dtype)
        if found is None:
            # The flow says what is wrong with these, or knows what to do.
            return getattr(flow, name)(value, context)
        arrays, batch = found
        count = len(arrays[0])
        if len(arrays) == len(batch) == 1 and count in self._exact and isinstance(value, tf.Tensor):
            return self._programs.find(name, count, arrays)(value)[0]
        embedded = flow.embedding is not None and context is not None
        return self._run(name, arrays, batch, _lengths(arrays[0], event), embedded)

    def _given(self, name):
        """A function of latents and the bijector's context, for `Flow._drawn`."""
        bijector = self._copy.bijector
        shape, dtype = bijector.latent_shape, bijector.dtype

        def give(z, context):
            found = rows_of(z, shape, dtype, context, bijector.context_shape, dtype)
            if found is None:
                raise ValueError(
                    f"{self._flow.name} cannot take latents of shape {z.shape} with this context; "
                    f"its contexts have shape {bijector.context_shape}."
                )
            return self._run(name, *found, _lengths(found[0][0], shape))

        return give

    def _run(self, name, arrays, batch, lengths, embedded=False):
        """What a function gives for arrays of rows: all at once, or part by part."""
        count, most = len(arrays[0]), self._largest(lengths, embedded)
        if count <= most:
            whole = self._part(name, arrays)
        else:
            starts = range(0, count, most)
            parts = [self._part(name, [a[i : i + most] for a in arrays]) for i in starts]
            whole = [tf.concat(same, axis=0) for same in zip(*parts, strict=True)]
        if len(batch) != 1:
            whole = [tf.reshape(one, [*batch, *one.shape[1:]]) for one in whole]
        return whole[0] if len(whole) == 1 else tuple(whole)

    def _largest(self, lengths, embedded):
        """The largest size of a program that the memory of a chunk allows."""
        if (lengths, embedded) not in self._most:
            most = self._copy.rows_at_once(lengths)
            most = min(most, chunks.EMBEDDED_ROWS) if embedded else most
            place = bisect.bisect_right(self._sizes, most)
            self._most[lengths, embedded] = self._sizes[max(place - 1, 0)]
        return self._most[lengths, embedded]

    def _part(self, name, arrays):
        count = len(arrays[0])
        size = self._sizes[bisect.bisect_left(self._sizes, count)]
        program = self._programs.find(name, size, arrays)
        found = program(*(tf.constant(filled(array, size)) for array in arrays))
        # NumPy cuts ten times faster than an operation does.
        return found if size == count else [tf.constant(o.__array__()[:count]) for o in found]


def _functions(flow) -> dict:
    """Functions of rows, and of the arrays of their contexts, by name."""
    names = sorted(flow.context_shape) if isinstance(flow.context_shape, dict) else None

    def raw(given):
        if names is not None and given:
            return dict(zip(names, given, strict=True))
        return given[0] if given else None

    def forward(z, *given):
        return flow.bijector.forward_value(z, *given)

    def forward_and_log_prob(z, *given):
        x, log_det = flow.bijector.forward_and_log_det(z, *given)
        return x, flow.distribution.log_prob(z) - log_det

    return {
        "log_prob": lambda x, *given: flow.log_prob(x, raw(given)),
        "to_latent": lambda x, *given: flow.to_latent(x, raw(given)),
        "from_latent": lambda z, *given: flow.from_latent(z, raw(given)),
        "sample": forward,
        "sample_and_log_prob": forward_and_log_prob,
    }


def _lengths(array, event) -> int:
    """Product of the lengths of an event that are free."""
    return chunks.Part(array, event).lengths if None in event else 1

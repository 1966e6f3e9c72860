"""A flow as a Keras model, in whichever Keras `tf.keras` is."""

import inspect
import math

import tensorflow as tf

from tfp_flows import noise, shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.formats import FORMAT
from tfp_flows.keras_worlds import KERAS3, KERAS_NAME
from tfp_flows.models import data as rows
from tfp_flows.models import steps
from tfp_flows.models.accumulation import check_optimizer, summed_gradients
from tfp_flows.models.callbacks import ResumableTraining
from tfp_flows.models.export import export_model
from tfp_flows.models.feed import Feed, as_dataset, drawn_seed, feed_of
from tfp_flows.models.replicated import Loop
from tfp_flows.models.shards import feed_or_stream, predict_alone, share_of_batch
from tfp_flows.models.tracking import HoldsFlow, NetworkLosses, warn_if_unadapted
from tfp_flows.models.watching import (
    Watch,
    as_list,
    check_callbacks,
    check_strategy,
    in_replicas,
    needs_every_step,
)
from tfp_flows.models.workers import Workers
from tfp_flows.penalties import collected_penalties

keras = tf.keras
DEFAULT_BATCH_SIZE = 128


class RunningMean(keras.metrics.Mean):
    """A mean that is no part of a saved model, where only one Keras would look for it."""

    def save_own_variables(self, store):
        """Writes nothing."""

    def load_own_variables(self, store):
        """Reads nothing."""


@keras.utils.register_keras_serializable(package="tfp_flows")
class FlowModel(HoldsFlow, keras.Model):
    """Trains a flow with `compile` and `fit`, by maximum likelihood.

    The model returns log-densities in nats. ``loss`` is the mean negative log-likelihood in nats
    an example, ``bits_per_dim`` the same divided by the number of dimensions and ``log 2``.
    Regularisation losses of Keras networks inside the flow, and penalties of bijectors, are
    minimised with it but not reported, so that ``loss`` stays the likelihood.

    Bijectors that wait for data (standardisers, ActNorm, BatchNorm) are adapted to the training
    data before the first step. The flow that was given is the flow that is trained.

    Args:
        flow: The flow; any `tfp_flows.flows.Flow`, conditional or not.
        name: Name of the model.

    Raises:
        TypeError: If ``flow`` is not a `Flow`.

    Example:
        >>> model = tff.FlowModel(tff.flows.maf(event_shape=2))
        >>> model.compile("adam")
        >>> model.fit(x, epochs=10, validation_split=0.1)
        >>> model.predict(x)            # log-densities [n], nats
        >>> model.flow.sample(100)
        >>> model.save("model.keras")
    """

    def __init__(self, flow: Flow, *, name: str | None = None):
        if not isinstance(flow, Flow):
            raise TypeError(
                f"FlowModel needs a tfp_flows Flow, got {type(flow).__name__}; build one with "
                "tfp_flows.flows, or with Flow(base, bijector)."
            )
        # The dtype is explicit: under a mixed-precision policy densities stay in full precision.
        super().__init__(name=name or f"{flow.name}_model", dtype=flow.dtype.name)
        self._hold(flow)
        self.kind: str | None = None  # of work, set by the command's fits and saved
        self._loss_function, self._loss_takes = None, ()
        self._feed = None
        # Past Keras' tracking: tf_keras would count their variables as parameters.
        # In the flow's dtype, as a mean in the bfloat16 of a policy would count to 256.
        means = tuple(
            RunningMean(name=name, dtype=flow.dtype.name) for name in ("loss", "bits_per_dim")
        )
        object.__setattr__(self, "_means", means)
        seed = tf.Variable(0, dtype=tf.int64, trainable=False)
        object.__setattr__(self, "_noise_seed", seed)
        object.__setattr__(self, "_good_steps", [])

    @property
    def metrics(self):
        """The running means of loss and bits per dimension."""
        return list(self._means)

    def compile(
        self,
        optimizer="adam",
        *,
        loss=None,
        jit_compile="auto",
        steps_per_execution: int | str = "auto",
        run_eagerly: bool = False,
        accumulate: int = 1,
        metrics=None,
    ):
        """Configures training.

        Args:
            optimizer: Name or instance of a Keras optimizer.
            loss: Function of ``(x, log_prob)`` to minimise instead of ``-log_prob``; returns one
                value an example. It is handed the raw context and this model if it has parameters
                named ``context`` and ``model``. A model with its own loss is saved without its
                compilation.
            jit_compile: Whether steps are compiled by XLA; ``"auto"`` does unless the model runs
                eagerly or on several replicas.
            steps_per_execution: Steps run in one call; callbacks see the last of them. With XLA
                they are one program. ``"auto"`` runs up to 16 of an epoch with XLA, and one
                without, or where a callback of `fit` acts on single steps: a learning rate that
                changes with each step is faster as a schedule of the optimizer.
            run_eagerly: Whether steps run without a graph, for debugging.
            accumulate: Into how many parts each batch is cut, which are worked through one after
                the other before the optimizer takes its one step with the sum of their gradients:
                the memory of a step is that of a part, and the step that of the whole batch, up
                to rounding. Noise and batch statistics are each part's own, and so is what a loss
                makes of the mean over a batch (``free_bits`` of a VAE).
            metrics: Must be left out, as a flow has no targets to compare with.

        Raises:
            TypeError: If ``loss`` is not a function, or there are metrics.
            ValueError: If ``steps_per_execution`` or ``accumulate`` is not a whole number above 0.
            InputError: If the optimizer accumulates gradients by itself, too.
        """
        if metrics:
            raise TypeError(
                f"A FlowModel reports loss and bits_per_dim, and has no targets for metrics, got "
                f"{metrics!r}; leave metrics out, and measure what else there is in a callback."
            )
        if loss is not None and not callable(loss):
            raise TypeError(f"loss must be a function of (x, log_prob), got {loss!r}.")
        if jit_compile == "auto":
            # XLA on the CPU cannot reach the variables of other replicas.
            replicas = self.distribute_strategy.num_replicas_in_sync
            jit_compile = not run_eagerly and replicas == 1
        automatic = steps_per_execution == "auto"
        if not automatic:
            steps_per_execution = rows.whole(steps_per_execution, "steps_per_execution", "steps")
        accumulate = rows.whole(accumulate, "accumulate", "parts") or 1
        check_optimizer(optimizer, accumulate)
        self._in_replicas = in_replicas(self.distribute_strategy)
        self._loop = None
        self._loss_function, self._loss_takes = loss, ()
        if loss is not None:
            named = inspect.signature(loss).parameters
            self._loss_takes = tuple(name for name in ("context", "model") if name in named)
        super().compile(
            optimizer=optimizer,
            # Programs of XLA cannot raise where a bijector checks its results: only our own
            # function of several steps, which raises for them, is one.
            jit_compile=bool(jit_compile) and not self._checks_results,
            steps_per_execution=1 if automatic else steps_per_execution,
            run_eagerly=run_eagerly,
        )
        self._compile_options = {
            "jit_compile": bool(jit_compile),
            "steps_per_execution": steps_per_execution,
            "run_eagerly": bool(run_eagerly),
            # What versions before this option can read, where it is not used.
            **({"accumulate": accumulate} if accumulate > 1 else {}),
        }

    def fit(
        self,
        x,
        context=None,
        sample_weight=None,
        *,
        batch_size: int | None = None,
        epochs: int = 1,
        validation_data=None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        **options,
    ):
        """Fits the flow.

        A model that was built in the scope of a `tf.distribute` strategy trains on all replicas of
        it, of one process or of several workers, as one device would with the same batches; see
        `training_strategy`. Arrays are then the same on every worker, each of which takes its part;
        a `tf.data.Dataset` is sharded as its options say.

        Args:
            x: Data ``[n, *event_shape]``; or a pair ``(x, context)``; or a `tf.data.Dataset` (or
                another stream that Keras takes) of ``x``, ``(x, context)`` or
                ``(x, context, weight)`` batches.
            context: ``[n, *context_shape]`` for a conditional flow; a dict of such arrays for one
                whose embedding has several inputs. Batches of a stream likewise.
            sample_weight: ``[n]``, weights of the examples.
            batch_size: Rows a step, 128 by default; not for streams.
            epochs: Passes over the data.
            validation_data: Like ``x``, or ``(x, context)``, or ``(x, context, weight)``.
            validation_split: Fraction of the last rows to validate on; arrays only.
            shuffle: Whether rows are reshuffled at each epoch; arrays only.
            **options: Further arguments of `keras.Model.fit` (``callbacks``, ``verbose``,
                ``initial_epoch``, ``steps_per_epoch``, ``validation_steps``,
                ``validation_batch_size``, ``validation_freq``).

        Returns:
            The `History` of Keras: ``loss``, ``bits_per_dim`` and their ``val_`` twins.

        Raises:
            ValueError: If there is nothing to train, a shape does not fit, or an array holds NaN
                or infinity.
            InputError: If workers differ in data, weights, versions or arguments, or the model was
                built outside of the scope.
            WorkerLostError: If another worker is gone.
        """
        if not self.trainable_variables:
            raise ValueError(
                f"{self.name} has no trainable variables, so fit would change nothing; give the "
                "flow networks whose variables it can see."
            )
        if options.pop("class_weight", None) is not None:
            raise TypeError("A flow has no classes to weigh; give sample_weight, one a row.")
        callbacks = as_list(options.pop("callbacks", None))
        check_strategy(self.distribute_strategy)
        check_callbacks(callbacks)
        resumable = next((c for c in callbacks if isinstance(c, ResumableTraining)), None)
        loop = self._loop_of_replicas()
        seed = drawn_seed() if resumable is None else resumable.seed
        seed = seed if loop is None else loop.workers.of_chief(seed)
        x, context = rows.as_pair(self.flow, x, _also_y(context, options), "x")
        validation_batch = rows.whole(
            options.pop("validation_batch_size", None), "validation_batch_size", "rows"
        )
        batch_size = rows.whole(batch_size, "batch_size", "rows")
        validation_batch = validation_batch or batch_size or DEFAULT_BATCH_SIZE
        if rows.is_stream(x):
            if context is not None or sample_weight is not None or validation_split:
                raise ValueError(
                    "A stream carries its context and weights in its batches and cannot be split; "
                    "leave context, sample_weight and validation_split out."
                )
            if batch_size is not None:
                raise ValueError("batch_size is for arrays; batch the dataset itself.")
            rows.check_stream(self.flow, x)
            feed, training_data = feed_of(x), x
        else:
            arrays = rows.as_arrays(self.flow, x, context, sample_weight, spread=True)
            if validation_split and validation_data is None:
                arrays, held_out = rows.split_rows(arrays, validation_split)
                validation_data = as_dataset(held_out, validation_batch)
            training_data = tf.nest.map_structure(tf.constant, arrays)
            feed = Feed(training_data, batch_size or DEFAULT_BATCH_SIZE, shuffle=shuffle, seed=seed)
        steps_per_epoch = options.get("steps_per_epoch")
        stream = x
        if feed is not None:
            batches = feed.steps if self._fuses_steps else feed.dataset
            stream = batches(endless=steps_per_epoch is not None)
        validation_data = self._validation(validation_data, validation_batch)
        if loop is not None:
            held_out = feed_or_stream(validation_data)
            given = {k: v for k, v in options.items() if k != "verbose"}
            given |= {"batch_size": batch_size, "validation_batch_size": validation_batch}
            given |= {"shuffle": shuffle, "accumulate": self._compile_options.get("accumulate", 1)}
            loop.check_ready(
                feed or stream, held_out, {"epochs": epochs, "arguments of fit": given}
            )
        if self.flow.needs_adapt:
            with noise.seeded(seed, -1):
                alone = loop is None or feed is not None
                sample = rows.adapt_sample if alone else loop.adapt_sample
                self.flow.adapt(*sample(training_data))
        if self._fuses_steps and self._compile_options["steps_per_execution"] == "auto":
            count = steps.steps_per_call(feed or stream, steps_per_epoch)
            steps.set_steps_per_call(self, 1 if needs_every_step(callbacks) else count)
        self._noise_seed.assign(seed)
        self._good_steps.clear()
        # What BackupAndRestore left of an earlier training, in either Keras.
        self._initial_epoch = self._training_state = None
        self._feed = feed if self._fuses_steps else None
        # It is the first, so that at the end of an epoch all others find its weights.
        callbacks = [Watch(feed, steps_per_epoch, resumable), *callbacks]
        if loop is not None:
            return loop.fit(feed or stream, held_out, callbacks, epochs=epochs, **options)
        try:
            # Arrays have become datasets that shuffle by themselves.
            return super().fit(
                stream,
                epochs=epochs,
                validation_data=validation_data,
                shuffle=False,
                callbacks=callbacks,
                **options,
            )
        finally:
            self._feed = None

    def _loop_of_replicas(self) -> Loop | None:
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return None
        if not hasattr(self, "_compile_options"):
            raise ValueError(f"Compile {self.name} first, as with compile('adam').")
        if self._loop is None:
            self._loop = Loop(self)
        return self._loop

    def _validation(self, data, batch_size):
        if data is None:
            return None
        if rows.is_stream(data):
            rows.check_stream(self.flow, data, "validation_data")
            return data
        if not isinstance(data, tuple):
            data = rows.as_pair(self.flow, data, None, "validation_data")
        if len(data) > 3:
            raise ValueError(f"validation_data has at most 3 parts, got {len(data)}.")
        parts = (*data, None, None)[:3]
        return as_dataset(rows.as_arrays(self.flow, *parts, name="validation_data"), batch_size)

    def first_bad_step(self) -> int:
        """How many steps of the last call were done before the loss was no longer finite."""
        return sum(int(count) for count in self._good_steps)

    @property
    def _runs_compiled(self):
        options = getattr(self, "_compile_options", None)
        return options is not None and options["jit_compile"] and not options["run_eagerly"]

    @property
    def _fuses_steps(self):
        # A step of a user's own returns results of its own, which Keras' loop hands on.
        own = type(self).train_step is not FlowModel.train_step
        return self._runs_compiled and not own and not self._in_replicas

    @property
    def _needs_autograph(self) -> bool:
        """Whether steps run a loss of the user's, which may branch on tensors as Python does.

        AutoGraph rewrites that, and our own code for nothing, which takes long.
        """
        return self._loss_function is not None

    def make_train_function(self, force=False):
        """Makes the function that runs the steps of one call; called by Keras."""
        if not self._fuses_steps:
            return super().make_train_function(force)
        if self.train_function is None or force:
            if hasattr(self.optimizer, "build"):
                self.optimizer.build(self.trainable_variables)
            self.train_function = steps.several_steps(self)
        return self.train_function

    @property
    def _checks_results(self):
        return any(getattr(m, "checks_results", False) for m in self.flow.submodules)

    @property
    def _evaluates_compiled(self):
        return self._runs_compiled and not self._checks_results

    def evaluate(self, x, context=None, sample_weight=None, *, batch_size=None, **options):
        """Measures loss (nats an example) and bits per dimension; arguments as in `fit`.

        Returns:
            ``[loss, bits_per_dim]``, or a dictionary with ``return_dict=True``.
        """
        stream = self._as_stream(x, _also_y(context, options), sample_weight, batch_size)
        loop = self._loop_of_replicas()
        if loop is None:
            return super().evaluate(stream, **options)
        by_name = options.pop("return_dict", False)
        callbacks = as_list(options.pop("callbacks", None))
        found = loop.evaluate(feed_or_stream(stream), callbacks, **options)
        return found if by_name else [found[metric.name] for metric in self.metrics]

    def predict(self, x, context=None, *, batch_size=None, **options):
        """Returns log-densities ``[n]`` in nats, as a NumPy array; arguments as in `fit`."""
        context = _also_y(context, options)
        data = x[0] if isinstance(x, tuple) and x else x
        if getattr(data, "shape", None) and data.shape[0] == 0:
            # No rows have no densities; Keras would ask for one.
            x, context = rows.as_pair(self.flow, x, context, "x")
            return self.flow.log_prob(self._cast(x), self.flow.cast_context(context)).numpy()
        stream = self._as_stream(x, context, None, batch_size)
        if Workers(self.distribute_strategy).count > 1:
            return predict_alone(self, stream, **options)
        return super().predict(stream, **options)

    def _as_stream(self, x, context, sample_weight, batch_size):
        check_strategy(self.distribute_strategy)
        batch_size = rows.whole(batch_size, "batch_size", "rows")
        x, context = rows.as_pair(self.flow, x, context, "x")
        if rows.is_stream(x):
            rows.check_stream(self.flow, x)
            steps.one_a_call_if_unknown(self, x)
            return x
        arrays = rows.as_arrays(self.flow, x, context, sample_weight)
        return as_dataset(arrays, batch_size or DEFAULT_BATCH_SIZE)

    def call(self, x, context=None, training=False):
        """Returns the log-density of ``x``, in nats, of the batch shape."""
        return self.flow.log_prob(x, context, training=bool(training))

    def _batch_loss(self, batch, training):
        x, context, weight = rows.unpack(batch)
        x, weight = (self._cast(part) for part in (x, weight))
        context = self.flow.cast_context(context)
        log_prob = self(x, context=context, training=training)
        if self._loss_function is None:
            losses = -log_prob
        else:
            known = {"context": context, "model": self}
            more = {name: known[name] for name in self._loss_takes}
            losses = self._loss_function(x, log_prob, **more)
        self._means[0].update_state(losses, sample_weight=weight)
        entries = shapes.entries(x, self.flow.bijector.event_shape)
        scale = math.log(2) * (tf.cast(entries, x.dtype) if tf.is_tensor(entries) else entries)
        self._means[1].update_state(-log_prob / scale, sample_weight=weight)
        if weight is None:
            return tf.reduce_mean(losses)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * weight), tf.reduce_sum(weight))

    def _cast(self, part):
        return None if part is None else shapes.cast_real(part, self.flow.dtype, "a batch")

    def _results(self):
        return {metric.name: metric.result() for metric in self.metrics}

    def train_step(self, data):
        """One step of the optimiser; called by Keras."""
        warn_if_unadapted(self.flow)
        parts, variables = self._compile_options.get("accumulate", 1), self.trainable_variables
        compiled = self._fuses_steps or self._evaluates_compiled
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # Gradients are summed over replicas, which may have parts of unequal size.
        whole = share_of_batch(data) if replicas > 1 else 1.0

        def of_part(part, number, share):
            step = tf.cast(self.optimizer.iterations, tf.int64) * parts + tf.cast(number, tf.int64)
            with self._seeded(self._noise_seed, step, compiled):
                return self._gradients(part, share * whole, 1 / (replicas * parts))

        if parts == 1:
            gradients = of_part(data, 0, 1.0)
        else:
            gradients = summed_gradients(of_part, data, parts, variables)
        if not KERAS3 and hasattr(self.optimizer, "get_unscaled_gradients"):
            gradients = self.optimizer.get_unscaled_gradients(gradients)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._results()

    def _gradients(self, batch, share, extra_share):
        """Gradients of a part of a batch, which has such shares of its loss and its penalties."""
        with tf.GradientTape() as tape:
            with NetworkLosses(self.flow) as regularisation, collected_penalties() as penalties:
                loss = self._batch_loss(batch, training=True)
            loss *= tf.cast(share, loss.dtype)
            for extra in (*regularisation.losses, *penalties):
                loss += tf.cast(extra, loss.dtype) * extra_share
            scaled = self._scale(loss)
        return tape.gradient(scaled, self.trainable_variables)

    def _scale(self, loss):
        if KERAS3:
            return self.optimizer.scale_loss(loss)
        scale = getattr(self.optimizer, "get_scaled_loss", None)
        return loss if scale is None else scale(loss)

    def test_step(self, data):
        """One step of `evaluate`; called by Keras."""
        # The same for each pass, so that epochs and runs can be compared.
        with self._seeded(0, self._means[0].count, self._evaluates_compiled):
            self._batch_loss(data, training=False)
        return self._results()

    @staticmethod
    def _seeded(seed, step, compiled):
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        step = tf.cast(step, tf.int64)
        if replicas > 1:
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            step = step * replicas + tf.cast(replica, tf.int64)
        return noise.seeded(seed, step, compiled=compiled)

    def predict_step(self, data):
        """One step of `predict`; called by Keras."""
        x, context, _ = rows.unpack(data)
        context = self.flow.cast_context(context)
        return self(self._cast(x), context=context, training=False)

    def save(self, filepath, overwrite: bool = True, **options):
        """Writes a ``.keras`` file, which `tfp_flows.load` reads; arguments as in Keras.

        Of several workers the chief writes it, and the others nothing; likewise in `export`.

        Raises:
            InputError: If the path has another ending, or a part of the flow has no written form.
        """
        if not str(filepath).endswith(".keras"):
            raise InputError(
                f"A FlowModel is saved to a .keras file, got {str(filepath)!r}; change the ending, "
                "or use export(folder) for a SavedModel that runs without tfp_flows."
            )
        if not Workers(self.distribute_strategy).chief:
            return
        super().save(filepath, overwrite=overwrite, **options)

    def export(self, filepath, format: str = "saved_model", *, overwrite: bool = True, **options):
        """Writes densities, samples and latents for programs that run without this package.

        Args:
            filepath: Folder to write; see `tfp_flows.models.export`.
            format: ``"saved_model"``, in Keras' words ``"tf_saved_model"``; ``"tflite"`` or
                ``"onnx"``.
            overwrite: Whether an earlier export there may be replaced.
            **options: Keras' ``verbose``, without effect.

        Raises:
            InputError: As `tfp_flows.models.export`.
        """
        if not Workers(self.distribute_strategy).chief:
            return
        export_model(self, filepath, format, overwrite, options)

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        kind = {} if self.kind is None else {"kind": self.kind}
        own = {"name": self.name, "trainable": self.trainable, "keras": KERAS_NAME}
        return self._flow_config(**own, format=FORMAT, **kind)

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        del custom_objects
        ours = ("keras", "format", "kind")
        model = cls._from_flow_config({k: v for k, v in config_.items() if k not in ours})
        model.kind = config_.get("kind")
        return model

    def get_compile_config(self):
        """Returns what repeats the compilation; None with a loss of the user's own."""
        if not getattr(self, "_compile_options", None) or self._loss_function is not None:
            return None
        optimizer = keras.optimizers.serialize(self.optimizer)
        return {"optimizer": optimizer, **self._compile_options}

    def compile_from_config(self, config_):
        """Compiles from what `get_compile_config` returned."""
        options = dict(config_)
        self.compile(optimizer=keras.optimizers.deserialize(options.pop("optimizer")), **options)
        if hasattr(self.optimizer, "build"):
            self.optimizer.build(self.trainable_variables)


def _also_y(context, options):
    # Keras itself, and code written for any Keras model, says y for the second part.
    y = options.pop("y", None)
    return y if context is None else context

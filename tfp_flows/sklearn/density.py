"""`FlowDensity`: what `sklearn.neighbors.KernelDensity` does, by a flow."""

from numbers import Integral, Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from tfp_flows.errors import InputError
from tfp_flows.flows.building import build
from tfp_flows.flows.catalogue import RECIPES, find

_AUTO = "auto"
_DTYPES = ("float32", "float64")
_GRADIENT_NORM = 5.0
_MOST_SEEDS = 2**31 - 1
# A flow of one column that bends: a spline, without a network.
_ONE_COLUMN = ("nsf", {"mode": "autoregressive"})
VECTORS = tuple(name for name, recipe in RECIPES.items() if recipe.event == "vector")
"""Names of recipes for rows."""


class FlowDensity(DensityMixin, BaseEstimator):
    """A density of rows by a normalising flow, with the contract of scikit-learn's `KernelDensity`.

    It goes into `Pipeline`, `GridSearchCV`, `clone`, `pickle` and `joblib`. Data frames are taken;
    `sample` gives one where ``set_output(transform="pandas")`` or scikit-learn's configuration asks
    for it.

    Args:
        flow: Name of a recipe for vectors, see `tfp_flows.flows`, or ``"auto"``: ``maf``, and
            ``nsf`` of one column.
        flow_options: Arguments of the recipe, such as ``{"num_layers": 3}``.
        epochs: Passes over the rows at most.
        batch_size: Rows a step.
        learning_rate: Rate of Adam at first; it is halved where progress stalls.
        validation_fraction: Share of the rows that are not trained on and say when to stop; 0 for
            none.
        patience: Epochs without a better validation likelihood after which training stops.
        jit_compile: Whether XLA compiles the training: faster steps, some seconds before the first.
        dtype: ``"float32"`` or ``"float64"``, of the flow.
        random_state: Seed of split, weights and order, as everywhere in scikit-learn.
        verbose: 0 or 1: whether Keras shows a bar of progress.

    Attributes:
        flow_: The trained `Flow`; what is not here is there.
        n_iter_: Epochs that were trained.
        history_: Losses by epoch, as Keras gives them.
        n_features_in_: Number of columns.
        feature_names_in_: Their names, if `fit` saw a data frame.
    """

    def __init__(
        self,
        flow=_AUTO,
        *,
        flow_options=None,
        epochs=200,
        batch_size=256,
        learning_rate=2e-3,
        validation_fraction=0.1,
        patience=20,
        jit_compile=False,
        dtype="float32",
        random_state=None,
        verbose=0,
    ):
        self.flow = flow
        self.flow_options = flow_options
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.jit_compile = jit_compile
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None, sample_weight=None):
        """Fits the flow by maximum likelihood.

        Args:
            X: ``[n, columns]``.
            y: Not used; there for pipelines.
            sample_weight: ``[n]``, not negative: how much each row counts.

        Returns:
            The estimator.

        Raises:
            InputError: If a parameter is out of range, there is no such flow, or a column of a
                data frame is not of numbers.
            ValueError: If the rows are no finite numbers, too few, or weights are negative.
        """
        self._check()
        _refuse_texts(X)
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        random = check_random_state(self.random_state)
        seed = int(random.randint(_MOST_SEEDS))
        order = random.permutation(len(X))
        held = round(self.validation_fraction * len(X))
        parts = [order[held:], order[:held]]
        self._train(X, sample_weight, [np.sort(part) for part in parts], seed)
        return self

    def score_samples(self, X):
        """Log-densities of rows.

        Args:
            X: ``[n, columns]``.

        Returns:
            ``[n]``, nats.
        """
        from tfp_flows.models.evaluation import log_density

        check_is_fitted(self)
        _refuse_texts(X)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return log_density(self.flow_, X).astype(np.float64)

    def score(self, X, y=None):
        """The total log-likelihood of rows ``[n, columns]``, in nats."""
        return float(self.score_samples(X).sum())

    def sample(self, n_samples=1, random_state=None):
        """Draws rows.

        Args:
            n_samples: How many.
            random_state: Seed of the draw.

        Returns:
            ``[n_samples, columns]``: an array, or a data frame where one is asked for (see above).
        """
        from tfp_flows.models.evaluation import draw

        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise InputError(f"n_samples is {n_samples!r}; give a whole number of at least 1.")
        seed = int(check_random_state(random_state).randint(_MOST_SEEDS))
        rows = draw(self.flow_, int(n_samples), seed).astype(np.float64)
        if self._output != "pandas":
            return rows
        import pandas as pd

        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(rows.shape[1])])
        return pd.DataFrame(rows, columns=names)

    def set_output(self, *, transform=None):
        """Says what `sample` returns.

        Args:
            transform: ``"default"``, an array, or ``"pandas"``, a data frame; None leaves it.

        Returns:
            The estimator.

        Raises:
            InputError: If it is something else.
        """
        if transform is None:
            return self
        if transform not in ("default", "pandas"):
            raise InputError(f"transform is {transform!r}; give 'default' or 'pandas'.")
        self._sklearn_output_config = {"transform": transform}
        return self

    @property
    def _output(self) -> str:
        own = getattr(self, "_sklearn_output_config", {})
        return own.get("transform", get_config()["transform_output"])

    def _check(self) -> None:
        wholes = {name: getattr(self, name) for name in ("epochs", "batch_size", "patience")}
        for name, value in wholes.items():
            if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} is {value!r}; give a whole number of at least 1.")
        if not isinstance(self.learning_rate, Real) or not 0 < self.learning_rate < np.inf:
            raise InputError(f"learning_rate is {self.learning_rate!r}; give a positive number.")
        if self.dtype not in _DTYPES:
            raise InputError(f"dtype is {self.dtype!r}; give one of {', '.join(_DTYPES)}.")
        share = self.validation_fraction
        if not isinstance(share, Real) or not 0 <= share < 1:
            raise InputError(f"validation_fraction is {share!r}; give a share from 0 to below 1.")

    def _train(self, X, weights, parts, seed) -> None:
        import tensorflow as tf

        from tfp_flows.models import FlowModel, ResumableTraining

        train, held = parts
        callbacks, validation = [ResumableTraining(monitor="loss", patience=self.epochs)], None
        if len(held):
            validation = _rows(X, weights, held)
            callbacks = [
                ResumableTraining(
                    patience=self.patience, decay_patience=max(1, self.patience // 3), seed=seed
                )
            ]
        model = FlowModel(self._build(X.shape[1], seed))
        # Validation rows too: a flow of bounded support covers them.
        model.flow.adapt(X)
        model.compile(
            tf.keras.optimizers.Adam(self.learning_rate, global_clipnorm=_GRADIENT_NORM),
            jit_compile=self.jit_compile,
        )
        x, *rest = _rows(X, weights, train)
        history = model.fit(
            x,
            sample_weight=rest[-1] if rest else None,
            validation_data=validation,
            batch_size=int(self.batch_size),
            epochs=int(self.epochs),
            verbose=self.verbose,
            callbacks=callbacks,
        ).history
        self.flow_, self.history_, self.n_iter_ = model.flow, history, len(history["loss"])

    def _build(self, columns, seed):
        name, options = self.flow, dict(self.flow_options or {})
        if name == _AUTO:
            name, usual = _ONE_COLUMN if columns == 1 else ("maf", {})
            options = {**usual, **options}
        if find(name) not in VECTORS:
            raise InputError(f"{name} is no flow of rows; use one of {', '.join(VECTORS)}.")
        return build(name, columns, options, standardize=True, dtype=self.dtype, seed=seed)


def _rows(X, weights, chosen):
    """What `FlowModel.fit` validates on: rows, with their weights if there are any."""
    return (X[chosen],) if weights is None else (X[chosen], None, weights[chosen])


def _refuse_texts(X) -> None:
    """Raises an `InputError` if columns of a data frame are none of numbers."""
    dtypes = getattr(X, "dtypes", None)
    if not hasattr(dtypes, "items"):
        return
    # Truth values pass as 0 and 1; objects may be numbers, and are looked into.
    for j, (name, kind) in enumerate(dtypes.items()):
        if not _of_numbers(X.iloc[:, j], kind):
            raise InputError(
                f"FlowDensity takes numbers, and column {str(name)!r} is of {kind}; for columns of "
                "mixed types and with gaps use tff.tables.fit(frame), or encode it first."
            )


def _of_numbers(column, kind) -> bool:
    if getattr(kind, "kind", "O") in "biuf":
        return True
    try:
        np.asarray(column, np.float64)
    except (TypeError, ValueError):
        return False
    return getattr(kind, "kind", "O") == "O"

"""A Keras model of tables: rows of mixed columns in, densities, samples and filled gaps out."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfp_flows import noise
from tfp_flows.bijectors.cell_parts import KNOWN
from tfp_flows.bijectors.cells import Cells
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow, standard_normal
from tfp_flows.models import FlowModel
from tfp_flows.models import data as rows
from tfp_flows.tables.batches import in_batches
from tfp_flows.tables.conditions import checked_given
from tfp_flows.tables.schema import Schema

if TYPE_CHECKING:
    import pandas as pd

keras = tf.keras
# Half of the rows of a step learn the order in which a row's density is the product.
IN_ORDER = 0.5


@keras.utils.register_keras_serializable(package="tfp_flows")
class TableModel(FlowModel):
    """A density of rows whose columns are numbers, categories, dates, with gaps or without.

    `tfp_flows.tables.fit` makes and trains one from a data frame. The flow below, of `Cells`, is
    trained on random parts of each row given the rest, so that one model answers for every
    conditional: it scores rows with gaps, fills them, and samples given any columns.

    Args:
        flow: A flow by `Cells`.
        schema: The fitted schema of the table.
        given: Names of the columns that are context: conditioned on, and without a density.
        name: Name of the model.
    """

    def __init__(
        self, flow: Flow, schema: Schema, given: Sequence[str] = (), name: str | None = None
    ):
        super().__init__(flow, name=name)
        self.schema, self.given = schema, tuple(given)

    @classmethod
    def of(
        cls,
        schema: Schema,
        frame: "pd.DataFrame",
        *,
        given: Sequence[str] = (),
        weights: np.ndarray | None = None,
        hidden_units: Sequence[int] = (256, 256),
        num_bins: int = 16,
        seed: int | None = None,
    ) -> "TableModel":
        """An untrained model; fits the schema to the frame.

        Args:
            schema: Of the columns.
            frame: Training rows.
            given: Names of the columns to condition on.
            weights: ``[rows]``, of the rows, about 1 on average: for the shares of classes.
            hidden_units: Sizes of the layers of the network.
            num_bins: Bins of the splines of numbers.
            seed: Of the weights.

        Raises:
            InputError: If a name is unknown or no column is left.
        """
        for name in given:
            if not schema.column(name).modelled:
                column = schema.column(name)
                raise InputError(
                    f"Column {name!r} cannot be given: {column.reason or column.type}."
                )
        own = [name for name in schema.names if name not in given]
        if not own:
            raise InputError("All columns are given, and none is left to have a density.")
        schema.fit(frame)
        shares = dict(zip(schema.names, schema.shares(frame, weights), strict=True))
        order = [schema.column(name) for name in (*given, *own)]
        cells = Cells(
            classes=[column.classes for column in order],
            numbers=[column.number for column in order],
            shares=[shares[column.name] for column in order],
            grids=[column.grid() for column in order],
            given=len(given),
            hidden_units=hidden_units,
            num_bins=num_bins,
            seed=seed,
        )
        return cls(Flow(standard_normal(len(own)), cells, name="columns"), schema, given)

    @property
    def own(self) -> list[str]:
        """Names of the columns that have a density, in the order of the product."""
        return [name for name in self.schema.names if name not in self.given]

    @property
    def layer(self) -> Cells:
        """The map from latents to cells."""
        return self.flow.bijector

    def arrays(self, frame: "pd.DataFrame") -> dict[str, Any]:
        """``x`` and ``context`` for `fit`, `evaluate` and `predict`, cells of a frame."""
        encoded = self.schema.encode(frame, self.own)
        context = self.schema.encode(frame, self.given).cells if self.given else None
        return {"x": encoded.cells, "context": context}

    def log_prob(self, frame: "pd.DataFrame") -> np.ndarray:
        """Log-densities of rows in nats, ``[rows]``: of what is there, gaps left out.

        Numbers have densities in the units of the table; categories, whole numbers and dates have
        probabilities. Minus infinity where a value cannot be one of its column, also of one of
        ``given``.
        """
        return self.parts(frame).sum(axis=1)

    def parts(self, frame: "pd.DataFrame") -> np.ndarray:
        """The terms of `log_prob` by column, ``[rows, columns]``: each given those before it."""
        encoded, context = self._encoded(frame)
        masses = in_batches(self._terms, encoded.cells, context)
        there = encoded.cells[..., KNOWN] > 0
        terms = np.where(there, masses + encoded.log_det, 0.0)
        return np.where(encoded.impossible, -np.inf, terms)

    def conditional(
        self, frame: "pd.DataFrame", given: Sequence[str] | Mapping[str, Sequence[str]]
    ) -> np.ndarray:
        """Log-density of each column alone given some, ``[rows, columns]``, in nats.

        Args:
            frame: Rows.
            given: Names of the columns to condition on, or for each column its own; gaps are not.
        """
        encoded, context = self._encoded(frame)
        known, own = encoded.cells[..., KNOWN], self.own
        if isinstance(given, Mapping):
            known = known[:, None]
            seen = [[other in given.get(name, ()) for other in own] for name in own]
        else:
            seen = [name in given for name in own]
        known = known * np.array(seen, np.float32)
        masses = in_batches(self._masses, encoded.cells, context, known)
        there = encoded.cells[..., KNOWN] > 0
        terms = np.where(there, masses + encoded.log_det, np.nan)
        return np.where(encoded.impossible, -np.inf, terms)

    def sample(
        self, n: int | None = None, given: "pd.DataFrame | Mapping | None" = None, *, seed: int = 0
    ) -> "pd.DataFrame":
        """Rows that are possible under the schema.

        Args:
            n: How many; with a frame ``given``, as many as it has rows by default.
            given: Values of any columns: one for all rows (a mapping), or a row each (a frame).
            seed: Seed.

        Raises:
            InputError: If a given value cannot be one of its column, or the context is missing.
        """
        import pandas as pd

        if given is None:
            frame = pd.DataFrame(index=range(1 if n is None else n))
        elif isinstance(given, Mapping):
            count, known = 1 if n is None else n, checked_given(self.schema, given)
            frame = pd.DataFrame({k: [v] * count for k, v in known.items()}, range(count))
        else:
            frame = given if n is None else given.iloc[np.resize(np.arange(len(given)), n)]
        frame = frame.reset_index(drop=True)
        for name in frame.columns:
            self.schema.column(name)
        return self.impute(frame, seed=seed)

    def impute(self, frame: "pd.DataFrame", *, seed: int = 0) -> "pd.DataFrame":
        """The frame with its gaps filled by draws given what is there, and absent columns drawn.

        Raises:
            InputError: If a value cannot be one of its column, or the context is missing.
        """
        self.refuse_impossible(frame)
        cells = self.schema.encode(frame, self.own).cells
        context = self.context(frame)
        z = np.random.default_rng(seed).standard_normal(cells.shape[:2]).astype(np.float32)
        drawn = in_batches(self._complete, z, context, cells)
        names = [*self.given, *self.own]
        if context is not None:
            drawn = np.concatenate([context, drawn], axis=1)
        filled = self.schema.decode(drawn, names)
        for name in filled.columns:
            if name in frame.columns:
                there = frame[name].notna().to_numpy()
                if there.all():
                    filled[name] = frame[name].to_numpy()
                elif there.any():
                    own = filled[name].astype(object)
                    own[there] = frame[name].to_numpy()[there]
                    filled[name] = own.infer_objects()
        return filled

    def export(self, filepath, format: str = "saved_model", **options):
        """Raises an `InputError`: what makes numbers of cells is Python, and no part of a graph."""
        raise InputError(
            "A model of mixed columns is not exported, as its schema, which makes numbers of "
            "cells, runs in Python alone; fit numbers by another flow, as with --flow maf."
        )

    def refuse_impossible(self, frame: "pd.DataFrame") -> None:
        """Raises an `InputError` that names the first value that cannot be one of its column."""
        self.schema.refuse_impossible(frame)

    def context(self, frame: "pd.DataFrame") -> np.ndarray | None:
        """Cells of the context, ``[rows, given, 4]``; a frame without its columns is refused."""
        if not self.given:
            return None
        missing = [name for name in self.given if name not in frame.columns]
        if missing:
            raise InputError(
                f"The model is of rows given {', '.join(map(repr, self.given))}; give the columns "
                f"{', '.join(map(repr, missing))} too."
            )
        return self.schema.encode(frame, self.given).cells

    def _encoded(self, frame):
        """The own columns, impossible where one of the context is, and cells of the context."""
        encoded, context = self.schema.encode(frame, self.own), self.context(frame)
        if context is not None:
            bad = self.schema.encode(frame, self.given).impossible.any(axis=1, keepdims=True)
            encoded = encoded._replace(impossible=encoded.impossible | bad)
        return encoded, context

    @functools.cached_property
    def _terms(self):
        return tf.function(self.layer.terms, autograph=False)

    @functools.cached_property
    def _masses(self):
        return tf.function(self.layer.log_masses, autograph=False)

    @functools.cached_property
    def _complete(self):
        def complete(z, cells, context=None):
            return self.layer.complete(z, cells, cells[..., KNOWN], context)

        return tf.function(complete, autograph=False)

    def _batch_loss(self, batch, training):
        x, context, weight = rows.unpack(batch)
        x, weight = (self._cast(part) for part in (x, weight))
        context = self.flow.cast_context(context)
        losses = self._trained_losses(x, context) if training else -self(x, context=context)
        self._means[0].update_state(losses, sample_weight=weight)
        self._means[1].update_state(losses / (np.log(2) * len(self.own)), sample_weight=weight)
        if weight is None:
            return tf.reduce_mean(losses)
        return tf.math.divide_no_nan(tf.reduce_sum(losses * weight), tf.reduce_sum(weight))

    def _trained_losses(self, x, context):
        """What a row costs in a step: the parts that are left, given the others.

        Where the parts given are the first ones, later columns count more, so that the mean of an
        epoch is near that of validation, and not the same measure.
        """
        known, factor = self._conditioned(x)
        masses = self.layer.log_masses(x, known, context)
        left = x[..., KNOWN] * (1 - known)
        return -factor * tf.reduce_sum(tf.where(left > 0, masses, tf.zeros_like(masses)), axis=-1)

    def _conditioned(self, x):
        """Which cells a step conditions on ``[n, columns]``, and the factor of the rest ``[n]``."""
        count, size = tf.shape(x)[0], len(self.own)
        place = noise.uniform([count, size], dtype=x.dtype)
        rank = tf.reduce_sum(tf.cast(place[:, None, :] < place[:, :, None], x.dtype), axis=-1)
        in_order = noise.uniform([count, 1], dtype=x.dtype) < IN_ORDER
        rank = tf.where(in_order, tf.range(size, dtype=x.dtype)[None, :], rank)
        number = tf.floor(noise.uniform([count, 1], dtype=x.dtype) * size)
        known = tf.cast(rank < number, x.dtype) * x[..., KNOWN]
        return known, size / (size - number[:, 0])

    def get_config(self):
        """Returns what rebuilds the model, without weights."""
        table = json.dumps({"schema": self.schema.record(), "given": list(self.given)})
        return {**super().get_config(), "table": table}

    @classmethod
    def from_config(cls, config_, custom_objects=None):
        """Builds a model from what `get_config` returned."""
        config = dict(config_)
        table = json.loads(config.pop("table"))
        config["schema"], config["given"] = Schema.restore(table["schema"]), table["given"]
        return super().from_config(config, custom_objects)

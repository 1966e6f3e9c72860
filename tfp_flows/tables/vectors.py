"""A flow of vectors as a model of a table of numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_flows.errors import InputError
from tfp_flows.models.evaluation import draw, log_density

if TYPE_CHECKING:
    import pandas as pd

    from tfp_flows.flows import Flow
    from tfp_flows.models import FlowModel


class Quantiles(NamedTuple):
    """Where cells of rows lie in their distributions.

    Attributes:
        names: Of the columns.
        low: ``[rows, columns]``, from 0 to 1; not a number at gaps.
        high: The same but of classes and intervals, which take a stretch.
    """

    names: list[str]
    low: np.ndarray
    high: np.ndarray


class Vectors:
    """What `tfp_flows.tables.check` asks of a model, by a flow over the columns.

    Args:
        model: A `FlowModel`, or a `Flow`, of vectors, without a context.
        columns: Names of their entries.

    Raises:
        InputError: If names and entries are not as many, or the flow takes a context.
    """

    def __init__(self, model: "FlowModel | Flow", columns: Sequence[str]):
        self.flow, self.columns = getattr(model, "flow", model), [str(c) for c in columns]
        shape = tuple(self.flow.event_shape)
        if shape != (len(self.columns),):
            raise InputError(
                f"The flow is of events of shape {shape}, and {len(self.columns)} columns are "
                "named; give a name for each entry of a vector."
            )
        if self.flow.context_shape is not None:
            raise InputError("The flow takes a context; check flows without one.")

    def log_prob(self, frame: "pd.DataFrame") -> np.ndarray:
        """Log-densities of rows in nats, ``[rows]``."""
        scores = log_density(self.flow, self._values(frame)).astype(np.float64)
        return np.where(np.isnan(scores), -np.inf, scores)

    def sample(self, n: int, *, seed: int = 0) -> "pd.DataFrame":
        """Rows ``[n, columns]``."""
        import pandas as pd

        return pd.DataFrame(draw(self.flow, n, seed).astype(np.float64), columns=self.columns)

    def quantiles(self, frame: "pd.DataFrame") -> Quantiles | None:
        """Those of the latents, which are independent where the flow is right.

        None if the base distribution is not one of independent entries.
        """
        base, bijector = self.flow.distribution, self.flow.bijector
        if not isinstance(base, tfp.distributions.Sample) or len(base.event_shape) != 1:
            return None
        x = tf.constant(self._values(frame), self.flow.dtype)
        shares = base.distribution.cdf(bijector.inverse(x)).numpy().astype(np.float64)
        names = [f"latent {i + 1}" for i in range(shares.shape[1])]
        return Quantiles(names, shares, shares)

    def _values(self, frame) -> np.ndarray:
        return frame[self.columns].to_numpy(np.float64)

"""An autoencoder that learns classes from few labels: where one is missing, it is a latent."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfp_flows import shapes
from tfp_flows.errors import InputError
from tfp_flows.flows import Flow
from tfp_flows.models import data as rows
from tfp_flows.models.accumulation import refuse_parts
from tfp_flows.models.vae import VAE
from tfp_flows.models.variational import Called, Variational

keras = tf.keras
# What stands for a label that is missing.
MISSING = -1
# Rows of the classifier in a call.
_ROWS = 8192


class _Labelled(Variational):
    """Beside encoder and decoder, which are told the class, a network that guesses it.

    Args:
        classifier: From events to logits ``[n, classes]``.
        **options: See `Variational`; the context is the class, one-hot.
    """

    def __init__(self, *, classifier, **options):
        super().__init__(**options)
        role = f"{self.name}: a classifier"
        self._classifier = Called(classifier, self.event_shape, self.dtype, role)
        if self._classifier.output_shape != self.context_shape:
            raise InputError(
                f"The classifier returns events of shape {self._classifier.output_shape}; for "
                f"{self.context_shape[0]} classes it must be {self.context_shape}, logits."
            )

    def classify(self, y, training=False):
        """Log-probabilities of the classes, ``[..., classes]``."""
        return tf.nn.log_softmax(self._classifier(y, training))


@keras.utils.register_keras_serializable(package="tfp_flows")
class SemiSupervisedVAE(VAE):
    """A `VAE` of data and classes (M2), with flows as posteriors and priors.

    ``p(x, y, z) = p(x | y, z) p(y) p(z)`` with equal shares of the classes. Where a label is
    missing, it is summed out under what a classifier says, ``q(y | x)``, which so learns from data
    without labels; where it is known, the classifier is trained on it too. A step costs as many
    decodings of each row as there are classes.

    Source: Kingma et al. 2014, arXiv:1406.5298, equations 6 to 9.

    Args:
        encoder: See `VAE`.
        decoder: From latents, behind which stands the class, one-hot; see `VAE`.
        classifier: A network from data to logits ``[n, classes]``.
        classes: Number of classes.
        label_weight: Of the classifier's cross entropy beside the bound, both in nats a row.
        labelled_share: Of the rows of an epoch that have labels, which are repeated for it.
        **options: As of `VAE`, but for ``context_shape``: ``posterior``, ``likelihood``, ``seed``
            and so on.

    Raises:
        InputError: If parts do not fit each other.

    Example:
        >>> vae = tff.models.SemiSupervisedVAE(encoder, decoder, classifier, classes=10,
        ...                                    latent_size=40)
        >>> vae.compile("adam")
        >>> vae.fit(x, labels, epochs=50)      # -1 where a label is missing
        >>> vae.classify(x_test).argmax(-1)
        >>> vae.sample(3, [7, 7, 7])
    """

    _SAVED = ("free_bits", "warm_up", "label_weight", "labelled_share", "classes")
    _IMPLIED = (*VAE._IMPLIED, "context_shape")

    def __init__(
        self,
        encoder,
        decoder,
        classifier,
        *,
        classes: int,
        latent_size: int,
        prior: Flow | None = None,
        free_bits: float = 0.0,
        warm_up: int = 0,
        label_weight: float = 10.0,
        labelled_share: float = 0.2,
        name: str | None = None,
        **options: Any,
    ):
        if not (label_weight >= 0 and 0 < labelled_share < 1):
            raise InputError(
                "label_weight must not be negative and labelled_share between 0 and 1, got "
                f"{label_weight!r} and {labelled_share!r}."
            )
        layer = _Labelled(
            classifier=classifier,
            encoder=encoder,
            decoder=decoder,
            latent_size=latent_size,
            context_shape=shapes.positive(classes, "classes"),
            **options,
        )
        self._begin(layer, prior, free_bits, warm_up, name, "accuracy")
        self.label_weight, self.labelled_share = float(label_weight), float(labelled_share)
        self.classes = int(classes)

    def _batch_loss(self, batch, training):
        x, told, weight = rows.unpack(batch)
        x, told, weight = (self._cast(part) for part in (x, told, weight))
        known = tf.reduce_max(told, axis=-1)
        log_q = self.layer.classify(x, training)
        reconstruction, divergence = self._by_class(x, training)
        # What is known has all weight; the entropy of the rest is part of the bound.
        shares = tf.where(known[:, None] > 0, told, tf.exp(log_q))
        entropy = -(1 - known) * tf.reduce_sum(tf.exp(log_q) * log_q, axis=-1)
        label = entropy - np.log(self.classes)
        loss = self._counted(
            tf.reduce_sum(shares * reconstruction, axis=-1) + label,
            tf.reduce_sum(shares * divergence, axis=-1),
            weight,
            training,
        )
        right = tf.cast(tf.argmax(log_q, axis=-1) == tf.argmax(told, axis=-1), x.dtype)
        counted = known if weight is None else known * weight
        self._means[3].update_state(right, sample_weight=counted)
        if not training:
            return loss
        wrong = -tf.reduce_sum(told * log_q, axis=-1) * (1.0 if weight is None else weight)
        cross = tf.math.divide_no_nan(tf.reduce_sum(wrong), tf.reduce_sum(counted))
        return loss + self.label_weight * cross

    def _by_class(self, x, training):
        """Both parts of the bound if each class in turn were the right one, ``[n, classes]``."""
        features = self.layer.features(x, training)
        count, classes = tf.shape(x)[0], self.classes
        told = tf.repeat(tf.eye(classes, dtype=x.dtype)[:, None], count, axis=1)
        given = tf.concat([tf.repeat(features[None], classes, axis=0), told], axis=-1)
        z, log_q = self.layer.draw(given, training)
        many = tf.repeat(x[None], classes, axis=0)
        reconstruction = self.layer.reconstruction(many, z, told, training)
        divergence = log_q - self.flow.distribution.log_prob(z)
        return tf.transpose(reconstruction), tf.transpose(divergence)

    def fit(self, x, labels=None, sample_weight=None, *, validation_data=None, **options):
        """Fits to data of which some have labels.

        Args:
            x: ``[n, *event_shape]``, an array.
            labels: ``[n]`` integers from 0 on, -1 where one is missing.
            sample_weight: ``[n]``.
            validation_data: A pair ``(x, labels)``.
            **options: As of `FlowModel.fit`, but for ``validation_split``.

        Raises:
            InputError: If labels do not fit, or none is known, or batches are cut into parts.
        """
        refuse_parts(self, "what labels cost is a mean over those of a batch")
        if rows.is_stream(x) or options.get("validation_split"):
            raise InputError(
                "A semi-supervised fit takes arrays, and validation_data=(x, labels) in place of "
                "validation_split."
            )
        told = self._told(labels, len(x))
        known = np.flatnonzero(told.any(axis=-1))
        if not len(known):
            raise InputError("No label is known; fit a VAE, or give some labels.")
        share = self.labelled_share
        wanted = share * (len(told) - len(known)) / (1 - share)
        again = np.tile(known, max(0, round(wanted / len(known)) - 1))
        places = np.concatenate([np.arange(len(told)), again])
        if validation_data is not None:
            pictures, own = validation_data
            validation_data = (pictures, self._told(own, len(pictures)))
        weights = None if sample_weight is None else np.asarray(sample_weight)[places]
        return super().fit(
            np.asarray(x)[places],
            told[places],
            weights,
            validation_data=validation_data,
            **options,
        )

    def evaluate(self, x, labels=None, sample_weight=None, **options):
        """Bounds in nats an example, and the share of known labels that is right."""
        return super().evaluate(x, self._told(labels, len(x)), sample_weight, **options)

    def classify(self, x) -> np.ndarray:
        """Probabilities of the classes, ``[n, classes]``."""
        x = rows.as_arrays(self.flow, x, np.zeros([len(x), self.classes]))[0]
        starts = range(0, max(len(x), 1), _ROWS)
        return np.concatenate(
            [np.exp(self.layer.classify(tf.constant(x[i : i + _ROWS]))) for i in starts]
        )

    def sample(self, n: int, labels=None, *, draws: bool = False, seed: int = 0):
        """As of `VAE`, of classes ``[n]`` that are given or, without, drawn."""
        if labels is None:
            labels = np.random.default_rng(seed).integers(self.classes, size=n)
        return super().sample(n, labels, draws=draws, seed=seed)

    def bound(self, x, labels=None, **options):
        """As of `VAE`: of data given their labels ``[n]``, or, without, of data alone.

        The latter sums over all classes, at as many times the cost.
        """
        if labels is not None:
            return super().bound(x, labels, **options)
        each = [
            super(SemiSupervisedVAE, self).bound(x, np.full(len(x), label), **options)
            for label in range(self.classes)
        ]
        return np.logaddexp.reduce(each, axis=0) - np.log(self.classes)

    def predict(self, x, labels=None, **options):
        """Bounds on log-likelihoods given labels ``[n]``, by one draw each."""
        return super().predict(x, self._as_context(labels, len(x)), **options)

    def _as_context(self, context, count: int):
        told = self._told(context, count)
        if not told.any(axis=-1).all():
            raise InputError(
                "Each row needs its class here, from 0 on; classify(x).argmax(-1) guesses them."
            )
        return told

    def _told(self, labels, count: int) -> np.ndarray:
        """Labels as rows of zeros and a one, of zeros alone where one is missing."""
        labels = np.full(count, MISSING) if labels is None else np.asarray(labels)
        whole = labels.dtype.kind in "iu" and labels.shape == (count,)
        if not whole or (count and not (labels.min() >= MISSING and labels.max() < self.classes)):
            raise InputError(
                f"Labels are {count} integers from 0 to {self.classes - 1}, or {MISSING} where one "
                f"is missing; got {labels.dtype.name} of shape {labels.shape}"
                + (f" from {labels.min()} to {labels.max()}." if whole and count else ".")
            )
        told = np.zeros([count, self.classes], self.flow.dtype.as_numpy_dtype)
        known = np.flatnonzero(labels != MISSING)
        told[known, labels[known]] = 1
        return told

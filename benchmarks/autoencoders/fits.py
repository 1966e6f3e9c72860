"""One autoencoder: its fit, its bounds, what its latents know of the labels."""

import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from tfp_flows.models import ResumableTraining, picture_vae
from tfp_flows.models.image_callbacks import WarmUpCosine

_HELD_OUT, _RATE, _BATCH = 5000, 1e-3, 128
_LABELLED, _SUBSETS = (100, 1000), 5


class Pictures(NamedTuple):
    """Pictures of zeros and ones ``[n, height, width, 1]`` and labels ``[n]``."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def fit(pictures: Pictures, posterior: str, minutes: float, seed: int):
    """A trained autoencoder, and what its training was; the best validation counts."""
    model = picture_vae(event_shape=pictures.train.shape[1:], posterior=posterior, seed=seed)
    held_out = min(_HELD_OUT, len(pictures.train) // 10)
    parts = pictures.train[:-held_out], pictures.train[-held_out:]
    return model, trained(model, *parts, minutes, seed)


def trained(model, train, validation, minutes: float, seed: int) -> dict[str, Any]:
    """Trains for so long, and says what it was; the best validation counts."""
    model.compile("adam")
    best = ResumableTraining(patience=10**6, seed=seed)
    rate = WarmUpCosine(_RATE, epochs=10**6, seconds=60 * minutes)
    began = time.monotonic()
    model.fit(
        train,
        validation_data=validation,
        batch_size=_BATCH,
        epochs=10**6,
        callbacks=[rate, best],
        verbose=0,
    )
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    about = {"epochs": best.epoch, "best_epoch": best.best_epoch, "parameters": count}
    return about | {"seconds": time.monotonic() - began, "validation": -best.best}


def judge(model, pictures: Pictures, rows: int, draws: int) -> dict[str, Any]:
    """Bounds on test pictures in nats, the first ``rows`` of them by ``draws`` draws each."""
    loss, _, kl = model.evaluate(pictures.test, verbose=0)
    return {
        "elbo": -loss,
        "kl": kl,
        "bounds": model.bound(pictures.test[:rows], draws=draws).astype(float).tolist(),
        "active_units": int(model.active_units(pictures.test[:rows]).sum()),
    }


def probe(train, train_labels, test, test_labels) -> dict[str, list[float]]:
    """Shares of test labels that a linear classifier of a few labelled rows gets right."""
    found = {}
    for labelled in _LABELLED:
        if labelled > len(train):
            continue
        shares = []
        for seed in range(_SUBSETS):
            chosen = np.random.default_rng(seed).permutation(len(train))[:labelled]
            # Not standardised: latents that say nothing would be made as large as those that do.
            way = LogisticRegression(max_iter=2000).fit(train[chosen], train_labels[chosen])
            shares.append(float(way.score(test, test_labels)))
        found[str(labelled)] = shares
    return found


def probes(model, pictures: Pictures, seed: int) -> dict[str, list[float]]:
    """`probe` of means of the latents."""
    rows = np.random.default_rng(seed).permutation(len(pictures.train))[:5000]
    latents = model.encode(pictures.train[rows])
    return probe(
        latents, pictures.train_labels[rows], model.encode(pictures.test), pictures.test_labels
    )


def probes_of_pca(pictures: Pictures, size: int, seed: int) -> dict[str, list[float]]:
    """`probe` of as many principal components."""
    rows = np.random.default_rng(seed).permutation(len(pictures.train))[:5000]
    flat = pictures.train.reshape(len(pictures.train), -1)
    way = PCA(size, random_state=seed).fit(flat)
    test = way.transform(pictures.test.reshape(len(pictures.test), -1))
    return probe(way.transform(flat[rows]), pictures.train_labels[rows], test, pictures.test_labels)

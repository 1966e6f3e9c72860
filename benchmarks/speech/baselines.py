"""Linear prediction given the mel spectrogram: what a vocoder's density has to beat."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.optimize import minimize
from scipy.signal import lfilter
from scipy.special import gammaln

from tfp_flows.audio import Framed, MelSettings, mel_filters

ORDER = 24
# Of the power of each frame, added to its autocorrelation at lag 0.
_RIDGE = 1e-5
_ROWS = 400_000
_DITHER = 2.0**-15


def baselines(train: Framed, test: Sequence[Framed], mel: MelSettings) -> dict[str, Any]:
    """Mean nats a sample of the held-out clips, over [-1, 1), and their standard errors.

    The three are one normal of all samples; and, with residuals normal or of Student's t, a linear
    prediction of order 24 whose coefficients are those of the spectrum that a frame's mel bands
    imply, with a log-scale linear in the bands, fitted to the training clips. Samples are
    dequantised as for the flow.

    Args:
        train: Training clips.
        test: Clips held out.
        mel: Settings of the spectrograms.
    """
    generator = np.random.default_rng(0)
    train, test = _dequantised(train, generator), [_dequantised(t, generator) for t in test]
    mean, variance = train.audio.mean(), train.audio.var()
    normal = [
        -0.5 * np.log(2 * np.pi * variance) - (t.audio - mean) ** 2 / 2 / variance for t in test
    ]
    fitted = [_residuals(part, mel) for part in (train, *test)]
    _errors, features = fitted[0]
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    fitted = [(e, np.c_[np.ones(len(f)), (f - centre) / scale]) for e, f in fitted]
    results = {"iid Gaussian": _summary(normal)}
    for name, fit in (("Gaussian", _fit_normal), ("Student-t", _fit_student)):
        score = fit(*fitted[0])
        results[f"AR({ORDER}) {name} given the mel"] = _summary([score(*f) for f in fitted[1:]])
    return results


def _dequantised(part: Framed, generator) -> Framed:
    noise = generator.random(part.audio.shape)
    return Framed(part.audio.astype(np.float64) + _DITHER * noise, part.mel.astype(np.float64))


def _residuals(part: Framed, mel: MelSettings) -> tuple[np.ndarray, np.ndarray]:
    """Errors of prediction ``[frames, hop]`` and what their scale may depend on."""
    filters = mel_filters(mel)
    # Magnitudes of the bins from those of the bands, each bin as its bands say on average.
    share = filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-12)
    heights = np.exp(part.mel) / filters.sum(axis=0)
    magnitude = heights @ share.T
    # Above the last band, as the last band that there is.
    covered = np.flatnonzero(filters.sum(axis=1) > 0)
    magnitude[:, : covered[0]] = magnitude[:, [covered[0]]]
    magnitude[:, covered[-1] + 1 :] = magnitude[:, [covered[-1]]] * 0.1
    lags = np.fft.irfft(magnitude**2, axis=1)[:, : ORDER + 1]
    lags[:, 0] *= 1 + _RIDGE
    lags[:, 0] += 1e-12
    samples = np.concatenate([np.zeros(ORDER), part.audio.ravel()])
    hop, errors, gains = part.audio.shape[1], np.empty_like(part.audio), np.empty(len(part))
    for i, lag in enumerate(lags):
        weights = solve_toeplitz(lag[:-1], lag[1:])
        gains[i] = max(lag[0] - weights @ lag[1:], 1e-14)
        window = samples[i * hop : (i + 1) * hop + ORDER]
        errors[i] = lfilter(np.r_[1, -weights], 1, window)[ORDER:]
    return errors, np.c_[np.log(gains) / 2, part.mel]


def _fit_normal(errors, features):
    squares = (errors**2).mean(axis=1)

    def loss(weights):
        log_scale = features @ weights
        ratio = squares * np.exp(-2 * log_scale)
        return (log_scale + ratio / 2).mean(), features.T @ (1 - ratio) / len(features)

    weights = _minimised(loss, _start(squares, features))

    def score(errors, features):
        log_scale = (features @ weights)[:, None]
        return -log_scale - 0.5 * math.log(2 * math.pi) - errors**2 * np.exp(-2 * log_scale) / 2

    return score


def _fit_student(errors, features):
    most = max(1, _ROWS // errors.shape[1])
    chosen = np.random.default_rng(1).permutation(len(errors))[:most]
    some, their = errors[chosen], features[chosen]

    def parts(errors, features, weights):
        log_scale, freedom = (features @ weights[1:])[:, None], np.exp(weights[0]) + 1
        ratio = errors**2 * np.exp(-2 * log_scale) / freedom
        constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2)
        constant -= 0.5 * math.log(math.pi * freedom)
        return constant - log_scale - (freedom + 1) / 2 * np.log1p(ratio), ratio, freedom

    def loss(weights):
        value, ratio, freedom = parts(some, their, weights)
        slope = (1 - (freedom + 1) * ratio / (1 + ratio)).mean(axis=1)
        moved = weights.copy()
        moved[0] += 1e-4
        by_freedom = -(parts(some, their, moved)[0].mean() - value.mean()) / 1e-4
        return -value.mean(), np.r_[by_freedom, their.T @ slope / len(their)]

    squares = (some**2).mean(axis=1)
    weights = _minimised(loss, np.r_[1.0, _start(squares, their)])
    return lambda errors, features: parts(errors, features, weights)[0]


def _start(squares, features):
    target = 0.5 * np.log(squares + 1e-12)
    size = features.shape[1]
    return np.linalg.solve(features.T @ features + 1e-3 * np.eye(size), features.T @ target)


def _minimised(loss, start):
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x


def _summary(scores) -> dict[str, float | None]:
    means = np.array([score.mean() for score in scores])
    error = float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else None
    return {"nats": float(means.mean()), "standard_error": error}

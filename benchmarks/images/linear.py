"""What large images are given small ones without a network: interpolation, regression, a Gaussian.

All in values of a byte; small images are means over blocks.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from benchmarks import isolated
from benchmarks.images.data import load
from tfp_flows.datasets import Splits
from tfp_flows.kinds.images.upscaling import blown_up, examples, measured
from tfp_flows.networks.picture_upsampling import cubic_weights

_RIDGES = (1e2, 1e3, 1e4, 1e5, 1e6)
_VARIANCES = (0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 8.0)
# Of the uniform noise that makes bytes real.
_OF_NOISE = 1 / 12


def run(job: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Fits and measures all three, in this process.

    Args:
        job: ``path``, ``upscale``, ``seed``.

    Returns:
        Their measures by name, and the Gaussian's bits per dimension of each test image.
    """
    images, factor, seed = load(job["path"], job["seed"]), job["upscale"], job["seed"]
    true = examples(images, images.sizes.test, "test")
    regression = Regression.fit(images.pixels, factor)
    gaussian = GivenSmall.fit(regression, images.pixels, seed)
    scale = -math.log(2) * math.prod(images.shape)
    ways = {
        "cubic interpolation": lambda small, temperature: enlarged(small, factor),
        "linear regression": lambda small, temperature: regression(small),
        "Gaussian": lambda small, temperature: gaussian.samples(small, temperature, seed),
    }
    models = {name: {"test": measured(way, true, factor)} for name, way in ways.items()}
    # A single picture has no band.
    for name in ("cubic interpolation", "linear regression"):
        del models[name]["test"]["coverage"]
    bits = gaussian.log_density(images.pixels.test, seed) / scale
    others = np.roll(images.pixels.test, 1, axis=0)
    wrong = gaussian.log_density(images.pixels.test, seed, of=others) / scale
    models["Gaussian"] |= {"wrong_bits_median": float(np.median(wrong))}
    return {"status": "ok", "models": models}, bits


def enlarged(small: np.ndarray, factor: int) -> np.ndarray:
    """Cubic interpolation of ``[n, height, width, channels]``."""
    rows, columns = (cubic_weights(size, factor) for size in small.shape[1:3])
    return np.einsum("ih,nhwc,jw->nijc", rows, small, columns, optimize=True)


class Regression(NamedTuple):
    """How all pixels lie about the means of their blocks, as linear functions of all means.

    Attributes:
        constant: ``[entries]`` of a large image.
        slopes: ``[entries of a small image, entries]``.
        factor: How many times smaller small images are.
    """

    constant: np.ndarray
    slopes: np.ndarray
    factor: int

    @classmethod
    def fit(cls, parts: Splits, factor: int) -> "Regression":
        """Least squares, with the ridge that is best on the validation images."""
        small, target = _halves(parts.train, factor)
        centre, mean = small.mean(axis=0), target.mean(axis=0)
        products, right = (small - centre).T @ (small - centre), (small - centre).T @ target
        best, lowest = None, math.inf
        for ridge in _RIDGES:
            slopes = np.linalg.solve(products + ridge * np.eye(len(products)), right)
            found = cls(mean - centre @ slopes, slopes, factor)
            error = np.square(found.residuals(parts.validation)).mean()
            if error < lowest:
                best, lowest = found, error
        return best

    def __call__(self, small: np.ndarray) -> np.ndarray:
        """The large images that are expected of small ones."""
        flat = self.constant + small.reshape(len(small), -1) @ self.slopes
        large = blown_up(small, self.factor)
        return large + flat.reshape(large.shape)

    def residuals(self, large: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
        """What is left of images, ``[n, entries]``, of mean 0 in each block.

        Given the small images of others, if ``of`` is given, blocks have other means.
        """
        small, _ = _halves(large if of is None else of, self.factor)
        expected = self(small.reshape(_small(large, self.factor).shape))
        return (large - expected).reshape(len(large), -1)


class GivenSmall(NamedTuple):
    """Large images given small ones: a Gaussian of full covariance about the regression.

    Attributes:
        mean: The regression.
        axes: The covariance's eigenvectors, as columns ``[entries, entries]``.
        variances: Its eigenvalues ``[entries]``, the noise's variance included.
    """

    mean: Regression
    axes: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, mean: Regression, parts: Splits, seed: int) -> "GivenSmall":
        """The covariance of the residuals, widened by as much as is best on validation."""
        residuals = mean.residuals(parts.train)
        variances, axes = np.linalg.eigh(residuals.T @ residuals / len(residuals))
        # The means of the blocks are known, and have the least variances: none but the noise's.
        free = np.arange(len(variances)) >= len(mean.slopes)
        best, highest = None, -math.inf
        for more in _VARIANCES:
            widened = np.where(free, variances + more, 0.0) + _OF_NOISE
            found = cls(mean, axes, widened)
            score = found.log_density(parts.validation, seed).mean()
            if score > highest:
                best, highest = found, score
        return best

    def log_density(self, large: np.ndarray, seed: int, of: np.ndarray | None = None) -> np.ndarray:
        """Log-densities ``[n]`` in nats of bytes with uniform noise, given their small images.

        Or given those of other images, ``of``.
        """
        noise = np.random.default_rng(seed).random((len(large), len(self.axes))) - 0.5
        along = (self.mean.residuals(large, of) + noise) @ self.axes
        log_det = np.log(2 * math.pi * self.variances).sum()
        return -0.5 * (np.square(along) / self.variances).sum(axis=1) - 0.5 * log_det

    def samples(self, small: np.ndarray, temperature: float, seed: int) -> np.ndarray:
        """A large image for each small one."""
        generator, means = np.random.default_rng(seed), self.mean(small)
        spread = temperature * np.sqrt(self.variances)
        along = spread * generator.standard_normal((len(small), len(spread)))
        return means + (along @ self.axes.T).reshape(means.shape)


def _small(images: np.ndarray, factor: int) -> np.ndarray:
    rows, height, width, channels = images.shape
    blocks = (rows, height // factor, factor, width // factor, factor, channels)
    return images.reshape(blocks).mean(axis=(2, 4))


def _halves(large: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of blocks, and the pixels about them, flat, in float64."""
    large = large.astype(np.float64)
    small = _small(large, factor)
    return small.reshape(len(large), -1), (large - blown_up(small, factor)).reshape(len(large), -1)


if __name__ == "__main__":
    isolated.serve(run)

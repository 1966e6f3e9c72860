"""What latents tell of factors that are known."""

from typing import NamedTuple

import numpy as np

from tfp_flows import shapes
from tfp_flows.errors import InputError
from tfp_flows.real import real_array

# Of the rows, at each end, what does not make bins wider.
_OUTSIDE = 0.001


class InformationGap(NamedTuple):
    """How far each factor is told by one latent alone.

    Attributes:
        gap: The mean of ``gaps``, from 0 to 1 (MIG).
        gaps: Of each factor, the information of the latent that tells most minus that of the next,
            as a share of the factor's entropy, ``[factors]``.
        information: Mutual information of each latent and factor, ``[latents, factors]``, nats.
    """

    gap: float
    gaps: np.ndarray
    information: np.ndarray


def mutual_information_gap(latents, factors, *, bins: int = 20) -> InformationGap:
    """The mutual-information gap of latents and factors that made the data.

    Information is that of the empirical table of a factor and a latent in bins of equal width,
    from the 0.1 % quantile to the 99.9 % one; the first and last hold what is beyond. Give draws of
    the latents, ``vae.encode(x, draws=1)``, rather than means: the mean of a latent that says next
    to nothing can follow a factor exactly, a hair's breadth wide. Where there is no information the
    table has about ``bins * values / (2 * rows)`` nats all the same.

    Source: Chen et al. 2018, arXiv:1802.04942, equation 6; bins in place of the paper's sampling.

    Args:
        latents: ``[n, latents]``, 2 latents at least.
        factors: ``[n, factors]`` integers, or ``[n]`` of one factor; none is constant.
        bins: Of each latent.

    Raises:
        InputError: If shapes do not fit, factors are no whole numbers or one is constant.
    """
    latents, factors = real_array(latents, "latents"), np.asarray(factors)
    factors = factors[:, None] if factors.ndim == 1 else factors
    if latents.ndim != 2 or latents.shape[1] < 2 or factors.ndim != 2 or not factors.shape[1]:
        raise InputError(
            "A gap needs latents [n, 2 or more] and factors [n, 1 or more], got "
            f"{latents.shape} and {factors.shape}."
        )
    if len(latents) != len(factors) or not np.isfinite(latents).all():
        raise InputError(
            f"A gap needs finite latents and factors of the same rows, got {len(latents)} and "
            f"{len(factors)} rows."
        )
    if factors.dtype.kind not in "iub":
        raise InputError(f"Factors are integers, got {factors.dtype.name}; number their values.")
    shapes.positive(bins, "bins")
    coded = [np.unique(column, return_inverse=True)[1] for column in factors.T]
    if constant := [place for place, codes in enumerate(coded) if not codes.any()]:
        raise InputError(f"Factor {constant[0]} has one value alone, of which nothing can tell.")
    entropies = np.array([_entropy(np.bincount(codes)) for codes in coded])
    information = np.array(
        [[_information(place, codes) for codes in coded] for place in _binned(latents, bins)]
    )
    ordered = np.sort(information, axis=0)
    gaps = (ordered[-1] - ordered[-2]) / entropies
    return InformationGap(float(gaps.mean()), gaps, information)


def _binned(latents, bins: int):
    """The bin of each row, by latent."""
    for column in latents.T:
        low, high = np.quantile(column, [_OUTSIDE, 1 - _OUTSIDE])
        yield np.searchsorted(np.linspace(low, high, bins + 1)[1:-1], column)


def _information(first, second) -> float:
    counts = np.zeros([first.max() + 1, second.max() + 1])
    np.add.at(counts, (first, second), 1)
    return _entropy(counts.sum(1)) + _entropy(counts.sum(0)) - _entropy(counts)


def _entropy(counts) -> float:
    """In nats, of the shares that counts are."""
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))

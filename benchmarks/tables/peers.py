"""What others make of the same rows: a Gaussian copula, and chained regressions."""

import contextlib
import io
import warnings

import numpy as np

_COPULA_ROWS, _IMPUTER_ROWS = 2_000, 5_000


def gaussian_copula(values: np.ndarray, is_class: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Samples of the Gaussian copula of `copulas`, with the marginals that it chooses.

    Gaps, which it does not take, are filled by draws of their column; codes of classes are spread
    over an interval of length 1 each. It sees at most 2,000 rows: its choice of marginals takes
    seconds for each column.

    Args:
        values: ``[rows, columns]``, rows that the fit got.
        is_class: ``[columns]``.
        count: How many samples.
        seed: Seed.

    Returns:
        ``[count, columns]``.
    """
    import pandas as pd
    from copulas.multivariate import GaussianMultivariate

    from benchmarks.tables.coding import filled

    rng = np.random.default_rng(seed)
    rows = filled(values, rng)[rng.permutation(len(values))[:_COPULA_ROWS]]
    rows = np.where(is_class, rows + rng.uniform(-0.5, 0.5, rows.shape), rows)
    names = [f"c{j}" for j in range(rows.shape[1])]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        copula = GaussianMultivariate(random_state=seed)
        copula.fit(pd.DataFrame(rows, columns=names))
        drawn = copula.sample(count)[names].to_numpy()
    return drawn


def chained(values: np.ndarray, holes: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Draws of scikit-learn's `IterativeImputer`, Bayesian regressions with ``sample_posterior``.

    All columns are standardised. Draws stay between the ends of their columns.

    Args:
        values: ``[rows, columns]``, rows that the fit got, of which it sees at most 5,000.
        holes: ``[n, columns]``, rows with gaps.
        draws: How many times they are filled.
        seed: Seed.

    Returns:
        ``[draws, n, columns]``.
    """
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    order = np.random.default_rng(seed).permutation(len(values))[:_IMPUTER_ROWS]
    middle, spread = np.nanmean(values, axis=0), np.maximum(np.nanstd(values, axis=0), 1e-12)
    rows = (values[order] - middle) / spread
    imputer = IterativeImputer(
        sample_posterior=True,
        random_state=seed,
        min_value=np.nanmin(rows, axis=0),
        max_value=np.nanmax(rows, axis=0),
        keep_empty_features=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imputer.fit(rows)
        filled = [imputer.transform((holes - middle) / spread) for _ in range(draws)]
    return np.stack(filled) * spread + middle

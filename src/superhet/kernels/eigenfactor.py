"""Eigenfactor risk adjustment: sample covariances make their smallest portfolios look too safe.

A sample covariance of T returns of K factors is most wrong where it matters to an optimiser: the variance of
its small eigenvectors is too low. How much is found by simulation: take the estimate as the truth, draw
samples from it, and see by how much each eigenvalue of a sample misses the true variance of its eigenvector.

With F = U D U' a sample covariance in the basis U is D^1/2 W D^1/2, where T W is a Wishart matrix that knows
nothing of F: the draws are made once, by Bartlett's decomposition, and shared by all dates, so that the
adjustment moves only as the eigenvalues do.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from superhet.kernels.ranking import Floats
from superhet.kernels.symmetric import eigen_into


@lru_cache(maxsize=4)
def wishart_draws(draws: int, window: int, factors: int, seed: int) -> Floats:
    """Draw sample covariances of `window` independent standard normals, [draws, factors, factors].

    Bartlett (1933): with A lower triangular, chi of window - i degrees on its diagonal and normals below,
    A A' is a Wishart matrix.

    Raises
    ------
    ValueError
        If there are fewer dates in the window than factors.
    """
    if window < factors:
        raise ValueError(f"a window of {window} dates is too short for {factors} factors")
    rng = np.random.default_rng(seed)
    squares = rng.chisquare(window - np.arange(factors), (draws, factors))
    a = np.tril(rng.standard_normal((draws, factors, factors)), -1)
    a[:, np.arange(factors), np.arange(factors)] = np.sqrt(squares)
    # row by row, so that no library of many threads has a say in the bits
    found: Floats = np.einsum("mik,mjk->mij", a, a) / window
    return found


def volatility_bias(eigenvalues: Floats, draws: Floats) -> Floats:
    """Give true over estimated volatility of each eigenvector of a sample covariance, [K], ascending.

    v(k) = sqrt(mean over samples m of (U_m' D U_m)_kk / D_m(k)).

    Parameters
    ----------
    eigenvalues : [K] of the covariance taken as true, ascending, positive
    draws : [M, K, K] as `wishart_draws` gives

    References
    ----------
    Menchero, Wang, Orr, *Eigen-adjusted covariance matrices*, MSCI Research Insight, 2011.
    """
    total = np.zeros(eigenvalues.size)
    _add_ratios(np.ascontiguousarray(eigenvalues), draws, total)
    bias: Floats = np.sqrt(total / len(draws))
    return bias


@njit(cache=True, nogil=True, error_model="numpy")
def _add_ratios(eigenvalues: Floats, draws: Floats, total: Floats) -> None:
    """Add, sample by sample, true over estimated variance of each eigenvector."""
    K = eigenvalues.size
    root = np.sqrt(eigenvalues)
    sample, values, vectors = np.empty((K, K)), np.empty(K), np.empty((K, K))
    spare = np.empty((2, K))
    for m in range(draws.shape[0]):
        for i in range(K):
            for j in range(K):
                sample[i, j] = draws[m, i, j] * root[i] * root[j]
        eigen_into(sample, values, vectors, spare)
        for k in range(K):
            true = 0.0
            for j in range(K):
                true += vectors[k, j] * vectors[k, j] * eigenvalues[j]
            total[k] += true / values[k]

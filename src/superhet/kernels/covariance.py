"""Covariance of short samples, and means of series that remember.

Ledoit and Wolf mix the sample covariance S with a target F that has few parameters,
``(1 - δ) S + δ F``, and choose δ in closed form so that the expected squared distance to the true
covariance is least. `overlap` corrects δ for samples that are not independent (information coefficients
of overlapping horizons): the error of S then shrinks with n / overlap instead of n.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ledoit_wolf(samples: Floats, *, overlap: float = 1.0) -> tuple[Floats, float]:
    """Shrink the sample covariance towards a multiple of the identity.

    Parameters
    ----------
    samples : [observations, variables], without NaN; centred here; the divisor is n
    overlap : number of observations that carry the information of one independent one, at least 1

    Returns
    -------
    covariance : [variables, variables], positive definite unless every sample is constant
    shrinkage : weight of the target, in [0, 1]

    References
    ----------
    Ledoit & Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88, lemma 3.2 to 3.4.
    """
    x = samples - samples.mean(axis=0)
    n, k = x.shape
    sample = x.T @ x / n
    scale = float(np.trace(sample)) / k
    target = scale * np.eye(k)
    distance = float(np.sum((sample - target) ** 2))
    squares = x**2
    noise = overlap * float(np.sum(squares.T @ squares / n - sample**2)) / n
    shrinkage = min(noise, distance) / distance if distance > 0.0 else 0.0
    return (1.0 - shrinkage) * sample + shrinkage * target, shrinkage


def ledoit_wolf_constant_correlation(
    samples: Floats, *, overlap: float = 1.0
) -> tuple[Floats, float]:
    """Shrink the sample covariance towards equal correlations with the sample's own variances.

    Parameters
    ----------
    samples : [observations, variables], without NaN, none constant; centred here; the divisor is n
    overlap : number of observations that carry the information of one independent one, at least 1

    Returns
    -------
    covariance : [variables, variables]
    shrinkage : weight of the target, in [0, 1]

    References
    ----------
    Ledoit & Wolf (2004), "Honey, I shrunk the sample covariance matrix", Journal of Portfolio
    Management 30(4), appendix B.
    """
    x = samples - samples.mean(axis=0)
    n, k = x.shape
    sample = x.T @ x / n
    if k == 1:
        return sample, 0.0
    deviation = np.sqrt(np.diag(sample))
    outer = np.outer(deviation, deviation)
    mean_correlation = (float(np.sum(sample / outer)) - k) / (k * (k - 1))
    target = mean_correlation * outer
    np.fill_diagonal(target, np.diag(sample))
    squares = x**2
    errors = squares.T @ squares / n - sample**2
    cross = (x**3).T @ x / n - np.diag(sample)[:, None] * sample
    np.fill_diagonal(cross, 0.0)
    shared = np.trace(errors) + mean_correlation * np.sum(
        np.outer(1.0 / deviation, deviation) * cross
    )
    distance = float(np.sum((sample - target) ** 2))
    if distance <= 1e-24 * float(np.sum(sample**2)):
        return sample, 0.0
    shrinkage = float(np.clip(overlap * (np.sum(errors) - shared) / distance / n, 0.0, 1.0))
    return (1.0 - shrinkage) * sample + shrinkage * target, shrinkage


def half_life_weights(count: int, half_life: float | None) -> Floats:
    """Give weights that halve every `half_life` rows back, the last row the largest; they sum to 1.

    Examples
    --------
    >>> half_life_weights(3, 1.0).round(3)
    array([0.143, 0.286, 0.571])
    """
    if half_life is None:
        return np.full(count, 1.0 / count)
    weights = 0.5 ** (np.arange(count - 1, -1, -1) / half_life)
    return np.asarray(weights / weights.sum())


def newey_west_mean_variance(x: Floats, lags: int) -> float:
    """Estimate the variance of the mean of a series that remembers, with Bartlett weights.

    Parameters
    ----------
    x : [observations]; a NaN keeps its place in time and adds nothing
    lags : autocovariances used, 0 … n - 1; the horizon or more for overlapping returns

    Returns
    -------
    variance of the mean; 0 for a constant series; NaN with fewer than two observations

    Notes
    -----
    S = γ_0 + 2 Σ_{d=1..L} (1 - d / (L + 1)) γ_d with γ_d = Σ_t u_t u_{t-d} / n, u the deviation from the
    mean and 0 where x is not known; the variance of the mean is S / n. No small-sample correction.

    References
    ----------
    Newey & West (1987), Econometrica 55; gaps as in Datta & Du (2012), Federal Reserve IFDP 1060.
    """
    known = ~np.isnan(x)
    n = int(known.sum())
    if n < 2:
        return float("nan")
    deviation = np.where(known, x, 0.0) - np.where(known, x[known].mean(), 0.0)
    total = float(deviation @ deviation)
    lags = min(lags, len(x) - 1)
    for d in range(1, lags + 1):
        total += 2.0 * (1.0 - d / (lags + 1)) * float(deviation[d:] @ deviation[:-d])
    return max(total, 0.0) / n**2

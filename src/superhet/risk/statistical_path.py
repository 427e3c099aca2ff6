"""A statistical model through time, in the same arrays as a fundamental one.

1. every so many sessions, factors are found in the window that ends there     -> StatisticalModel.at
2. they are turned to lie as close as they can to those of before              -> _turned
3. exposures, covariance and specific risk stand until the next time; and with POET, pairs of
   names whose specific returns are correlated                                 -> _pairs
4. the returns of each date are regressed on the exposures of the session before, weighted by
   the inverse of the specific variance                                        -> _regress_all

Factors found anew have no names: without the turn, the first of today need not be the first of yesterday.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from superhet.errors import InputError
from superhet.panel import Market
from superhet.progress import Progress, silent
from superhet.risk.estimates import (
    REASONS,
    Fit,
    Flags,
    Floats,
    RiskEstimates,
    SpecificPairs,
)
from superhet.risk.statistical import StatisticalModel

EVERY = 21
_LEAST = 0.25
"""Share of the median specific risk below which a weight grows no more."""


def statistical_estimates(
    model: StatisticalModel, market: Market, progress: Progress = silent, *, every: int = EVERY
) -> RiskEstimates:
    """Find factors every so often, and give what they say of every date from the first time on.

    Parameters
    ----------
    model : how factors are found
    market : the market
    progress : called as (done, total, what)
    every : sessions from one search to the next, counted from the first date that has a whole window

    Raises
    ------
    InputError
        if the market has fewer dates than the window
    """
    T, N = len(market.dates), len(market.assets)
    if model.window > T:
        raise InputError(
            f"the statistical model looks back on {model.window} dates, and the market has {T}. "
            "Give it more history."
        )
    fitted = model.fit(market)
    K = model.factors
    styles, specific = np.full((K, T, N), np.nan), np.full((T, N), np.nan)
    covariance = np.full((T, K, K), np.nan)
    rows = range(model.window - 1, T, every)
    loading: Floats | None = None
    pairs: list[SpecificPairs] = []
    for done, row in enumerate(rows):
        progress(done, len(rows), "finding factors")
        found = fitted.at(market.dates.values[row])
        turn = np.eye(K) if loading is None else _turned(found.exposures, loading)
        loading = found.exposures @ turn
        until = min(row + every, T)
        styles[:, row:until] = loading.T[:, None, :]
        specific[row:until] = np.sqrt(found.specific_variance)
        covariance[row:until] = turn.T @ found.factor_covariance @ turn
        if model.kind == "poet":
            pairs.append(_pairs(found.date, *fitted.specific_covariance(found.date)))
    returns = np.asarray(market["returns"].values, dtype=np.float64)
    estimable = market.universe.estimable.values & ~np.isnan(styles[0])
    parts = _regress_all(returns, styles, specific, estimable)
    return RiskEstimates(
        model={
            "name": "statistical",
            "table": model.kind,
            "horizon": "short",
            "factors": K,
            "window": model.window,
            "every": every,
        },
        dates=market.dates,
        assets=market.assets,
        factors=tuple(f"statistical_{k + 1}" for k in range(K)),
        blocks=("statistical",) * K,
        styles=styles,
        codes=np.full((T, N), -1, dtype=np.int32),
        caps=np.asarray(market[market.size].values, dtype=np.float64),
        estimable=estimable,
        returns=returns,
        factor_returns=parts[0],
        residual=parts[1],
        fit=parts[2],
        covariance=covariance,
        specific=specific,
        pairs=_joined(pairs) if pairs else None,
    )


def _pairs(date: np.datetime64, names: npt.NDArray[np.int64], covariance: Floats) -> SpecificPairs:
    """List the pairs of a matrix that are not 0."""
    one, other = np.nonzero(np.triu(covariance, 1))
    return SpecificPairs(
        dates=np.full(one.size, date),
        one=names[one],
        other=names[other],
        covariance=covariance[one, other],
    )


def _joined(parts: list[SpecificPairs]) -> SpecificPairs:
    each = {f.name: [getattr(p, f.name) for p in parts] for f in fields(SpecificPairs)}
    return SpecificPairs(**{n: np.concatenate(arrays) for n, arrays in each.items()})


def _turned(new: Floats, old: Floats) -> Floats:
    """Give the rotation (Procrustes) that brings new exposures closest to the old, [factors, factors]."""
    both = ~np.isnan(new).any(axis=1) & ~np.isnan(old).any(axis=1)
    left, _, right = np.linalg.svd(new[both].T @ old[both])
    turn: Floats = left @ right
    return turn


def _regress_all(
    returns: Floats, styles: Floats, specific: Floats, estimable: Flags
) -> tuple[Floats, Floats, Fit]:
    """Regress each date, weighted by the inverse of the specific variance of the session before."""
    K, T, N = styles.shape
    f, t, vif = (np.full((T, K), np.nan) for _ in range(3))
    residual, r2, centred, error = np.full((T, N), np.nan), *(np.full(T, np.nan) for _ in range(3))
    names = np.zeros(T, dtype=np.int64)
    for date in range(1, T):
        x, y = styles[:, date - 1].T, returns[date]
        known = ~np.isnan(x).any(axis=1) & ~np.isnan(y)
        inside = known & estimable[date - 1] & (specific[date - 1] > 0.0)
        names[date] = int(inside.sum())
        if names[date] <= 2 * K:
            continue
        own = specific[date - 1, inside]
        # a name that hardly traded all window seems to have no risk, and would be all of the regression
        v = 1.0 / np.maximum(own, _LEAST * np.median(own)) ** 2
        xs, ys = x[inside], y[inside]
        inverse = np.linalg.inv(xs.T @ (xs * v[:, None]))
        f[date] = inverse @ (xs.T @ (v * ys))
        u = ys - xs @ f[date]
        residual[date, known] = y[known] - x[known] @ f[date]
        scale = float(v @ u**2) / (names[date] - K)
        t[date] = f[date] / np.sqrt(np.diagonal(inverse) * scale)
        r2[date] = 1.0 - float(v @ u**2) / float(v @ ys**2)
        mean = float(v @ ys) / float(v.sum())
        centred[date] = 1.0 - float(v @ u**2) / float(v @ (ys - mean) ** 2)
        left = np.abs(xs.T @ (v * u))
        size = np.sqrt(np.diagonal(xs.T @ (xs * v[:, None])) * float(v @ ys**2))
        error[date] = float((left / size).max())
        vif[date] = np.diagonal(inverse) * np.diagonal(xs.T @ (xs * v[:, None]))
    nobody = np.zeros(T, dtype=np.int64)
    fit = Fit(
        t=t,
        r2=r2,
        r2_centred=centred,
        vif=vif,
        identity_error=error,
        names=names,
        left_out=np.zeros((T, len(REASONS)), dtype=np.int64),
        clipped=nobody,
        outliers=nobody,
    )
    return f, residual, fit

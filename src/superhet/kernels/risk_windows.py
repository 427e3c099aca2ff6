"""Exponentially weighted windows of the risk descriptors: one pass down the sessions, O(1) a cell.

A window of W sessions with weights 0.5^(age / half-life) is a recursion: what is in it decays by one
session, the newest row enters, and the row that leaves is taken off with the weight it has by then,

    S(t) = d S(t - 1) + x(t) - d^W x(t - W),        d = 0.5^(1 / half-life).

Rounding errors decay with the weights, so nothing drifts. Sums begin on the first row: a value is the
same, bit for bit, however many rows follow. A row that is not a finite number has no weight and does not
count; the weights of the others stay those of their age.

1. regression on one series: intercept, slope, deviation of the residual  -> market_line
2. deviation of one series                                                -> weighted_deviation
3. mean of one series, some sessions ago                                  -> weighted_mean
4. range of cumulative sums over whole months                             -> cumulative_range
5. logarithm of a month's sum, averaged over months                       -> log_monthly_sums
6. return of the cap-weighted portfolio                                   -> portfolio_returns

Assets are done in blocks whose sums stay in the near cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_BLOCK = 512
"""Assets done together: the sums of all of them fit in the near cache."""
_FEW = 64
"""The same where each asset keeps a year of sums."""
_STILL = 1e-13
"""Share of its raw second moment below which a variance is rounding."""


@njit(cache=True, nogil=True, error_model="numpy")
def portfolio_returns(returns: Floats, caps: Floats, inside: Flags) -> Floats:
    """Give the return of the cap-weighted portfolio, [dates]; caps and members are those of the row before.

    A member without a known return has no weight on that day; a day without any gives NaN, as does the
    first.
    """
    out = np.full(returns.shape[0], np.nan)
    for t in range(1, returns.shape[0]):
        total, mass = 0.0, 0.0
        for j in range(returns.shape[1]):
            r, w = returns[t, j], caps[t - 1, j]
            if inside[t - 1, j] and r - r == 0.0 and w > 0.0 and w - w == 0.0:
                total += w * r
                mass += w
        if mass > 0.0:
            out[t] = total / mass
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def market_line(
    y: Floats, x: Floats, window: int, half_life: float, minimum: int
) -> tuple[Floats, Floats, Floats]:
    """Regress each column of `y` on `x` with an intercept, weighted by age.

    Parameters
    ----------
    y : [dates, assets]
    x : [dates]
    window, half_life : in sessions
    minimum : how many rows of the window must be known in both

    Returns
    -------
    intercept, slope, deviation : [dates, assets]; the deviation is that of the residuals under the same
        weights, divided by their sum (population). NaN where too few rows are known, or `x` does not vary.
    """
    dates, assets = y.shape
    alpha, beta, rest = np.empty(y.shape), np.empty(y.shape), np.empty(y.shape)
    decay = 0.5 ** (1.0 / half_life)
    gone = decay**window
    for left in range(0, assets, _BLOCK):
        right = min(left + _BLOCK, assets)
        n, w = np.zeros(right - left), np.zeros(right - left)
        sx, sy = np.zeros(right - left), np.zeros(right - left)
        sxx, sxy, syy = np.zeros(right - left), np.zeros(right - left), np.zeros(right - left)
        for t in range(dates):
            new, b = y[t, left:right], x[t]
            fine = b - b == 0.0
            b = b if fine else 0.0
            for j in range(new.size):
                a = new[j]
                ok = (a - a == 0.0) & fine
                one, a, c = 1.0 if ok else 0.0, a if ok else 0.0, b if ok else 0.0
                n[j] += one
                w[j] = decay * w[j] + one
                sx[j] = decay * sx[j] + c
                sy[j] = decay * sy[j] + a
                sxx[j] = decay * sxx[j] + c * c
                sxy[j] = decay * sxy[j] + c * a
                syy[j] = decay * syy[j] + a * a
            if t >= window:
                old, b = y[t - window, left:right], x[t - window]
                fine = b - b == 0.0
                b = b if fine else 0.0
                for j in range(old.size):
                    a = old[j]
                    ok = (a - a == 0.0) & fine
                    one, a, c = 1.0 if ok else 0.0, a if ok else 0.0, b if ok else 0.0
                    n[j] -= one
                    w[j] -= gone * one
                    sx[j] -= gone * c
                    sy[j] -= gone * a
                    sxx[j] -= gone * (c * c)
                    sxy[j] -= gone * (c * a)
                    syy[j] -= gone * (a * a)
            for j in range(new.size):
                mx, my = sx[j] / w[j], sy[j] / w[j]
                vx, cov = sxx[j] / w[j] - mx * mx, sxy[j] / w[j] - mx * my
                ok = (n[j] >= minimum) & (vx > _STILL * (sxx[j] / w[j]))
                slope = cov / vx if ok else np.nan
                left_over = syy[j] / w[j] - my * my - slope * cov
                beta[t, left + j] = slope
                alpha[t, left + j] = my - slope * mx
                rest[t, left + j] = np.sqrt(left_over if left_over > 0.0 else 0.0) if ok else np.nan
    return alpha, beta, rest


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_deviation(y: Floats, window: int, half_life: float, minimum: int) -> Floats:
    """Give the weighted deviation from the weighted mean, divisor: the sum of weights, [dates, assets].

    NaN with fewer than `minimum` known rows in the window; 0 where they do not vary.
    """
    dates, assets = y.shape
    out = np.empty(y.shape)
    decay = 0.5 ** (1.0 / half_life)
    gone = decay**window
    for left in range(0, assets, _BLOCK):
        right = min(left + _BLOCK, assets)
        n, w = np.zeros(right - left), np.zeros(right - left)
        s, q = np.zeros(right - left), np.zeros(right - left)
        for t in range(dates):
            row = y[t, left:right]
            for j in range(row.size):
                a = row[j]
                ok = a - a == 0.0
                one, a = 1.0 if ok else 0.0, a if ok else 0.0
                n[j] += one
                w[j] = decay * w[j] + one
                s[j] = decay * s[j] + a
                q[j] = decay * q[j] + a * a
            if t >= window:
                row = y[t - window, left:right]
                for j in range(row.size):
                    a = row[j]
                    ok = a - a == 0.0
                    one, a = 1.0 if ok else 0.0, a if ok else 0.0
                    n[j] -= one
                    w[j] -= gone * one
                    s[j] -= gone * a
                    q[j] -= gone * (a * a)
            for j in range(row.size):
                mean, square = s[j] / w[j], q[j] / w[j]
                v = square - mean * mean
                v = v if v > _STILL * square else 0.0
                out[t, left + j] = np.sqrt(v) if n[j] >= minimum else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_mean(y: Floats, window: int, half_life: float, lag: int, minimum: int) -> Floats:
    """Give the weighted mean of the `window` rows that end `lag` rows before each, [dates, assets].

    Weights are divided by the sum over the known rows; fewer than `minimum` of them give NaN.
    """
    dates, assets = y.shape
    out = np.empty(y.shape)
    decay = 0.5 ** (1.0 / half_life)
    gone = decay**window
    for left in range(0, assets, _BLOCK):
        right = min(left + _BLOCK, assets)
        n, w, s = np.zeros(right - left), np.zeros(right - left), np.zeros(right - left)
        for t in range(dates):
            if t >= lag:
                row = y[t - lag, left:right]
                for j in range(row.size):
                    a = row[j]
                    ok = a - a == 0.0
                    one, a = 1.0 if ok else 0.0, a if ok else 0.0
                    n[j] += one
                    w[j] = decay * w[j] + one
                    s[j] = decay * s[j] + a
            if t >= lag + window:
                row = y[t - lag - window, left:right]
                for j in range(row.size):
                    a = row[j]
                    ok = a - a == 0.0
                    one, a = 1.0 if ok else 0.0, a if ok else 0.0
                    n[j] -= one
                    w[j] -= gone * one
                    s[j] -= gone * a
            for j in range(right - left):
                out[t, left + j] = s[j] / w[j] if n[j] >= minimum else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def cumulative_range(y: Floats, days: int, months: int, minimum: int) -> Floats:
    """Give the largest minus the smallest sum over the last 1, 2, …, `months` months, [dates, assets].

    A month has `days` rows; a row that is not known adds nothing. Fewer than `minimum` known rows in all
    give NaN.
    """
    dates, assets = y.shape
    out = np.empty(y.shape)
    ring = days * months + 1  # sums up to each of the rows that a window may begin after
    for left in range(0, assets, _FEW):
        right = min(left + _FEW, assets)
        sums, counts = np.zeros((ring, right - left)), np.zeros((ring, right - left))
        high, low = np.empty(right - left), np.empty(right - left)
        for t in range(dates):
            row, here = y[t, left:right], (t + 1) % ring
            before = t % ring
            for j in range(row.size):
                a = row[j]
                ok = a - a == 0.0
                sums[here, j] = sums[before, j] + (a if ok else 0.0)
                counts[here, j] = counts[before, j] + (1.0 if ok else 0.0)
            high[:] = -np.inf
            low[:] = np.inf
            for m in range(1, months + 1):
                start = t + 1 - days * m
                then = (start if start > 0 else 0) % ring
                for j in range(row.size):
                    z = sums[here, j] - sums[then, j]
                    high[j] = z if z > high[j] else high[j]
                    low[j] = z if z < low[j] else low[j]
            start = t + 1 - days * months
            then = (start if start > 0 else 0) % ring
            for j in range(row.size):
                known = counts[here, j] - counts[then, j]
                out[t, left + j] = high[j] - low[j] if known >= minimum else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def log_monthly_sums(
    y: Floats, days: int, months: int, traded: int, least: int, history: int
) -> Floats:
    """Give the logarithm of the mean, over the valid ones of the last `months` months, of a month's sum.

    Parameters
    ----------
    y : [dates, assets]
    days : rows of a month
    traded : known rows that make a month valid
    least : how many months must be valid
    history : known rows that the asset must have had by then, ever

    Returns
    -------
    [dates, assets]; NaN also where the mean is not positive
    """
    dates, assets = y.shape
    out = np.empty(y.shape)
    ring = days * months + 1
    for left in range(0, assets, _FEW):
        right = min(left + _FEW, assets)
        sums, counts = np.zeros((ring, right - left)), np.zeros((ring, right - left))
        total, valid = np.empty(right - left), np.empty(right - left)
        for t in range(dates):
            row, here, before = y[t, left:right], (t + 1) % ring, t % ring
            for j in range(row.size):
                a = row[j]
                ok = a - a == 0.0
                sums[here, j] = sums[before, j] + (a if ok else 0.0)
                counts[here, j] = counts[before, j] + (1.0 if ok else 0.0)
            total[:] = 0.0
            valid[:] = 0.0
            for m in range(months):
                end, start = t + 1 - days * m, t + 1 - days * (m + 1)
                if end <= 0:
                    break
                newer, older = end % ring, (start if start > 0 else 0) % ring
                for j in range(row.size):
                    ok = counts[newer, j] - counts[older, j] >= traded
                    total[j] += sums[newer, j] - sums[older, j] if ok else 0.0
                    valid[j] += 1.0 if ok else 0.0
            for j in range(row.size):
                mean = total[j] / valid[j]
                ok = (valid[j] >= least) & (counts[here, j] >= history) & (mean > 0.0)
                out[t, left + j] = np.log(mean) if ok else np.nan
    return out


def excess(returns: Any, free: Any, traded: Any | None) -> tuple[Floats, Floats]:
    """Give simple and logarithmic returns over the risk-free rate; NaN where there was no trade.

    Parameters
    ----------
    returns : [dates, assets], simple daily returns
    free : [dates], simple daily rates
    traded : [dates, assets] flags, or None for all

    Returns
    -------
    r - rf and ln(1 + r) - ln(1 + rf), [dates, assets]; a loss of everything has no logarithm
    """
    simple, logs = np.empty(returns.shape), np.empty(returns.shape)
    everywhere = np.ones((1, 1), dtype=np.bool_) if traded is None else np.asarray(traded)
    _excess(
        np.ascontiguousarray(returns, dtype=np.float64),
        np.ascontiguousarray(free, dtype=np.float64),
        everywhere,
        traded is None,
        simple,
        logs,
    )
    return simple, logs


@njit(cache=True, nogil=True, error_model="numpy")
def _excess(
    returns: Floats, free: Floats, traded: Flags, always: bool, simple: Floats, logs: Floats
) -> None:
    for t in range(returns.shape[0]):
        floor = np.log1p(free[t])
        for j in range(returns.shape[1]):
            r = returns[t, j]
            if (always or traded[t, j]) and r - r == 0.0:
                simple[t, j] = r - free[t]
                logs[t, j] = np.log1p(r) - floor if r > -1.0 else np.nan
            else:
                simple[t, j] = np.nan
                logs[t, j] = np.nan
